//! The server, over real sockets: tags, ranges, encodings, what it refuses, what it counts, how it ends.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../tests/support/random.rs"]
mod random;

use pocketrank::{Blob, Manifest, SecretKey};
use pocketrank_origin::publish::place::Place;
use pocketrank_origin::publish::{Publisher, Source};
use pocketrank_origin::serve::{Limits, Server};
use random::{builder, Rng};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    /// Reads one, which closes the connection.
    fn read(stream: impl Read) -> Self {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let mut body = vec![];
        reader.read_to_end(&mut body).unwrap();
        Self {
            status: head
                .split(' ')
                .nth(1)
                .unwrap_or_else(|| panic!("no answer: {head:?}"))
                .parse()
                .unwrap(),
            head,
            body,
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| {
            line.split_once(": ")
                .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        self.head
            .lines()
            .find(|text| line(text))
            .map(|line| line.split_once(": ").unwrap().1)
    }

    fn tag(&self) -> &str {
        self.header("etag").unwrap()
    }
}

/// What is served, and by whom.
struct Origin {
    folder: TempDir,
    manifest: Manifest,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    runtime: Runtime,
    server: Option<tokio::task::JoinHandle<()>>,
}

impl Origin {
    fn new() -> Self {
        Self::with(Limits::default(), 50_000)
    }

    fn with(limits: Limits, large: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let manifest = runtime.block_on(publish(folder.path(), large));
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = runtime.block_on(Server::bind(folder.path(), listen, limits)).unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let server = runtime.spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self {
            folder,
            manifest,
            address,
            stop: Some(stop),
            runtime,
            server: Some(server),
        }
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let request = format!("{method} {path} HTTP/1.1\r\nhost: origin\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(stream)
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers)
    }

    fn file(&self, blob: &Blob, suffix: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(format!("{}{suffix}", blob.url))).unwrap()
    }

    fn end(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.runtime.block_on(self.server.take().unwrap()).unwrap();
    }
}

/// A snapshot, and a large list that can hardly be compressed.
async fn publish(folder: &Path, large: usize) -> Manifest {
    let place = Place::open(folder.to_str().unwrap()).unwrap();
    let publisher = Publisher {
        place: &place,
        keys: &[SecretKey::from_seed([1; 32]).unwrap()],
        trust: &[],
        audience: "shop.example/test",
        now: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        lifetime: 600,
    };
    let snapshot = builder(&mut Rng(3), 60).build().unwrap();
    let mut rng = Rng(5);
    let large = Source {
        name: "large.json".into(),
        ttl: 60,
        bytes: (0..large).map(|_| b'0' + rng.below(64) as u8).collect(),
    };
    publisher.publish(&snapshot, Some(&[large]), 0).await.unwrap().manifest
}

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

const LARGE: usize = 20 << 20;

/// Begins to read the large list over a connection, and leaves it at that.
fn begin(address: SocketAddr, url: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /{url} HTTP/1.1\r\nhost: origin\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    assert!(head.contains(" 200 "), "{head}");
    reader
}

/// A large list as it lies in the folder, without what publishing compresses.
fn put_large(folder: &Path) -> (String, Vec<u8>) {
    let mut rng = Rng(9);
    let bytes: Vec<u8> = (0..LARGE / 8).flat_map(|_| rng.next().to_le_bytes()).collect();
    let url = "files/00000000000000000000000000000000.bin";
    std::fs::write(folder.join(url), &bytes).unwrap();
    (url.to_owned(), bytes)
}

#[test]
fn clients_who_take_their_time_are_cut_off() {
    let limits = Limits {
        connections: 3,
        head: Duration::from_millis(400),
        stall: Duration::from_millis(400),
        ..Limits::default()
    };
    let origin = Origin::with(limits, 1000);
    let (url, bytes) = put_large(origin.folder.path());
    // One says nothing, one half of a head, one takes nothing of a long answer; nobody else gets in meanwhile.
    let mut silent = TcpStream::connect(origin.address).unwrap();
    let mut half = TcpStream::connect(origin.address).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost: or").unwrap();
    let mut stalled = begin(origin.address, &url);
    let started = Instant::now();
    assert_eq!(origin.get("/healthz", &[]).status, 200);
    assert!(started.elapsed() > Duration::from_millis(100), "it had to wait");
    assert!(started.elapsed() < Duration::from_secs(10));
    for stream in [&mut silent, &mut half] {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut rest = vec![];
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains(" 200 "));
    }
    std::thread::sleep(Duration::from_millis(800));
    let mut rest = vec![];
    let _ = stalled.read_to_end(&mut rest);
    assert!(rest.len() < bytes.len(), "cut off after {} bytes", rest.len());
    // Who reads slowly but does read is not.
    let mut slow = begin(origin.address, &url);
    let mut body = vec![];
    let mut buffer = vec![0; 2 << 20];
    while body.len() < bytes.len() {
        std::thread::sleep(Duration::from_millis(60));
        let read = slow.read(&mut buffer).unwrap();
        assert!(read > 0);
        body.extend_from_slice(&buffer[..read]);
    }
    assert!(body == bytes);
}

#[test]
fn what_is_under_way_is_finished() {
    let mut origin = Origin::new();
    let (url, bytes) = put_large(origin.folder.path());
    let mut slow = begin(origin.address, &url);
    let idle = TcpStream::connect(origin.address).unwrap();
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        let mut body = vec![0; LARGE];
        slow.read_exact(&mut body).unwrap();
        (body, Instant::now())
    });
    std::thread::sleep(Duration::from_millis(100));
    origin.end();
    let ended = Instant::now();
    let (body, read) = reader.join().unwrap();
    assert!(body == bytes);
    assert!(ended + Duration::from_millis(200) > read, "it waited for the last byte");
    assert!(TcpStream::connect(origin.address).is_err(), "nobody listens any more");
    drop(idle);
}

#[test]
fn what_takes_too_long_is_not_waited_for() {
    let limits = Limits {
        grace: Duration::from_millis(300),
        ..Limits::default()
    };
    let mut origin = Origin::with(limits, 1000);
    let (url, _) = put_large(origin.folder.path());
    let stalled = begin(origin.address, &url);
    let started = Instant::now();
    origin.end();
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(stalled);
}

/// The process, as it is started.
fn process(folder: &Path) -> (Child, SocketAddr) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(["serve", "--json", "--listen", "127.0.0.1:0"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = said["address"].as_str().unwrap().parse().unwrap();
    (child, address)
}

#[cfg(unix)]
#[test]
fn sigterm_ends_the_process_once_a_slow_download_is_finished() {
    let origin = Origin::new();
    let (url, bytes) = put_large(origin.folder.path());
    let terminate = |child: &Child| {
        let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
    };
    let (mut child, address) = process(origin.folder.path());
    let mut slow = begin(address, &url);
    terminate(&child);
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    let mut body = vec![0; LARGE];
    slow.read_exact(&mut body).unwrap();
    assert!(body == bytes);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // A second signal ends it at once.
    let (mut child, address) = process(origin.folder.path());
    let slow = begin(address, &url);
    terminate(&child);
    std::thread::sleep(Duration::from_millis(300));
    terminate(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(slow);
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
