//! Manifests: what a trusted key signed is read as it was, and anything else is an error.

use crate::support::fixtures::FOLDER;
use crate::support::manifests::{keys, manifest, trust, MANIFEST};
use pocketrank::{Blob, Error, File, Link, Manifest, PublicKey, SecretKey, SnapshotId, Target, Trust, MAX_MANIFEST};
use proptest::prelude::*;

/// Bytes before the first signature.
const HEAD: usize = 8;
/// Bytes of a signature and the id of its key.
const SIGNATURE: usize = 72;

fn golden() -> Vec<u8> {
    std::fs::read(format!("{FOLDER}/{MANIFEST}")).unwrap()
}

/// Trust in that many of the keys.
fn trust_in(keys: &[&SecretKey]) -> Trust {
    Trust {
        keys: keys.iter().map(|key| key.public()).collect(),
        ..trust()
    }
}

fn seed(byte: u8) -> [u8; 32] {
    [byte; 32]
}

/// A payload with a signature that holds, whatever it is; written without the code that is tested.
fn forge(payload: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let pair = ed25519_compact::KeyPair::from_seed(ed25519_compact::Seed::new(seed(1)));
    let head = b"PKRM\x01\0";
    let signature = pair.sk.sign([head.as_slice(), payload].concat(), None);
    let id = &Sha256::digest(*pair.pk)[..8];
    [head.as_slice(), &[1, 0], id, signature.as_slice(), payload].concat()
}

fn payload(manifest: &Manifest) -> Vec<u8> {
    postcard::to_allocvec(manifest).unwrap()
}

fn code<T: std::fmt::Debug>(read: Result<T, Error>) -> &'static str {
    read.unwrap_err().code()
}

fn blobs() -> impl Strategy<Value = Blob> {
    let url = "[A-Za-z0-9_-]([A-Za-z0-9_/-]|\\.[a-z]){0,100}";
    (any::<[u8; 32]>(), any::<u32>(), any::<u32>(), url).prop_map(|(sha256, bytes, transfer, url)| Blob {
        sha256,
        bytes,
        transfer,
        url,
    })
}

