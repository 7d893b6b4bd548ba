//! Those who take their time, and how the server ends.

use super::origin::Origin;
use crate::random::Rng;
use pocketrank_origin::serve::Limits;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
