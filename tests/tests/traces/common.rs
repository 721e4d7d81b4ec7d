//! What these tests share.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use callboard_tests::harness::Callboard;
use callboard_tests::trace::Sink;

/// A script of one turn with `calls` calls of `ms` each, and an answer.
pub(crate) fn script(folder: &Path, calls: usize, ms: u64) -> PathBuf {
    let mut text = "name = \"fan-out\"\n[[turn]]\ntext = \"All at once.\"\n".to_owned();
    for number in 0..calls {
        writeln!(
            text,
            "[[turn.call]]\nid = \"call-{number}\"\ntool = \"wait\"\narguments = {{ ms = {ms} }}"
        )
        .unwrap();
    }
    text.push_str("[[turn]]\ntext = \"Done.\"\n");
    let path = folder.join("script.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// Has a command export to a sink.
pub(crate) fn traced(command: Callboard, sink: &Sink) -> Callboard {
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
}
