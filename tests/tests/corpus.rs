//! What released versions said on the wire, read and acted on by today's code; and what today's says, by the same rules.
//!
//! With `CALLBOARD_RECORD_CORPUS=write`, what today's code says is kept as the corpus of its version.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus {
    pub(crate) mod coordinator;
    pub(crate) mod player;
    pub(crate) mod reading;
    pub(crate) mod worker;
}

use callboard_proto::Kind;
use callboard_tests::corpus::{
    Corpus, Message, RECORD_VARIABLE, VERSION, lacks, load, record, save,
};
use callboard_tests::server::{Options, Server};
use semver::Version;

/// The recording of a version stays below this, in bytes: a repository is cloned by everyone (chosen).
const BYTES_MAX: usize = 300 * 1024;

/// The kinds of version 0.1.0, which the protocol's major version 1 never loses.
const FIRST_KINDS: [&str; 14] = [
    "call", "grant", "cancel", "status", "describe", "drain", "ack", "result", "progress", "free",
    "refusal", "tools", "beat", "announce",
];

fn versions() -> Vec<Corpus> {
    let versions = load().unwrap();
    assert_eq!(versions[0].version, Version::new(0, 1, 0), "the first");
    versions
}

#[test]
fn every_message_is_read_today() {
    for corpus in versions() {
        corpus::reading::check(&corpus.messages);
    }
}

#[test]
fn every_recording_holds_every_kind_of_the_first() {
    for corpus in versions() {
        let has = |kind: &str| {
            let mut kinds = corpus
                .messages
                .iter()
                .filter_map(|said| said.kind.as_deref());
            kinds.any(|said| said == kind)
        };
        let missing = FIRST_KINDS.into_iter().filter(|kind| !has(kind));
        assert_eq!(
            missing.collect::<Vec<_>>(),
            [""; 0],
            "in {}",
            corpus.version
        );
        // What came later is in the recordings of later versions.
        if corpus.version.to_string() == VERSION {
            assert_eq!(lacks(&corpus.messages), [""; 0], "in {VERSION}");
        }
    }
}

#[test]
fn the_recordings_are_small() {
    let line = |message: &Message| serde_json::to_string(message).unwrap().len() + 1;
    for corpus in versions() {
        let bytes: usize = corpus.messages.iter().map(line).sum();
        assert!(bytes < BYTES_MAX, "{} has {bytes} bytes", corpus.version);
    }
}

#[test]
fn todays_worker_answers_every_recorded_call() {
    for corpus in versions() {
        corpus::worker::replay(&corpus.messages);
    }
}

#[test]
fn todays_dispatcher_counts_every_recorded_answer_as_unknown() {
    for corpus in versions() {
        corpus::coordinator::replay(&corpus.messages);
    }
}

#[tokio::test]
async fn a_recorded_worker_works_with_todays_coordinator() {
    for corpus in versions() {
        let server = Server::start(&Options::default()).await.unwrap();
        corpus::player::as_a_worker(&server.url(), &corpus.messages).await;
    }
}

#[tokio::test]
async fn a_recorded_coordinator_works_with_todays_worker() {
    for corpus in versions() {
        let server = Server::start(&Options::default()).await.unwrap();
        corpus::player::as_a_coordinator(&server.url(), &corpus.messages).await;
    }
}

/// Breaks the first recorded message of a kind; whether a check notices.
fn notices(
    kind: Kind,
    spoil: impl Fn(&mut Message),
    check: impl Fn(&[Message]) + std::panic::RefUnwindSafe,
) -> bool {
    let mut messages = versions().remove(0).messages;
    let is_sound = |message: &&mut Message| {
        message.kind() == Some(kind) && message.refused.is_none() && message.bad_items.is_empty()
    };
    spoil(messages.iter_mut().find(is_sound).unwrap());
    std::panic::catch_unwind(|| check(&messages)).is_err()
}

#[test]
fn the_checks_notice_what_is_broken() {
    use corpus::{coordinator, reading, worker};
    let cut = |message: &mut Message| message.body.truncate(message.body.len() - 1);
    for kind in Kind::ALL {
        assert!(notices(*kind, cut, reading::check), "a cut {kind}");
    }
    let renamed = |message: &mut Message| message.subject.push('x');
    assert!(notices(Kind::Grant, renamed, reading::check));
    assert!(notices(Kind::Ack, renamed, reading::check));
    let newer = |message: &mut Message| {
        message.headers.insert("Cb-V".to_owned(), "2".to_owned());
    };
    assert!(notices(Kind::Call, newer, reading::check));
    // An ungranted write doesn't run, and what came to its end otherwise ends otherwise.
    let gone = |message: &mut Message| message.kind = None;
    assert!(notices(Kind::Grant, gone, worker::replay));
    assert!(notices(Kind::Cancel, gone, |messages| {
        assert_eq!(lacks(messages), [""; 0]);
    }));
    let nobodys = |message: &mut Message| message.body = vec![0xc0];
    assert!(notices(Kind::Describe, nobodys, reading::check));
    assert!(!notices(Kind::Describe, nobodys, coordinator::replay));
}

#[tokio::test]
async fn today_speaks_as_recorded_versions_do() {
    let server = Server::start(&Options::default()).await.unwrap();
    let messages = record(&server.url()).await.unwrap();
    assert_eq!(lacks(&messages), [""; 0]);
    corpus::reading::check(&messages);
    corpus::worker::replay(&messages);
    corpus::coordinator::replay(&messages);
    if std::env::var_os(RECORD_VARIABLE).is_some_and(|value| value == "write") {
        let file = save(&messages).unwrap();
        let saved = load().unwrap().pop().unwrap();
        assert_eq!(saved.messages, messages, "{}", file.display());
    }
}
