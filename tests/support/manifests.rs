//! The golden manifest, and what signs it.

use super::cases::snapshot;
use super::fixtures::changes;
use pocketrank::{Blob, Delta, File, Link, Manifest, SecretKey, Snapshot, Target, Trust};
use sha2::{Digest, Sha256};

/// Its name in the folder of fixtures.
pub const MANIFEST: &str = "random-v1.manifest";

/// The keys of which both sign it: made from seeds that everybody knows, for tests only.
pub fn keys() -> [SecretKey; 2] {
    [1, 2].map(|byte| SecretKey::from_seed(&[byte; 32]).unwrap())
}

/// A host that has pinned the first key.
pub fn trust() -> Trust {
    Trust {
        audience: "shop.example/production".into(),
        keys: vec![keys()[0].public()],
        sequence: 0,
    }
}

/// Bytes under a name that follows from them.
pub fn blob(bytes: &[u8], end: &str) -> Blob {
    let sha256: [u8; 32] = Sha256::digest(bytes).into();
    let name = pocketrank::hex(&sha256[..16]);
    Blob {
        sha256,
        bytes: bytes.len() as u32,
        transfer: bytes.len() as u32 / 2,
        url: format!("blobs/{name}.{end}"),
    }
}

/// A manifest in the middle of a rotation, for it is signed by two keys and names the second only. A delta leads from the random model
/// to the same with some rows changed, which is current; beside it are lists of candidates.
pub fn manifest() -> Manifest {
    let (base, delta) = (Snapshot::open(snapshot()).unwrap(), changes());
    let target = Delta::open(&delta).unwrap().apply(&base).unwrap();
    let file = |name: &str, bytes: &[u8]| File {
        name: name.into(),
        ttl: 3_600,
        blob: blob(bytes, "json"),
    };
    let id = Snapshot::open(&target).unwrap().id();
    Manifest {
        audience: "shop.example/production".into(),
        sequence: 7,
        issued: 1_700_000_000,
        expires: 1_700_604_800,
        snapshot: Target {
            id,
            blob: blob(&target, "bin"),
        },
        deltas: vec![Link {
            base: base.id(),
            target: id,
            blob: blob(&delta, "delta"),
        }],
        files: vec![
            file("candidates/home.json", br#"["sku-1","sku-2"]"#),
            file("candidates/sale.json", b"[]"),
        ],
        keys: vec![keys()[1].public()],
    }
}
