//! The verbs.

use super::somebody::{day, list, AUDIENCE};
use pocketrank::{Manifest, PublicKey, Trust};
use std::path::Path;

/// The command line.
fn pocketrank(folder: &Path, args: &str, code: i32) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pocketrank"))
        .args(args.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(code), "{args}: {output:?}");
    let said = if code == 0 { output.stdout } else { output.stderr };
    String::from_utf8(said).unwrap()
}

#[test]
fn keys_are_for_their_owner_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let public = pocketrank(folder.path(), "keys --out secret.pem", 0);
    assert_eq!(PublicKey::from_hex(public.trim()).unwrap().to_hex(), public.trim());
    assert_eq!(pocketrank(folder.path(), "keys secret.pem", 0), public);
    let path = folder.path().join("secret.pem");
    let bytes = std::fs::read(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    pocketrank(folder.path(), "keys --out secret.pem", 1);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_ne!(pocketrank(folder.path(), "keys --out other.pem", 0), public);
    // RFC 8032, test 1, as openssl writes it.
    let text = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
    std::fs::write(folder.path().join("rfc.pem"), text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join("rfc.pem");
        let public = format!("rollback --to public --audience {AUDIENCE} --key rfc.pem");
        for mode in [0o644, 0o640, 0o620, 0o604, 0o601, 0o777] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            for args in ["keys rfc.pem", &public] {
                let refused = pocketrank(folder.path(), args, 2);
                assert!(refused.contains(&format!("mode {mode:04o}")), "{refused}");
                assert!(refused.contains("chmod 600") && !refused.contains("MC4C"), "{refused}");
            }
        }
        for mode in [0o400, 0o600, 0o700] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            pocketrank(folder.path(), "keys rfc.pem", 0);
        }
    }
    let public = pocketrank(folder.path(), "keys rfc.pem", 0);
    assert_eq!(
        public.trim(),
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    );
    std::fs::write(&path, &text[..90]).unwrap();
    assert!(pocketrank(folder.path(), "keys secret.pem", 3).contains("pocketrank keys --out"));
    pocketrank(folder.path(), "keys", 2);
    pocketrank(folder.path(), "keys missing.pem", 1);
}

#[test]
fn the_command_line_publishes_signs_and_rolls_back() {
    let folder = tempfile::tempdir().unwrap();
    let say = |args: &str, code| pocketrank(folder.path(), args, code);
    let json = |args: &str| -> serde_json::Value { serde_json::from_str(&say(&format!("{args} --json"), 0)).unwrap() };
    for number in 0..2 {
        std::fs::write(folder.path().join(format!("{number}.pkr")), day(number)).unwrap();
    }
    std::fs::write(folder.path().join("home.json"), &list("home", "x").bytes).unwrap();
    let public = say("keys -o old.pem", 0);
    let new = say("keys -o new.pem", 0);
    let to = format!("--to public --audience {AUDIENCE} --key old.pem");
    assert!(say(&format!("sign {to}"), 2).contains("publish a snapshot first"));
    let first = json(&format!("publish 0.pkr {to} --file candidates/home.json=home.json:20m"));
    assert_eq!(
        (&first["sequence"], &first["files"][0]["ttl"]),
        (&1.into(), &1200.into())
    );
    assert!(first["collected"].is_null());
    let second = json(&format!("publish 1.pkr {to} --keep 5 --deltas 3 --expires 2d"));
    assert_eq!(second["deltas"][0]["base"], first["snapshot"]);
    assert_eq!(second["collected"]["removed"], 0);
    let text = say(&format!("sign {to} --key new.pem --trust {new}"), 0);
    assert!(text.contains("sequence 3") && text.contains("1 deltas"), "{text}");
    let alone = format!("--to public --audience {AUDIENCE} --key new.pem");
    assert!(say(&format!("rollback {alone}"), 2).contains("give the key that signed them"));
    let to = format!("{alone} --key old.pem");
    let back = json(&format!("rollback {to}"));
    assert_eq!((&back["snapshot"], &back["sequence"]), (&first["snapshot"], &4.into()));
    assert_eq!(back["deltas"][0]["base"], second["snapshot"]);
    assert_eq!(back["keys"][0], new.trim());
    let live = std::fs::read(folder.path().join("public/manifest.pkrm")).unwrap();
    let trust = Trust {
        audience: AUDIENCE.into(),
        keys: vec![PublicKey::from_hex(new.trim()).unwrap()],
        sequence: 4,
    };
    assert_eq!(
        Manifest::read(&live, &trust).unwrap().files[0].name,
        "candidates/home.json"
    );
    let refused = say(&format!("sign --to public --audience {AUDIENCE} --key old.pem"), 2);
    assert!(refused.contains(new.trim()), "{refused}");
    say(
        &format!("sign --to public --audience {AUDIENCE} --key new.pem --trust {public}"),
        2,
    );
    say(&format!("publish 0.pkr {to} --keep 0"), 2);
    say(&format!("publish 0.pkr {to} --expires never"), 2);
    say(&format!("rollback {to} --sequence 1 --snapshot 00"), 2);
}