prop_compose! {
    fn manifests()(
        sequence in 1..=u32::MAX,
        issued in 0..1u64 << 40,
        lasts in 1..1u64 << 40,
        snapshot in (any::<[u8; 16]>(), blobs()),
        links in proptest::collection::vec((any::<[u8; 15]>(), any::<[u8; 15]>(), blobs()), 0..12),
        files in proptest::collection::btree_map(".{1,60}", (any::<u32>(), blobs()), 0..12),
        named in proptest::sample::subsequence(vec![1u8, 2, 3, 4], 0..=4),
    ) -> Manifest {
        let id = |first: u8, rest: [u8; 15]| {
            let mut id = [first; 16];
            id[1..].copy_from_slice(&rest);
            SnapshotId(id)
        };
        let link = |(base, target, blob)| Link { base: id(0, base), target: id(1, target), blob };
        Manifest {
            sequence,
            issued,
            expires: issued + lasts,
            snapshot: Target { id: SnapshotId(snapshot.0), blob: snapshot.1 },
            deltas: links.into_iter().map(link).collect(),
            files: files.into_iter().map(|(name, (ttl, blob))| File { name, ttl, blob }).collect(),
            keys: named.into_iter().map(|byte| SecretKey::from_seed(&seed(byte)).unwrap().public()).collect(),
            ..manifest()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_is_read_as_it_was(manifest in manifests(), signers in 1..=4u8) {
        let keys: Vec<_> = (1..=signers).map(|byte| SecretKey::from_seed(&seed(byte)).unwrap()).collect();
        let bytes = manifest.sign(&keys).unwrap();
        prop_assert_eq!(&bytes, &manifest.sign(&keys).unwrap());
        prop_assert_eq!(&bytes[HEAD + SIGNATURE * keys.len()..], payload(&manifest));
        for key in &keys {
            prop_assert_eq!(&Manifest::read(&bytes, &trust_in(&[key])).unwrap(), &manifest);
        }
        let other = SecretKey::from_seed(&seed(9)).unwrap();
        prop_assert_eq!(code(Manifest::read(&bytes, &trust_in(&[&other]))), "unsigned");
        prop_assert_eq!(code(Manifest::read(&bytes, &trust_in(&[]))), "unsigned");
    }

    /// Bytes that nobody signed, and any bytes in the place of the payload.
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0..3u8], 0..400)) {
        prop_assert!(Manifest::read(&bytes, &trust()).is_err());
        if let Ok(manifest) = Manifest::read(&forge(&bytes), &trust()) {
            prop_assert_eq!(manifest.audience, trust().audience);
        }
    }

    #[test]
    fn a_damaged_payload_is_a_manifest_or_an_error(manifest in manifests(), damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut bytes = payload(&manifest);
        for (at, byte) in damage {
            let len = bytes.len();
            bytes[at.index(len)] = byte;
        }
        let read = Manifest::read(&forge(&bytes), &Trust { audience: manifest.audience, ..trust() });
        let twin = postcard::from_bytes::<Twin>(&bytes);
        match read {
            Ok(read) => prop_assert_eq!(payload(&read), postcard::to_allocvec(&twin.unwrap()).unwrap()),
            Err(error) => prop_assert!(error.code() != "truncated" && (error.code() != "audience" || twin.is_ok())),
        }
    }

    #[test]
    fn keys_are_text_and_back(seed in any::<[u8; 32]>()) {
        prop_assume!(seed != [0; 32]);
        let key = SecretKey::from_seed(&seed).unwrap().public();
        prop_assert_eq!(PublicKey::from_hex(&key.to_hex()).unwrap(), key);
        prop_assert_eq!(PublicKey::from_hex(&key.to_string().to_uppercase()).unwrap(), key);
        prop_assert!(PublicKey::from_hex(&key.to_hex()[1..]).is_err());
        prop_assert!(PublicKey::from_hex(&(key.to_hex() + "0")).is_err());
        prop_assert!(PublicKey::from_hex(&key.to_hex().replacen(|_| true, "g", 1)).is_err());
    }
}

#[test]
fn the_golden_manifest_is_still_read_and_written() {
    let bytes = golden();
    assert!(
        manifest().sign(&keys()).unwrap() == bytes,
        "a change of bytes needs a new format version"
    );
    for key in &keys() {
        assert_eq!(Manifest::read(&bytes, &trust_in(&[key])).unwrap(), manifest());
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let bytes = manifest().sign(&keys()[..1]).unwrap();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::read(&flipped, &trust()).is_err(), "bit {bit}");
    }
    // With two signatures, of which one counts, nothing but the other may change.
    let bytes = golden();
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let other = (HEAD + SIGNATURE..HEAD + 2 * SIGNATURE).contains(&(bit / 8));
        match Manifest::read(&flipped, &trust()) {
            Ok(read) => assert!(other && read == manifest(), "bit {bit}"),
            Err(_) => assert!(!other, "bit {bit}"),
        }
    }
}

#[test]
fn both_signatures_count_where_both_keys_do() {
    let (mut bytes, [old, new]) = (golden(), keys());
    let both = trust_in(&[&old, &new]);
    assert_eq!(Manifest::read(&bytes, &both).unwrap(), manifest());
    for at in [HEAD + 8, HEAD + SIGNATURE + 8] {
        bytes[at] ^= 1;
        assert_eq!(code(Manifest::read(&bytes, &both)), "signature");
        bytes[at] ^= 1;
    }
}

