//! Old readers and new writers: what a peer of a later minor version may send (P22).

use callboard_proto::codec::{Batch, decode, decode_batch};
use callboard_proto::message::{
    AckItem, AckState, Announce, CallHead, CallItem, Free, ProgressHead, ProgressItem, Refusal,
    RefusalCode, ReplyHead, ResultItem,
};
use callboard_proto::{
    Affinity, Attempt, Budget, Completed, Digest, Effect, Epoch, Executed, Failure, FailureKind,
    Kind, Manifest, Outcome, Part, Retry, Turn, limit, version_is_supported,
};
use std::time::Duration;

use crate::cases::{announced, call_item, cases};
use crate::read::read;
use crate::value::{Value, batch, map, text, to_hex};

fn uuid(byte: u8) -> Value {
    Value::Bin(vec![byte; 16])
}

fn of() -> Value {
    map([
        ("run", uuid(3)),
        ("turn", Value::Number(2)),
        ("id", text("toolu_01")),
        ("attempt", Value::Number(1)),
    ])
}

fn load() -> Value {
    map([
        ("seq", Value::Number(1)),
        ("slots", Value::Number(2)),
        ("free", Value::Number(0)),
    ])
}

fn reply_head() -> Value {
    map([("instance", uuid(2)), ("load", load())])
}

fn call() -> Value {
    map([
        ("of", of()),
        ("tool", text("order_get")),
        ("effect", text("read")),
        ("budget_ms", Value::Number(1_000)),
        ("arguments", Value::Bin(b"{}".to_vec())),
    ])
}

fn result() -> Value {
    map([("of", of()), ("status", text("completed"))])
}

fn read_call(item: &Value) -> CallItem {
    decode(&item.bytes()).unwrap()
}

fn read_outcome(item: &Value) -> Outcome {
    decode::<ResultItem>(&item.bytes()).unwrap().outcome
}

/// Adds an unknown field of every shape to each map of a message, the items' own included.
fn sprinkled(value: Value, depth: usize, is_items: bool) -> Value {
    match value {
        Value::Map(fields) => Value::Map(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let is_items = depth == 0 && name == "items";
                    (name, sprinkled(value, depth + 1, is_items))
                })
                .collect(),
        )
        .with("x-nil", Value::Nil)
        .with("x-bool", Value::Bool(true))
        .with("x-number", Value::Number(u64::MAX))
        .with("x-bin", Value::Bin(vec![0xc1; 40]))
        .with("x-map", map([("of", Value::Array(vec![Value::Nil]))])),
        Value::Array(elements) => Value::Array(
            elements
                .into_iter()
                .map(|element| sprinkled(element, depth + 1, is_items))
                .collect(),
        ),
        Value::Bin(bytes) if is_items => {
            Value::Bin(sprinkled(decode(&bytes).unwrap(), 1, false).bytes())
        }
        other @ (Value::Nil
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Text(_)
        | Value::Bin(_)) => other,
    }
}

#[test]
fn unknown_fields_are_ignored_at_every_depth_of_every_kind() {
    for case in cases() {
        let newer = sprinkled(decode(&case.body).unwrap(), 0, false).bytes();
        assert!(newer.len() > case.body.len());
        let read = read(case.kind, &newer).unwrap();
        assert!(read.bad.is_empty(), "{}: {:?}", case.name, read.bad);
        assert_eq!(to_hex(&read.again), to_hex(&case.body), "{}", case.name);
    }
}

#[test]
fn fields_may_come_in_any_order() {
    fn reversed(value: Value) -> Value {
        match value {
            Value::Map(fields) => Value::Map(
                fields
                    .into_iter()
                    .rev()
                    .map(|(name, value)| (name, reversed(value)))
                    .collect(),
            ),
            other @ (Value::Nil
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Text(_)
            | Value::Bin(_)
            | Value::Array(_)) => other,
        }
    }
    for case in cases() {
        let body = reversed(decode(&case.body).unwrap()).bytes();
        assert_eq!(read(case.kind, &body).unwrap().again, case.body);
    }
}

#[test]
fn missing_optional_fields_take_their_defaults() {
    let head: CallHead = decode(&map([("coordinator", uuid(1))]).bytes()).unwrap();
    assert_eq!((head.instance, head.seen, head.waiting), (None, None, 0));

    let item = read_call(&call());
    assert_eq!(item.of.epoch, Epoch(0));
    assert_eq!((item.of.turn, item.of.attempt), (Turn(2), Attempt(1)));
    assert_eq!(
        (item.digest, item.key, item.traceparent),
        (None, None, None)
    );

    let head: ReplyHead = decode(&reply_head().bytes()).unwrap();
    assert_eq!(head.bad, []);

    let item: ResultItem = decode(&result().bytes()).unwrap();
    assert_eq!(item.outcome, Outcome::Completed(Completed::default()));
    assert_eq!(
        (item.queued, item.executed),
        (Duration::ZERO, Duration::ZERO)
    );

    let manifest: Manifest = decode(&map([("effect", text("read"))]).bytes()).unwrap();
    assert_eq!(manifest, Manifest::new(Effect::Read));
    assert_eq!(manifest.retry, Retry { attempts: 3 });

    let item: ProgressItem = decode(&map([("of", of())]).bytes()).unwrap();
    assert_eq!((item.percent, item.message), (None, None));
}

