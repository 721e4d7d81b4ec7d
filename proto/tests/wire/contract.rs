//! `docs/wire.md` says what the code does: every kind, every word, every limit, and the worked example.

use callboard_proto::message::{AckState, RefusalCode};
use callboard_proto::{Affinity, Effect, Executed, FailureKind, Kind, limit, subject};

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire.md");
    std::fs::read_to_string(path).unwrap()
}

fn golden_hex(name: &str) -> String {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    golden["hex"].as_str().unwrap().to_owned()
}

#[test]
fn every_kind_has_its_section() {
    let page = page();
    for kind in Kind::ALL {
        assert!(page.contains(&format!("\n### `{kind}`")), "{kind}");
    }
}

#[test]
fn every_word_stands_in_the_closed_lists() {
    let page = page();
    let start = page.find("\n## Closed word lists").unwrap();
    let end = start + page[start + 1..].find("\n## ").unwrap();
    let lists = &page[start..=end];
    let words = [
        Effect::ALL
            .iter()
            .map(|word| word.as_str())
            .collect::<Vec<_>>(),
        Executed::ALL.iter().map(|word| word.as_str()).collect(),
        Affinity::ALL.iter().map(|word| word.as_str()).collect(),
        AckState::ALL.iter().map(|word| word.as_str()).collect(),
        FailureKind::ALL.iter().map(|word| word.as_str()).collect(),
        RefusalCode::ALL.iter().map(|word| word.as_str()).collect(),
    ];
    for word in words.concat() {
        assert!(lists.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn the_worked_example_is_the_golden_grant() {
    let page = page();
    let (_, rest) = page.split_once("```hex\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    let hex: String = block
        .lines()
        .filter_map(|line| line.split(';').next())
        .flat_map(str::chars)
        .filter(|character| !character.is_whitespace())
        .collect();
    assert_eq!(hex, golden_hex("grant"));
}

#[test]
fn the_example_of_an_announcement_is_the_golden_one() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/announce.metadata.json"
    );
    let golden = std::fs::read_to_string(path).unwrap();
    assert!(page().contains(golden.trim_end()));
}

#[test]
fn every_limit_is_the_number_that_is_written() {
    let page = page();
    let rows = [
        (
            "TOOL_USE_ID_BYTES_MAX",
            limit::TOOL_USE_ID_BYTES_MAX.to_string(),
        ),
        (
            "TOOL_NAME_BYTES_MAX",
            limit::TOOL_NAME_BYTES_MAX.to_string(),
        ),
        ("NAME_BYTES_MAX", limit::NAME_BYTES_MAX.to_string()),
        ("KEY_BYTES_MAX", limit::KEY_BYTES_MAX.to_string()),
        ("REASON_BYTES_MAX", limit::REASON_BYTES_MAX.to_string()),
        ("BATCH_ITEMS_MAX", limit::BATCH_ITEMS_MAX.to_string()),
        ("DEPTH_MAX", limit::DEPTH_MAX.to_string()),
        ("BODY_BYTES_MAX", limit::BODY_BYTES_MAX.to_string()),
        (
            "PAYLOAD_RESERVE_BYTES",
            limit::PAYLOAD_RESERVE_BYTES.to_string(),
        ),
        ("INLINE_BYTES_MAX", limit::INLINE_BYTES_MAX.to_string()),
        ("BUDGET_MAX", limit::BUDGET_MAX.as_millis().to_string()),
        (
            "BEAT_INTERVAL",
            limit::BEAT_INTERVAL.as_millis().to_string(),
        ),
        ("GRANT_WINDOW", limit::GRANT_WINDOW.as_millis().to_string()),
        ("ACK_WITHIN", limit::ACK_WITHIN.as_millis().to_string()),
    ];
    for (name, number) in rows {
        assert!(
            page.contains(&format!("| `{name}` | {number} |")),
            "{name} is {number}"
        );
    }
}

#[test]
fn the_subjects_and_keys_are_those_that_are_built() {
    let page = page();
    for text in [
        subject::PREFIX,
        subject::QUEUE_GROUP,
        subject::SERVICE_NAME,
        subject::DISCOVER,
        subject::METADATA_ANNOUNCE,
        subject::METADATA_TENANT,
    ] {
        assert!(page.contains(&format!("`{text}`")), "{text}");
    }
}
