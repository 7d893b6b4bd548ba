//! The server, over real sockets: tags, ranges, encodings, what it refuses, what it counts, how it ends.

mod follow;
mod origin;
mod slow;

use origin::Origin;
use pocketrank_origin::serve::{Limits, Server};
use std::path::Path;
use tokio::runtime::Runtime;

#[test]
fn the_manifest_is_asked_for_again_and_again() {
    let origin = Origin::new();
    let bytes = std::fs::read(origin.folder.path().join("manifest.pkrm")).unwrap();
    let first = origin.get("/manifest.pkrm", &[]);
    assert_eq!((first.status, &first.body), (200, &bytes));
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    assert_eq!(first.header("access-control-allow-origin"), Some("*"));
    assert_eq!(first.header("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(first.header("last-modified"), None);
    assert_eq!(first.header("content-length"), Some(bytes.len().to_string().as_str()));
    let tag = first.tag().to_owned();
    assert!(tag.starts_with('"'), "strong: {tag}");
    for (condition, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"other\", {tag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let answer = origin.get("/manifest.pkrm", &[("If-None-Match", &condition)]);
        assert_eq!(answer.status, status, "{condition}");
        assert_eq!(answer.body.is_empty(), status == 304);
        assert_eq!(answer.tag(), tag);
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
    }
    for (condition, status) in [
        (tag.clone(), 200),
        (format!("W/{tag}"), 412),
        ("\"other\"".to_owned(), 412),
    ] {
        let answer = origin.get("/manifest.pkrm", &[("If-Match", &condition)]);
        assert_eq!(answer.status, status, "{condition}");
    }
    let head = origin.ask("HEAD", "/manifest.pkrm", &[]);
    assert!(head.body.is_empty() && head.tag() == tag);
    assert_eq!(head.header("content-length"), Some(bytes.len().to_string().as_str()));
    // Touched but the same: the same tag. Changed within the second and of equal length: another.
    let path = origin.folder.path().join("manifest.pkrm");
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(origin.get("/manifest.pkrm", &[("If-None-Match", &tag)]).status, 304);
    let mut other = bytes;
    other[100] ^= 1;
    std::fs::write(&path, &other).unwrap();
    assert_eq!(origin.get("/manifest.pkrm", &[("If-None-Match", &tag)]).status, 200);
}

#[test]
fn blobs_travel_in_the_encoding_that_is_asked_for() {
    let origin = Origin::new();
    let blob = &origin.manifest.snapshot.blob;
    let path = format!("/{}", blob.url);
    let mut tags = vec![];
    for (accepted, encoding, suffix) in [
        (None, None, ""),
        (Some("gzip, deflate, br, zstd"), Some("br"), ".br"),
        (Some("gzip"), Some("gzip"), ".gz"),
        (Some("br;q=0.5, gzip"), Some("gzip"), ".gz"),
        (Some("br;q=0, identity"), None, ""),
    ] {
        let headers: Vec<_> = accepted
            .map(|accepted| ("Accept-Encoding", accepted))
            .into_iter()
            .collect();
        let answer = origin.get(&path, &headers);
        assert_eq!(
            (answer.status, answer.header("content-encoding")),
            (200, encoding),
            "{accepted:?}"
        );
        assert_eq!(answer.body, origin.file(blob, suffix));
        assert_eq!(answer.header("vary").map(str::to_lowercase).unwrap(), "accept-encoding");
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(answer.header("last-modified"), None);
        let tag = answer.tag().to_owned();
        let again = origin.get(
            &path,
            &[headers.as_slice(), &[("If-None-Match", tag.as_str())]].concat(),
        );
        assert_eq!((again.status, again.tag(), again.body.len()), (304, tag.as_str(), 0));
        let head = origin.ask("HEAD", &path, &headers);
        assert_eq!((head.status, head.tag(), head.body.len()), (200, tag.as_str(), 0));
        tags.push((encoding, tag));
    }
    for (encoding, tag) in &tags {
        for (other, another) in &tags {
            assert_eq!(encoding == other, tag == another, "one tag for each encoding");
        }
    }
    let list = &origin.manifest.files[0].blob;
    let answer = origin.get(&format!("/{}", list.url), &[]);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn ranges_are_of_what_travels() {
    let origin = Origin::new();
    let blob = &origin.manifest.files[0].blob;
    let path = format!("/{}", blob.url);
    for (accepted, suffix) in [("identity", ""), ("br", ".br")] {
        let whole = origin.file(blob, suffix);
        let length = whole.len();
        let get = |headers: &[(&str, &str)]| {
            let headers = [&[("Accept-Encoding", accepted)], headers].concat();
            origin.get(&path, &headers)
        };
        let tag = get(&[]).tag().to_owned();
        for (range, expected) in [
            ("bytes=0-9", 0..10),
            ("bytes=100-", 100..length),
            ("bytes=-7", length - 7..length),
            ("bytes=5-99999999", 5..length),
        ] {
            let answer = get(&[("Range", range)]);
            assert_eq!((answer.status, answer.tag()), (206, tag.as_str()), "{range}");
            let content = format!("bytes {}-{}/{length}", expected.start, expected.end - 1);
            assert_eq!(answer.header("content-range"), Some(content.as_str()));
            assert_eq!(answer.body, whole[expected.clone()]);
            let same = get(&[("Range", range), ("If-Range", &tag)]);
            assert_eq!((same.status, same.body.len()), (206, expected.len()));
            for changed in ["\"other\"", "Wed, 21 Oct 2099 07:28:00 GMT"] {
                let all = get(&[("Range", range), ("If-Range", changed)]);
                assert_eq!(
                    (all.status, all.body.len(), all.tag()),
                    (200, length, tag.as_str()),
                    "{changed}"
                );
            }
            let known = get(&[("Range", range), ("If-None-Match", &tag)]);
            assert_eq!(known.status, 304);
        }
        let beyond = get(&[("Range", &format!("bytes={length}-"))]);
        assert_eq!(beyond.status, 416);
        assert_eq!(
            beyond.header("content-range"),
            Some(format!("bytes */{length}").as_str())
        );
        let nonsense = get(&[("Range", "apples=1-2")]);
        assert!(nonsense.status == 200 || nonsense.status == 416, "{}", nonsense.head);
    }
}

#[test]
fn nothing_else_is_handed_out() {
    let origin = Origin::new();
    let secret = origin.folder.path().parent().unwrap().join("pocketrank-secret");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::write(origin.folder.path().join("secret.pem"), "secret").unwrap();
    std::fs::write(origin.folder.path().join("files/.hidden"), "secret").unwrap();
    let hash = "0123456789abcdef0123456789abcdef";
    for path in [
        "/",
        "/secret.pem",
        "/manifest.lock",
        "/files/.hidden",
        "/../pocketrank-secret",
        "/files/../../pocketrank-secret",
        "/files/%2e%2e/%2e%2e/pocketrank-secret",
        "/files/..%2f..%2fpocketrank-secret",
        "/files/..\\..\\pocketrank-secret",
        "//etc/passwd",
        "/files//etc/passwd",
        "/files/",
        "/files",
        &format!("/files/{hash}.json"),
        &format!("/{}.br", origin.manifest.snapshot.blob.url),
        "http://origin/../pocketrank-secret",
    ] {
        let answer = origin.get(path, &[]);
        assert!(matches!(answer.status, 404 | 400), "{path}: {}", answer.head);
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"));
        assert_ne!(
            answer.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
    }
    std::fs::remove_file(secret).unwrap();
    for method in ["POST", "PUT", "DELETE"] {
        let answer = origin.ask(method, "/manifest.pkrm", &[("Content-Length", "0")]);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD")),
            "{method}"
        );
    }
    let preflight = origin.ask(
        "OPTIONS",
        "/manifest.pkrm",
        &[
            ("Origin", "https://shop.example"),
            ("Access-Control-Request-Method", "GET"),
            ("Access-Control-Request-Headers", "if-none-match"),
        ],
    );
    assert_eq!(preflight.status, 200);
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        Some("if-none-match,range")
    );
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    let long = format!("/{}", "a".repeat(40_000));
    assert!(matches!(origin.get(&long, &[]).status, 414 | 431));
}

#[test]
fn metrics_count_and_health_tells() {
    let origin = Origin::new();
    let snapshot = format!("/{}", origin.manifest.snapshot.blob.url);
    for _ in 0..3 {
        origin.get(&snapshot, &[]);
    }
    origin.get(&snapshot, &[("Range", "bytes=0-9")]);
    origin.get("/manifest.pkrm", &[]);
    origin.get("/no/such/thing", &[]);
    let metrics = origin.get("/metrics", &[]);
    assert!(metrics
        .header("content-type")
        .unwrap()
        .starts_with("application/openmetrics-text"));
    let text = String::from_utf8(metrics.body).unwrap();
    let bytes = 3 * origin.manifest.snapshot.blob.bytes;
    for line in [
        "pocketrank_http_requests_total{kind=\"snapshots\",status=\"200\"} 3".to_owned(),
        "pocketrank_http_requests_total{kind=\"snapshots\",status=\"206\"} 1".to_owned(),
        "pocketrank_http_requests_total{kind=\"manifest\",status=\"200\"} 1".to_owned(),
        "pocketrank_http_requests_total{kind=\"other\",status=\"404\"} 1".to_owned(),
        format!("pocketrank_http_sent_bytes_total{{kind=\"snapshots\",status=\"200\"}} {bytes}"),
        "pocketrank_http_sent_bytes_total{kind=\"snapshots\",status=\"206\"} 10".to_owned(),
        "pocketrank_http_answers_under_way 1".to_owned(),
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(origin.get("/healthz", &[]).status, 200);
    let moved = origin.folder.path().with_extension("moved");
    std::fs::rename(origin.folder.path(), &moved).unwrap();
    assert_eq!(origin.get("/healthz", &[]).status, 503);
    assert_eq!(origin.get("/manifest.pkrm", &[]).status, 404);
    std::fs::rename(moved, origin.folder.path()).unwrap();
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let runtime = Runtime::new().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let refused = runtime.block_on(Server::bind(Path::new("no/such/folder"), listen, Limits::default()));
    let refused = refused.unwrap_err();
    assert!(
        refused.exit_code() == 2 && refused.to_string().contains("publish --to"),
        "{refused}"
    );
}
