#![expect(clippy::unwrap_used, reason = "tests")]

use callboard_proto::{Pool, Role, Tenant};

use super::folder::{Folder, Key, State};
use super::{certificate, server, signing};

fn tenant(name: &str) -> Tenant {
    Tenant::new(name).unwrap()
}

fn pools(names: &[&str]) -> Vec<Pool> {
    names.iter().map(|name| Pool::new(*name).unwrap()).collect()
}

fn summary(keys: &[Key]) -> Vec<String> {
    keys.iter()
        .map(|key| {
            let previous = if key.previous.is_some() {
                " +previous"
            } else {
                ""
            };
            format!(
                "{} {:?} {}{previous}",
                key.tenant,
                key.role,
                key.state.as_str()
            )
        })
        .collect()
}

#[test]
fn keys_are_made_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Folder::open(&folder.path().join("keys")).unwrap();
    assert!(!keys.knows(&tenant("acme")));
    let first = keys
        .make(&tenant("acme"), &pools(&["reads"]), false, false)
        .unwrap();
    assert!(first.iter().all(|key| key.state == State::Made));
    keys.make(&tenant("other"), &pools(&["reads"]), false, false)
        .unwrap();
    let again = keys
        .make(&tenant("acme"), &pools(&["writes"]), false, false)
        .unwrap();
    assert_eq!(
        summary(&again),
        [
            "acme Coordinator kept",
            "acme Worker(reads) kept",
            "acme Worker(writes) made",
            "acme Viewer kept",
            "acme Operator kept",
            "other Coordinator kept",
            "other Worker(reads) kept",
            "other Viewer kept",
            "other Operator kept",
        ]
    );
    assert_eq!(again[0].public, first[0].public);
    let mut publics: Vec<&String> = again.iter().map(|key| &key.public).collect();
    publics.sort();
    publics.dedup();
    assert_eq!(publics.len(), 9, "no two users share a key");
}

#[cfg(unix)]
#[test]
fn secrets_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let keys = Folder::open(&folder.path().join("keys")).unwrap();
    let made = keys
        .make(&tenant("acme"), &pools(&["reads"]), false, false)
        .unwrap();
    for key in made {
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&key.file), 0o600);
        assert_eq!(mode(key.file.parent().unwrap()), 0o700);
    }
}

#[test]
fn a_rotation_keeps_the_old_key_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Folder::open(folder.path()).unwrap();
    let acme = tenant("acme");
    let before = keys.make(&acme, &pools(&["reads"]), false, false).unwrap();
    let rotated = keys.make(&acme, &[], true, false).unwrap();
    assert_eq!(rotated.len(), 4, "the pool is known from its file");
    for (old, new) in before.iter().zip(&rotated) {
        assert_eq!(new.previous.as_ref(), Some(&old.public));
        assert_ne!(new.public, old.public);
        assert_eq!(new.state, State::Rotated);
    }
    let text = server::accounts(&rotated);
    assert_eq!(text.matches("nkey: U").count(), 8);
    let forgotten = keys.make(&acme, &[], false, true).unwrap();
    assert!(forgotten.iter().all(|key| key.previous.is_none()));
    assert_eq!(forgotten[0].public, rotated[0].public);
}

#[test]
fn a_rotation_takes_away_no_key_that_is_still_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Folder::open(folder.path()).unwrap();
    let acme = tenant("acme");
    for (rotate, forget) in [(true, false), (false, true)] {
        let error = keys.make(&tenant("acne"), &[], rotate, forget).unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("no keys of the tenant acne"), "{text}");
    }
    assert!(!keys.knows(&tenant("acne")));
    keys.make(&acme, &[], false, false).unwrap();
    let rotated = keys.make(&acme, &[], true, false).unwrap();
    let error = keys.make(&acme, &[], true, false).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("--forget-previous"), "{text}");
    let still = keys.make(&acme, &[], false, false).unwrap();
    assert_eq!(still[0].public, rotated[0].public);
    assert_eq!(still[0].previous, rotated[0].previous);
}