#[test]
fn nil_reads_as_a_missing_optional_field() {
    let item = read_call(&call().with("key", Value::Nil).with("digest", Value::Nil));
    assert_eq!((item.key, item.digest), (None, None));
}

#[test]
fn missing_required_fields_make_the_item_unreadable() {
    for field in ["of", "tool", "effect", "budget_ms", "arguments"] {
        let body = call().without(field).bytes();
        assert!(decode::<CallItem>(&body).is_err(), "{field}");
    }
    let body = map([("instance", uuid(2))]).bytes();
    assert!(decode::<Free>(&body).is_err());
}

#[test]
fn unknown_words_fall_to_the_safe_side() {
    let later = || text("later");
    assert_eq!(
        read_call(&call().with("effect", later())).effect,
        Effect::Write
    );

    let ack = map([("of", of()), ("state", later())]);
    let ack: AckItem = decode(&ack.bytes()).unwrap();
    assert_eq!(ack.state, AckState::Unknown);
    assert!(!ack.state.is_binding_no());

    let manifest = map([("effect", later()), ("affinity", later())]);
    let manifest: Manifest = decode(&manifest.bytes()).unwrap();
    assert_eq!(
        (manifest.effect, manifest.affinity),
        (Effect::Write, Affinity::Run)
    );

    let refusal = map([
        ("instance", uuid(2)),
        ("code", later()),
        ("message", text("")),
    ]);
    let refusal: Refusal = decode(&refusal.bytes()).unwrap();
    assert_eq!(refusal.code, RefusalCode::Malformed);
}

#[test]
fn an_unknown_end_is_a_failure_that_may_have_run() {
    let unknown = Outcome::failed(FailureKind::Internal, "", Executed::Unknown);
    assert_eq!(
        read_outcome(&result().with("status", text("later"))),
        unknown
    );
    assert_eq!(
        read_outcome(&result().with("status", text("failed"))),
        unknown
    );
    let words = result()
        .with("status", text("failed"))
        .with("kind", text("later"))
        .with("executed", text("perhaps"))
        .with("message", text("why"));
    assert_eq!(
        read_outcome(&words),
        Outcome::failed(FailureKind::Internal, "why", Executed::Unknown)
    );
}

#[test]
fn an_unknown_part_keeps_its_type_and_text() {
    let part = map([
        ("type", text("video")),
        ("text", text("a film")),
        ("frames", Value::Number(9)),
    ]);
    let outcome = read_outcome(&result().with("content", Value::Array(vec![part])));
    let expected = Part::Unknown {
        part_type: "video".to_owned(),
        text: Some("a film".to_owned()),
    };
    assert_eq!(
        outcome,
        Outcome::Completed(Completed {
            content: vec![expected],
            is_error: false
        })
    );
}

#[test]
fn numbers_beyond_their_range_are_cut_or_refused() {
    let item = read_call(&call().with("budget_ms", Value::Number(u64::MAX)));
    assert_eq!(item.budget_ms.duration(), limit::BUDGET_MAX);

    let failed = result()
        .with("status", text("failed"))
        .with("retry_after_ms", Value::Number(u64::MAX));
    let Outcome::Failed(Failure { retry_after, .. }) = read_outcome(&failed) else {
        panic!("a failed status reads as a failure");
    };
    assert_eq!(retry_after, Some(limit::BUDGET_MAX));

    let progress = map([("of", of()), ("percent", Value::Number(1_000))]);
    let progress: ProgressItem = decode(&progress.bytes()).unwrap();
    assert_eq!(progress.percent, Some(100));

    let key = text(&"k".repeat(limit::KEY_BYTES_MAX));
    assert!(read_call(&call().with("key", key)).key.is_some());
    let key = text(&"k".repeat(limit::KEY_BYTES_MAX + 1));
    assert!(decode::<CallItem>(&call().with("key", key).bytes()).is_err());
}

#[test]
fn a_newer_minor_version_is_read_and_a_newer_major_is_not() {
    for version in ["1", "1.0", "1.4", "1.17"] {
        assert!(version_is_supported(version), "{version}");
    }
    for version in [
        "", "2", "2.0", "0", "0.1", "10", "11.1", "v1", " 1", "1 ", "1x",
    ] {
        assert!(!version_is_supported(version), "{version}");
    }
}