#[test]
fn cut_short_or_with_more_behind_it_is_refused() {
    let bytes = golden();
    for length in 0..bytes.len() {
        assert!(Manifest::read(&bytes[..length], &trust()).is_err(), "{length} bytes");
        if length >= HEAD + 2 * SIGNATURE {
            let payload = &bytes[HEAD + 2 * SIGNATURE..length];
            assert_eq!(code(Manifest::read(&forge(payload), &trust())), "corrupt");
        }
    }
    assert!(Manifest::read(&[&bytes[..], b"\0"].concat(), &trust()).is_err());
    let longer = [&payload(&manifest())[..], b"\0"].concat();
    assert_eq!(code(Manifest::read(&forge(&longer), &trust())), "corrupt");
}

#[test]
fn the_head_is_checked_before_anything_else() {
    let with = |at: usize, byte: u8| {
        let mut bytes = golden();
        bytes[at] = byte;
        code(Manifest::read(&bytes, &trust()))
    };
    assert_eq!(with(0, b'Q'), "magic");
    assert_eq!((with(4, 0), with(4, 2), with(5, 1)), ("version", "version", "version"));
    assert_eq!((with(6, 0), with(6, 5), with(7, 1)), ("corrupt", "corrupt", "corrupt"));
    // Fewer signatures than there are: the rest would be the payload, which nobody signed.
    assert_eq!(with(6, 1), "signature");
    assert_eq!(code(Manifest::read(&[0; MAX_MANIFEST + 1], &trust())), "limit");
    assert_eq!(code(Manifest::read(b"PKRM\x01\0\x04\0", &trust())), "truncated");
}

/// A payload as serde reads it: structs are their fields in order.
type Twin = (
    (String, u32, u64, u64),
    ([u8; 16], TwinBlob),
    Vec<([u8; 16], [u8; 16], TwinBlob)>,
    Vec<(String, u32, TwinBlob)>,
    Vec<[u8; 32]>,
);
type TwinBlob = ([u8; 32], u32, u32, String);

type Change = fn(&mut Manifest);

#[test]
fn every_rule_holds_for_reader_and_signer() {
    fn key(bytes: [u8; 32]) -> Vec<PublicKey> {
        vec![PublicKey(bytes)]
    }
    fn url(manifest: &mut Manifest, url: &str) {
        manifest.snapshot.blob.url = url.into();
    }
    let broken: [(&str, &str, Change); 26] = [
        ("corrupt", "the audience has", |m| m.audience.clear()),
        ("corrupt", "the audience has", |m| m.audience = "a".repeat(256)),
        ("corrupt", "sequences start", |m| m.sequence = 0),
        ("corrupt", "it is issued before", |m| m.expires = m.issued),
        ("corrupt", "it is issued before", |m| m.issued = m.expires + 1),
        ("limit", "manifest deltas", |m| {
            m.deltas = vec![m.deltas[0].clone(); 257]
        }),
        ("corrupt", "a delta leads to another", |m| {
            m.deltas[0].base = m.deltas[0].target
        }),
        ("corrupt", "names of files", |m| m.files.swap(0, 1)),
        ("corrupt", "names of files", |m| {
            m.files[1].name = m.files[0].name.clone()
        }),
        ("corrupt", "names of files", |m| m.files[0].name.clear()),
        ("corrupt", "names of files", |m| m.files[1].name = "z".repeat(256)),
        ("limit", "manifest keys", |m| m.keys = vec![m.keys[0]; 5]),
        ("corrupt", "keys are valid", |m| m.keys = vec![m.keys[0]; 2]),
        // Of order 1, 2 and 8; no point; not canonical.
        ("corrupt", "keys are valid", |m| {
            m.keys = key(std::array::from_fn(|i| u8::from(i == 0)))
        }),
        ("corrupt", "keys are valid", |m| m.keys = key([0; 32])),
        ("corrupt", "keys are valid", |m| m.keys = key(ORDER_8)),
        ("corrupt", "keys are valid", |m| {
            m.keys = key(std::array::from_fn(|i| 2 * u8::from(i == 0)))
        }),
        ("corrupt", "keys are valid", |m| m.keys = key([0xff; 32])),
        ("corrupt", "addresses are", |m| url(m, "")),
        ("corrupt", "addresses are", |m| url(m, &"a".repeat(256))),
        ("corrupt", "addresses are", |m| url(m, "/blob")),
        ("corrupt", "addresses are", |m| url(m, "https:evil.example")),
        ("corrupt", "addresses are", |m| url(m, "blobs/../key")),
        ("corrupt", "addresses are", |m| m.deltas[0].blob.url = "a\\b".into()),
        ("corrupt", "addresses are", |m| m.files[1].blob.url = "a?b".into()),
        ("corrupt", "addresses are", |m| m.files[0].blob.url = "ä".into()),
    ];
    for (at, (code, text, change)) in broken.into_iter().enumerate() {
        let mut changed = manifest();
        change(&mut changed);
        let refused = [
            Manifest::read(&forge(&payload(&changed)), &trust()).unwrap_err(),
            changed.sign(&keys()).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.code(), code, "rule {at}");
            assert!(error.to_string().contains(text), "rule {at}: {error}");
        }
    }
    // Times of more bits are no times at all, whoever reads them.
    let late = Manifest {
        expires: 1 << 53,
        ..manifest()
    };
    assert_eq!(code(Manifest::read(&forge(&payload(&late)), &trust())), "corrupt");
    assert_eq!(code(late.sign(&keys())), "corrupt");
}

