//! A host that follows what is published, by the plan of the core and over the network.

use super::origin::{snapshot, Origin};
use pocketrank::sync::{Answer, Held, Kind, Report, Settings, Step, Sync};
use pocketrank::{Snapshot, SnapshotId};
use pocketrank_origin::compress;
use pocketrank_origin::publish::{Source, Which};
use std::io::Read;

/// A host with a storage in memory.
struct Host {
    sync: Sync,
    now: u64,
    stored: Vec<([u8; 32], Vec<u8>)>,
    using: Option<Vec<u8>>,
    files: Vec<String>,
}

/// A request, and the bytes that came.
type Fetched = (Kind, usize);

impl Host {
    fn of(origin: &Origin) -> Self {
        Self {
            sync: Sync::new(origin.trust(), Held::default(), Settings::default(), 7),
            now: 1_000_000,
            stored: vec![],
            using: None,
            files: vec![],
        }
    }

    /// Asks once, and does what follows from the answer.
    fn follow(&mut self, origin: &Origin) -> Vec<Fetched> {
        let mut fetched = vec![];
        loop {
            let answer = match self.sync.next(self.now) {
                Step::Wait { .. } if !fetched.is_empty() => break,
                Step::Wait { until } => {
                    self.now = until;
                    continue;
                }
                Step::Fetch(request) => {
                    let path = match request.url {
                        "" => "/manifest.pkrm".to_owned(),
                        url => format!("/{url}"),
                    };
                    let mut headers = vec![("Accept-Encoding", "gzip, br")];
                    headers.extend(request.if_none_match.map(|tag| ("If-None-Match", tag)));
                    let answer = origin.get(&path, &headers);
                    fetched.push((request.kind, answer.body.len()));
                    let etag = answer.header("etag").map(str::to_owned);
                    match (answer.status, answer.header("content-encoding")) {
                        (304, _) => Answer::NotModified,
                        (200, None) => Answer::Body {
                            bytes: answer.body,
                            etag,
                        },
                        (200, Some("br")) => {
                            let bytes = compress::unbrotli(&answer.body, request.limit as usize + 1).unwrap();
                            Answer::Body { bytes, etag }
                        }
                        // Of a few hundred bytes brotli makes no fewer, and gzip may.
                        (200, Some("gzip")) => {
                            let mut bytes = vec![];
                            let mut gzip = flate2::read::GzDecoder::new(answer.body.as_slice());
                            gzip.read_to_end(&mut bytes).unwrap();
                            Answer::Body { bytes, etag }
                        }
                        _ => panic!("{}", answer.head),
                    }
                }
                Step::Load(sha256) => match self.stored.iter().find(|(hash, _)| hash == sha256) {
                    Some((_, bytes)) => Answer::Body {
                        bytes: bytes.clone(),
                        etag: None,
                    },
                    None => Answer::NotStored,
                },
                Step::Apply => {
                    self.sync.apply(self.now, self.using.as_ref().unwrap());
                    continue;
                }
                Step::Store { sha256, bytes } => {
                    self.stored.push((*sha256, bytes.to_vec()));
                    Answer::Done
                }
                Step::Commit(_) => Answer::Done,
                Step::Swap(manifest) => {
                    self.files = manifest.files.iter().map(|file| file.name.clone()).collect();
                    self.using = self.sync.take_snapshot().or(self.using.take());
                    Answer::Done
                }
                Step::Forget { keep } => {
                    self.stored.retain(|(hash, _)| keep.contains(hash));
                    Answer::Done
                }
            };
            self.sync.answer(self.now, answer);
        }
        while let Some(report) = self.sync.next_report() {
            assert!(
                matches!(report, Report::Updated { .. } | Report::Expired { .. }),
                "{report:?}"
            );
        }
        fetched
    }

    fn id(&self) -> SnapshotId {
        Snapshot::open(self.using.as_deref().unwrap()).unwrap().id()
    }
}

#[test]
fn a_host_follows_by_deltas_and_back_again() {
    let origin = Origin::new();
    let mut host = Host::of(&origin);
    let first = host.follow(&origin);
    let kinds: Vec<_> = first.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::Manifest, Kind::Snapshot, Kind::File]);
    assert_eq!(first[1].1, origin.manifest.snapshot.blob.transfer as usize);
    assert_eq!(host.id(), origin.manifest.snapshot.id);
    assert_eq!(host.follow(&origin), [(Kind::Manifest, 0)], "nothing is new");
    // It was away for a few days, and the lists changed once.
    let list = Source {
        name: "candidates/home.json".into(),
        ttl: 900,
        bytes: b"{\"items\":[]}".to_vec(),
    };
    for day in 1..4 {
        let files = Some(std::slice::from_ref(&list)).filter(|_| day == 2);
        origin.publish(|publisher, runtime| runtime.block_on(publisher.publish(&snapshot(day), files, 30)));
    }
    let next = host.follow(&origin);
    let kinds: Vec<_> = next.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::Manifest, Kind::Delta, Kind::File]);
    assert!(next[1].1 * 4 < first[1].1, "{next:?} after {first:?}");
    assert_eq!(host.using.as_ref().unwrap(), &snapshot(3));
    assert_eq!(host.files, ["candidates/home.json"]);
    let back = origin.publish(|publisher, runtime| runtime.block_on(publisher.rollback(Which::Sequence(1), 30)));
    assert_eq!(back.manifest.sequence, 5);
    let kinds: Vec<_> = host.follow(&origin).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [Kind::Manifest, Kind::Delta, Kind::File]);
    assert_eq!(host.using.as_ref().unwrap(), &snapshot(0));
    assert_eq!(host.files, ["large.json"]);
}