#[test]
fn a_kind_of_a_later_version_is_named_and_cut() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse::<Kind>().as_ref(), Ok(kind));
    }
    let error = "x".repeat(5_000).parse::<Kind>().unwrap_err();
    assert_eq!(error.0.len(), 64);
    assert!("Call".parse::<Kind>().is_err());
    assert!("".parse::<Kind>().is_err());
}

#[test]
fn an_announcement_in_json_ignores_what_it_does_not_know() {
    let json = announced().to_json();
    let newer = json.replacen('{', r#"{"later":{"a":[1,2.5,null]},"#, 1);
    assert_eq!(Announce::from_json(&newer).unwrap(), announced());
    let escaped = json.replace("order_get", r"order\u005fget");
    assert_eq!(Announce::from_json(&escaped).unwrap(), announced());
    let simple = json
        .replace('-', "")
        .replace("shop1", "shop-1")
        .replace("eu1", "eu-1");
    assert_eq!(Announce::from_json(&simple).unwrap(), announced());
    for bad in [
        "",
        "{}",
        "[]",
        "null",
        &format!("{json}x"),
        &json.replace("0001", "00"),
    ] {
        assert!(Announce::from_json(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_bad_item_harms_no_sibling_and_its_attempt_is_named() {
    let head = map([("coordinator", uuid(1))]);
    let mut trailing = call().bytes();
    trailing.push(0x91);
    let mut broken_behind_of = map([("of", of())]).bytes();
    broken_behind_of[0] = 0x83;
    broken_behind_of.extend_from_slice(b"\xa4tool\xc1");
    let of_is_last = map([("tool", Value::Number(4)), ("of", of())]);
    let too_deep = call().with("x", Value::nested(1_000));
    let envelope = map([
        ("head", head),
        (
            "items",
            Value::Array(vec![
                Value::Bin(call().bytes()),
                Value::Bin(call().with("tool", text("")).bytes()),
                Value::Bin(trailing),
                Value::Bin(broken_behind_of),
                Value::Bin(of_is_last.bytes()),
                Value::Bin(too_deep.bytes()),
                Value::Bin(call().without("of").bytes()),
                Value::Bin(call().with("of", text("c1")).bytes()),
                Value::Bin(Vec::new()),
                Value::Bin(vec![0xc1]),
                Value::Bin(call().bytes()),
            ]),
        ),
    ]);
    let batch: Batch<CallHead, CallItem> = decode_batch(&envelope.bytes()).unwrap();
    let good = read_call(&call());
    assert_eq!(batch.items.len(), 11);
    for (index, item) in batch.items.iter().enumerate() {
        match index {
            0 | 10 => assert_eq!(item.as_ref().unwrap(), &good),
            1..=5 => assert_eq!(
                item.as_ref().unwrap_err().of.as_ref(),
                Some(&good.of),
                "{index}"
            ),
            _ => assert_eq!(item.as_ref().unwrap_err().of, None, "{index}"),
        }
    }
}

#[test]
fn an_item_that_is_no_bin_makes_the_whole_batch_unreadable() {
    let head = map([("instance", uuid(2))]);
    let envelope = batch(head, &[]).with("items", Value::Array(vec![map([("of", of())])]));
    assert!(decode_batch::<ProgressHead, ProgressItem>(&envelope.bytes()).is_err());
}

#[test]
fn an_empty_batch_is_a_batch() {
    let envelope = batch(map([("instance", uuid(2))]), &[]);
    let read: Batch<ProgressHead, ProgressItem> = decode_batch(&envelope.bytes()).unwrap();
    assert_eq!(read.items, []);
}

#[test]
fn a_digest_has_32_bytes() {
    for length in [0, 16, 31, 33] {
        let item = call().with("digest", Value::Bin(vec![7; length]));
        assert!(decode::<CallItem>(&item.bytes()).is_err(), "{length}");
    }
    let item = read_call(&call().with("digest", Value::Bin(vec![7; 32])));
    assert_eq!(item.digest, Some(Digest::new([7; 32])));
}

#[test]
fn a_budget_is_written_as_whole_milliseconds() {
    let item = CallItem {
        budget_ms: Budget::new(Duration::from_micros(1_999)),
        ..call_item()
    };
    let written: Value = decode(&callboard_proto::codec::encode(&item)).unwrap();
    let Value::Map(fields) = written else {
        panic!("an item is a map");
    };
    let budget = fields.iter().find(|(name, _)| name == "budget_ms").unwrap();
    assert_eq!(budget.1, Value::Number(1));
}