#[test]
fn a_server_file_that_was_changed_is_kept_and_what_it_lacks_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Folder::open(folder.path()).unwrap();
    let made = keys.make(&tenant("acme"), &[], false, false).unwrap();
    let first = server::write(&keys, &made).unwrap();
    assert!(first.missing.is_none());
    let text = std::fs::read_to_string(&first.file).unwrap();
    certificate::make(&keys, &["localhost".to_owned()]).unwrap();
    let with_tls = server::write(&keys, &made).unwrap();
    assert!(with_tls.missing.is_none());
    let written = std::fs::read_to_string(&first.file).unwrap();
    assert!(written.contains("cert_file: \"/"), "{written}");
    std::fs::write(&first.file, text.replace("4222", "4223")).unwrap();
    let missing = server::write(&keys, &made).unwrap().missing.unwrap();
    assert!(missing.starts_with("tls {\n"), "{missing}");
    std::fs::write(&first.file, format!("{text}\n{missing}")).unwrap();
    assert!(server::write(&keys, &made).unwrap().missing.is_none());
}

#[test]
fn what_is_no_seed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Folder::open(folder.path()).unwrap();
    keys.make(&tenant("acme"), &[], false, false).unwrap();
    let file = folder.path().join("acme/viewer.nk");
    std::fs::write(&file, "SECRET").unwrap();
    let error = keys.make(&tenant("acme"), &[], false, false).unwrap_err();
    let text = format!("{error:#}");
    assert!(
        text.contains("acme/viewer.nk holds no seed of a user (SU…)"),
        "{text}"
    );
    assert!(!text.contains("SECRET"));
}

#[test]
fn the_server_is_told_public_keys_and_permissions_alone() {
    let key = |tenant: &str, role, public: &str| Key {
        tenant: self::tenant(tenant),
        role,
        public: public.to_owned(),
        previous: None,
        file: "unused".into(),
        state: State::Kept,
    };
    let keys = [
        key("acme", Role::Coordinator, "UC"),
        key("acme", Role::Worker(Pool::new("reads").unwrap()), "UW"),
        key("other", Role::Operator, "UO"),
    ];
    insta::assert_snapshot!(server::accounts(&keys));
    insta::assert_snapshot!(server::server(Some("/etc/nats/tls".as_ref())));
}

#[test]
fn each_side_is_given_the_keys_of_the_other_the_old_ones_too() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Folder::open(folder.path()).unwrap();
    let acme = tenant("acme");
    keys.make(&acme, &pools(&["reads", "web-v2"]), false, false)
        .unwrap_or_else(|error| panic!("{error:#}"));
    let made = keys.make(&acme, &[], true, false).unwrap();
    let of = |role: &Role| {
        let key = made.iter().find(|key| key.role == *role).unwrap();
        vec![key.public.clone(), key.previous.clone().unwrap()]
    };
    #[derive(serde::Deserialize)]
    struct File {
        signing: crate::config::Signing,
    }
    let read = |text: String| toml::from_str::<File>(&text).unwrap().signing;
    let texts = |keys: &[callboard_proto::signature::PublicKey]| {
        keys.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let coordinator = read(signing::coordinator(&made));
    assert!(coordinator.sign && coordinator.require);
    for pool in ["reads", "web-v2"] {
        let role = Role::Worker(Pool::new(pool).unwrap());
        assert_eq!(texts(&coordinator.workers[pool]), of(&role), "{pool}");
    }
    let worker = read(signing::worker(&made));
    assert!(worker.sign && worker.require);
    assert_eq!(texts(&worker.coordinators), of(&Role::Coordinator));

    let files = signing::write(&keys, &made).unwrap();
    let written = std::fs::read_to_string(&files[0].worker_file).unwrap();
    assert!(
        !written.contains("SU") && written.contains("[signing]"),
        "{written}"
    );
}
