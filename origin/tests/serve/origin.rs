//! What is served, and asking for it.

use crate::random::{builder, Rng};
use pocketrank::{Blob, Manifest, SecretKey, Trust};
use pocketrank_origin::error::Result;
use pocketrank_origin::publish::place::Place;
use pocketrank_origin::publish::{Published, Publisher, Source};
use pocketrank_origin::serve::{Limits, Server};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads one, which closes the connection.
    pub fn read(stream: impl Read) -> Self {
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

    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| {
            line.split_once(": ")
                .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
        };
        self.head
            .lines()
            .find(|text| line(text))
            .map(|line| line.split_once(": ").unwrap().1)
    }

    pub fn tag(&self) -> &str {
        self.header("etag").unwrap()
    }
}

/// What is served, and by whom.
pub struct Origin {
    pub folder: TempDir,
    pub manifest: Manifest,
    pub address: SocketAddr,
    pub stop: Option<oneshot::Sender<()>>,
    pub runtime: Runtime,
    pub server: Option<tokio::task::JoinHandle<()>>,
}

impl Origin {
    pub fn new() -> Self {
        Self::with(Limits::default(), 50_000)
    }

    pub fn with(limits: Limits, large: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let manifest = publish(folder.path(), large, &runtime);
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

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
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

    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers)
    }

    pub fn file(&self, blob: &Blob, suffix: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(format!("{}{suffix}", blob.url))).unwrap()
    }

    /// Publishes to what is served.
    pub fn publish(&self, work: impl FnOnce(&Publisher<'_>, &Runtime) -> Result<Published>) -> Published {
        as_publisher(self.folder.path(), |publisher| work(publisher, &self.runtime))
    }

    /// What hosts are built with.
    pub fn trust(&self) -> Trust {
        Trust {
            audience: AUDIENCE.into(),
            keys: vec![key().public()],
            sequence: 1,
        }
    }

    pub fn end(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.runtime.block_on(self.server.take().unwrap()).unwrap();
    }
}

/// A model; a few rows change each day.
pub fn snapshot(days: u8) -> Vec<u8> {
    let mut model = builder(&mut Rng(3), 60);
    for row in 0..days {
        model.prior[usize::from(row)].popularity ^= 1;
    }
    model.build().unwrap()
}

/// A snapshot, and a large list that can hardly be compressed.
fn publish(folder: &Path, large: usize, runtime: &Runtime) -> Manifest {
    let mut rng = Rng(5);
    let large = Source {
        name: "large.json".into(),
        ttl: 60,
        bytes: (0..large).map(|_| b'0' + rng.below(64) as u8).collect(),
    };
    let work = |publisher: &Publisher<'_>| runtime.block_on(publisher.publish(&snapshot(0), Some(&[large]), 0));
    as_publisher(folder, work).manifest
}

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32]).unwrap()
}

const AUDIENCE: &str = "shop.example/test";

fn as_publisher(folder: &Path, work: impl FnOnce(&Publisher<'_>) -> Result<Published>) -> Published {
    let place = Place::open(folder.to_str().unwrap()).unwrap();
    work(&Publisher {
        place: &place,
        keys: &[key()],
        trust: &[],
        audience: AUDIENCE,
        now: SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs(),
        lifetime: 600,
    })
    .unwrap()
}
