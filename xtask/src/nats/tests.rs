#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::Version;

use super::{Found, IMAGE, Machine, NotFound, Source, find_on, parse_version};

/// A machine on which everything is missing until a test says otherwise.
#[derive(Default)]
struct Fake {
    variable: Option<&'static str>,
    on_path: Option<&'static str>,
    image: bool,
    versions: BTreeMap<&'static str, &'static str>,
}

impl Machine for Fake {
    fn variable(&self) -> Option<PathBuf> {
        self.variable.map(PathBuf::from)
    }

    fn on_path(&self) -> Option<PathBuf> {
        self.on_path.map(PathBuf::from)
    }

    fn installed(&self) -> PathBuf {
        PathBuf::from("/tools/nats-server")
    }

    fn version(&self, binary: &Path) -> Result<Version, String> {
        let said = self
            .versions
            .get(binary.to_str().unwrap())
            .ok_or("no such file")?;
        Ok(Version::parse(said).unwrap())
    }

    fn holds_image(&self, _image: &str) -> Result<(), String> {
        if self.image {
            Ok(())
        } else {
            Err("no engine".to_owned())
        }
    }
}

fn binary(path: &str, version: &str, found: Found) -> Result<Source, NotFound> {
    Ok(Source::Binary {
        path: path.into(),
        version: Version::parse(version).unwrap(),
        found,
    })
}

#[test]
fn the_variable_wins_over_everything() {
    let machine = Fake {
        variable: Some("/mine"),
        on_path: Some("/path"),
        image: true,
        versions: BTreeMap::from([("/mine", "2.11.0"), ("/path", "2.15.1")]),
    };
    assert_eq!(
        find_on(&machine),
        binary("/mine", "2.11.0", Found::Variable)
    );
}

#[test]
fn a_bad_variable_is_an_error_and_never_passed_over() {
    let machine = Fake {
        variable: Some("/mine"),
        on_path: Some("/path"),
        versions: BTreeMap::from([("/mine", "2.9.10"), ("/path", "2.15.1")]),
        ..Fake::default()
    };
    let text = find_on(&machine).unwrap_err().to_string();
    assert!(
        text.contains("NATS_SERVER=/mine: it is version 2.9.10, too old"),
        "{text}"
    );
    assert!(!text.contains("/path"), "{text}");
    assert!(text.contains("unset NATS_SERVER"), "{text}");
}

#[test]
fn the_path_wins_over_a_container_unless_it_is_too_old() {
    let mut machine = Fake {
        on_path: Some("/path"),
        image: true,
        versions: BTreeMap::from([("/path", "2.10.0"), ("/tools/nats-server", "2.15.1")]),
        ..Fake::default()
    };
    assert_eq!(find_on(&machine), binary("/path", "2.10.0", Found::Path));
    machine.versions.insert("/path", "2.9.10");
    assert_eq!(
        find_on(&machine),
        Ok(Source::Image {
            name: IMAGE.to_owned()
        })
    );
    machine.image = false;
    assert_eq!(
        find_on(&machine),
        binary("/tools/nats-server", "2.15.1", Found::Tools)
    );
}

#[test]
fn nothing_found_names_every_place_and_the_cure() {
    let machine = Fake {
        on_path: Some("/path"),
        versions: BTreeMap::from([("/path", "2.9.10")]),
        ..Fake::default()
    };
    let text = find_on(&machine).unwrap_err().to_string();
    assert_eq!(
        text,
        "no nats-server 2.10.0 or newer was found\n  \
         NATS_SERVER: not set\n  \
         the PATH (/path): it is version 2.9.10, too old: Callboard needs 2.10.0 or newer\n  \
         a container of nats:2: no engine\n  \
         /tools/nats-server: no such file\n\
         cure: run `cargo xtask setup`, which gets one without touching the system, or set \
         NATS_SERVER to the path of one"
    );
}

#[test]
fn versions_are_read_from_what_the_server_prints() {
    assert_eq!(
        parse_version("nats-server: v2.15.1\n"),
        Some(Version::new(2, 15, 1))
    );
    assert_eq!(
        parse_version("nats-server: v2.12.0-RC.1")
            .unwrap()
            .pre
            .as_str(),
        "RC.1"
    );
    assert_eq!(parse_version("usage: something else"), None);
    assert_eq!(parse_version(""), None);
}
