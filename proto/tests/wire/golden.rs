//! The golden files: bytes that no version may change, for readers in every language.
//!
//! `CALLBOARD_GOLDEN=write cargo test -p callboard-proto --test wire` writes them anew; a file that
//! changed then is a change of the protocol.

use std::collections::BTreeSet;
use std::path::PathBuf;

use callboard_proto::message::Announce;
use callboard_proto::{HEADER_KIND, HEADER_VERSION, Kind, VERSION, codec};
use serde_json::json;

use crate::cases::{announced, cases};
use crate::read::read;
use crate::value::{Value, from_hex, to_hex};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Compares with a golden file, or writes it.
fn assert_golden(file: &str, text: &str) {
    let path = folder().join(file);
    if std::env::var_os("CALLBOARD_GOLDEN").is_some_and(|word| word == "write") {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        golden == text,
        "{file} holds other bytes than are written now; if the protocol is meant to change, \
         run with CALLBOARD_GOLDEN=write\ngolden: {golden}\nnow: {text}"
    );
}

#[test]
fn every_kind_is_written_as_its_golden_bytes_and_they_are_read() {
    for case in cases() {
        let file = format!("{}.json", case.name);
        let value: Value = codec::decode(&case.body).unwrap();
        let text = serde_json::to_string_pretty(&json!({
            "name": case.name,
            "about": case.about,
            "subject": case.subject,
            "headers": { HEADER_VERSION: VERSION, HEADER_KIND: case.kind.as_str() },
            "body": value.readable(),
            "hex": to_hex(&case.body),
        }))
        .unwrap();
        assert_golden(&file, &(text + "\n"));

        let text = std::fs::read_to_string(folder().join(file)).unwrap();
        let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kind = golden["headers"][HEADER_KIND].as_str().unwrap();
        let kind: Kind = kind.parse().unwrap();
        assert_eq!(kind, case.kind);
        let bytes = from_hex(golden["hex"].as_str().unwrap());
        (case.check)(&bytes);
        let read = read(kind, &bytes).unwrap();
        assert!(read.bad.is_empty());
        assert_eq!(to_hex(&read.again), to_hex(&bytes), "{}", case.name);
    }
}

#[test]
fn there_is_a_golden_message_of_every_kind_and_no_golden_file_is_forgotten() {
    let cases = cases();
    let kinds: BTreeSet<Kind> = cases.iter().map(|case| case.kind).collect();
    assert_eq!(kinds, Kind::ALL.iter().copied().collect());

    let mut expected: BTreeSet<String> = cases
        .iter()
        .map(|case| format!("{}.json", case.name))
        .collect();
    expected.insert("announce.metadata.json".to_owned());
    let found: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_announcement_is_the_golden_json_in_a_services_metadata() {
    let announced = announced();
    assert_golden("announce.metadata.json", &(announced.to_json() + "\n"));
    let golden = std::fs::read_to_string(folder().join("announce.metadata.json")).unwrap();
    assert_eq!(Announce::from_json(&golden).unwrap(), announced);
}