/// A point of order 8, from the list in "Taming the many EdDSAs" (Chalkias, Garillot and Nikolaenko, 2020).
const ORDER_8: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53,
    0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

#[test]
fn what_is_within_the_limits_is_read() {
    let mut most = manifest();
    most.audience = "a".repeat(255);
    most.deltas = vec![most.deltas[0].clone(); 256];
    most.snapshot.blob.url = "b".repeat(255);
    most.keys = (1..=4)
        .map(|byte| SecretKey::from_seed(&seed(byte)).unwrap().public())
        .collect();
    most.expires = (1 << 53) - 1;
    let trust = Trust {
        audience: most.audience.clone(),
        ..trust()
    };
    assert_eq!(Manifest::read(&most.sign(&keys()).unwrap(), &trust).unwrap(), most);
    // More than fits is refused by the signer, as the reader would.
    most.deltas.iter_mut().for_each(|link| link.blob.url = "c".repeat(250));
    assert_eq!(code(most.sign(&keys())), "limit");
    let signers: Vec<_> = (1..=5).map(|byte| SecretKey::from_seed(&seed(byte)).unwrap()).collect();
    assert_eq!(code(manifest().sign(&signers)), "limit");
    assert_eq!(code(manifest().sign(&[])), "corrupt");
}

/// Numbers of things that are not there reserve nothing: the process would end, or the test take minutes.
#[test]
fn claims_of_billions_are_refused() {
    let whole = payload(&manifest());
    let mut start = Manifest {
        deltas: vec![],
        files: vec![],
        keys: vec![],
        ..manifest()
    };
    start.audience = trust().audience;
    let start = payload(&start);
    for zeros in 1..=3 {
        let claim = [&start[..start.len() - zeros], &[0xff, 0xff, 0xff, 0xff, 0x0f], &whole].concat();
        assert_eq!(code(Manifest::read(&forge(&claim), &trust())), "corrupt");
    }
    assert_eq!(
        code(Manifest::read(&forge(&[0xff, 0xff, 0xff, 0xff, 0x0f]), &trust())),
        "corrupt"
    );
}

#[test]
fn others_and_older_ones_are_refused_by_name() {
    let bytes = golden();
    let other = Trust {
        audience: "shop.example/staging".into(),
        ..trust()
    };
    let error = Manifest::read(&bytes, &other).unwrap_err();
    assert_eq!(error.code(), "audience");
    assert_eq!(
        error.to_string(),
        "manifest: made for `shop.example/production`, this host is `shop.example/staging`; look at the address it was fetched from"
    );
    let newer = |sequence| Trust { sequence, ..trust() };
    assert!(Manifest::read(&bytes, &newer(7)).is_ok());
    let error = Manifest::read(&bytes, &newer(8)).unwrap_err();
    assert_eq!(error.code(), "older");
    assert_eq!(
        error.to_string(),
        "manifest: sequence 7 is below 8, the least that is accepted; publish again, under a higher one"
    );
    let read = Manifest::read(&bytes, &trust()).unwrap();
    assert!(!read.is_expired(read.expires - 1) && read.is_expired(read.expires));
}

#[test]
fn keys_rotate() {
    let [old, new] = keys();
    let next = |sequence, named: &[&SecretKey], signers: &[&SecretKey]| {
        let manifest = Manifest {
            sequence,
            keys: named.iter().map(|key| key.public()).collect(),
            ..manifest()
        };
        let signers: Vec<_> = signers.iter().map(|key| (*key).clone()).collect();
        manifest.sign(&signers).unwrap()
    };
    let pinned = trust();
    // Both are valid for a while, whichever signs.
    let both = pinned.after(&Manifest::read(&next(7, &[&old, &new], &[&old]), &pinned).unwrap());
    assert_eq!((both.sequence, both.keys.len()), (7, 2));
    for signers in [&[&old][..], &[&new], &[&new, &old]] {
        assert!(Manifest::read(&next(8, &[], signers), &both).is_ok());
    }
    // Then the new one alone: what the old one signs no longer counts, and is older than what is known besides.
    let turn = Manifest::read(&next(9, &[&new], &[&old, &new]), &both).unwrap();
    let after = pinned.after(&turn);
    assert_eq!(code(Manifest::read(&next(10, &[], &[&old]), &after)), "unsigned");
    assert_eq!(code(Manifest::read(&next(8, &[], &[&new]), &after)), "older");
    let last = Manifest::read(&next(10, &[&new], &[&new]), &after).unwrap();
    assert_eq!(pinned.after(&last).keys, [new.public()]);
    // A manifest that names none leaves it to what is pinned.
    let none = Manifest::read(&next(11, &[], &[&new]), &after).unwrap();
    assert_eq!(pinned.after(&none).keys, pinned.keys);
    // The least sequence never falls.
    let least = Trust { sequence: 20, ..pinned };
    assert_eq!(least.after(&last).sequence, 20);
}

#[test]
fn signatures_that_are_not_canonical_are_refused() {
    let good = forge(&payload(&manifest()));
    // S + L, with L the order of the group, satisfies the equation as S does.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10u8,
    ];
    let mut malleable = good.clone();
    let mut carry = 0;
    for (byte, add) in malleable[HEAD + 8 + 32..HEAD + SIGNATURE].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(code(Manifest::read(&malleable, &trust())), "signature");
    // A key of small order, under which R = 1 and S = 0 hold for some messages, and for all where it is of order 1.
    let mut identity = [0; 32];
    identity[0] = 1;
    for weak in [identity, [0; 32], ORDER_8] {
        let key = PublicKey(weak);
        let mut bytes = good.clone();
        bytes[HEAD..HEAD + 8].copy_from_slice(&key.id());
        bytes[HEAD + 8..HEAD + 40].copy_from_slice(&identity);
        bytes[HEAD + 40..HEAD + SIGNATURE].fill(0);
        let weak = Trust {
            keys: vec![key],
            ..trust()
        };
        assert_eq!(code(Manifest::read(&bytes, &weak)), "signature");
        assert!(PublicKey::from_hex(&key.to_hex()).is_err());
    }
}

#[test]
fn secret_keys_are_not_shown() {
    let key = SecretKey::from_seed(&seed(0x5a)).unwrap();
    let shown = format!("{key:?} {key:#?}");
    assert!(shown.contains("PublicKey") && !shown.contains("90, 90") && !shown.to_lowercase().contains("5a5a"));
    assert_eq!(code(SecretKey::from_seed(&[0; 32])), "corrupt");
    // RFC 8032, 7.1, test 1.
    let hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let seed = std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
    assert_eq!(
        SecretKey::from_seed(&seed).unwrap().public().to_hex(),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
}
