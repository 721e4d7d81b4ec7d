//! Bodies that no friend sends: nothing panics, nothing that isn't a message is taken for one.

use callboard_proto::codec::{self, DecodeError};
use callboard_proto::limit::{BODY_BYTES_MAX, DEPTH_MAX, REASON_BYTES_MAX};
use callboard_proto::message::{Beat, Describe, Drain};
use callboard_proto::{Kind, message::CallItem};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::cases::cases;
use crate::read::read;
use crate::value::{Value, map, text};

#[test]
fn every_truncation_of_every_golden_message_is_refused() {
    for case in cases() {
        for length in 0..case.body.len() {
            assert!(
                matches!(
                    read(case.kind, &case.body[..length]),
                    Err(DecodeError::Malformed(_))
                ),
                "{} cut to {length} bytes",
                case.name
            );
        }
    }
}

#[test]
fn any_byte_behind_the_end_is_refused() {
    for case in cases() {
        for byte in 0..=u8::MAX {
            let mut body = case.body.to_vec();
            body.push(byte);
            assert_eq!(
                read(case.kind, &body).unwrap_err(),
                DecodeError::Trailing,
                "{} and {byte:#04x}",
                case.name
            );
        }
        let twice = [case.body.as_ref(), case.body.as_ref()].concat();
        assert_eq!(read(case.kind, &twice).unwrap_err(), DecodeError::Trailing);
    }
}

#[test]
fn a_body_above_the_servers_ceiling_is_not_looked_at() {
    let body = vec![0; BODY_BYTES_MAX + 1];
    for &kind in Kind::ALL {
        assert!(matches!(
            read(kind, &body),
            Err(DecodeError::TooLarge { .. })
        ));
    }
}

#[test]
fn deep_nesting_is_refused_and_shallow_nesting_is_ignored() {
    for case in cases() {
        let with = |depth| {
            let value: Value = codec::decode(&case.body).unwrap();
            value.with("x", Value::nested(depth)).bytes()
        };
        assert!(
            read(case.kind, &with(DEPTH_MAX - 3)).is_ok(),
            "{}",
            case.name
        );
        for depth in [DEPTH_MAX, 1_000, 100_000] {
            // Written by hand: a writer that nests as deep would use up its own stack.
            let mut body = with(0);
            body.pop();
            body.extend(std::iter::repeat_n(0x91, depth));
            body.push(0xc0);
            assert!(
                read(case.kind, &body).is_err(),
                "{}, {depth} deep",
                case.name
            );
        }
    }
}

#[test]
fn nested_maps_and_extensions_are_capped_too() {
    for prefix in [
        &b"\x81\xa1x"[..],
        &b"\xc7\x00\x00"[..],
        &b"\x91\x81\xc0"[..],
    ] {
        let mut body = map([("x", Value::Nil)]).bytes();
        body.pop();
        for _ in 0..10_000 {
            body.extend_from_slice(prefix);
        }
        for &kind in Kind::ALL {
            assert!(read(kind, &body).is_err());
        }
    }
}

#[test]
fn the_reason_is_short_whatever_the_body_quotes() {
    let long = "é".repeat(100_000);
    let body = map([("instance", text(&long)), ("grace_ms", Value::Number(1))]).bytes();
    let DecodeError::Malformed(reason) = codec::decode::<Drain>(&body).unwrap_err() else {
        panic!("a text is no instance");
    };
    assert!(reason.len() <= REASON_BYTES_MAX + '…'.len_utf8());
    let body = map([("of", text(&long))]).bytes();
    let DecodeError::Malformed(reason) = codec::decode::<CallItem>(&body).unwrap_err() else {
        panic!("a text is no attempt");
    };
    assert!(reason.len() <= REASON_BYTES_MAX + '…'.len_utf8());
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let id = Value::Bin(vec![1; 16]);
    let mut body = map([
        ("coordinator", id.clone()),
        ("instance", id),
        ("from", Value::Number(0)),
    ])
    .bytes();
    assert!(codec::decode::<Describe>(&body).is_ok());
    body[0] += 1;
    body.extend_from_slice(b"\xa4from\x01");
    assert!(codec::decode::<Describe>(&body).is_err());
}

#[test]
fn negative_and_fractional_numbers_are_refused() {
    let beat = cases()
        .into_iter()
        .find(|case| case.kind == Kind::Beat)
        .unwrap();
    let at = beat
        .body
        .windows(4)
        .position(|window| window == b"\xa3seq")
        .unwrap()
        + 4;
    for number in [
        &b"\xff"[..],
        &b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        &b"\xca\x3f\x80\0\0"[..],
    ] {
        let body = [&beat.body[..at], number, &beat.body[at + 1..]].concat();
        assert!(codec::decode::<Beat>(&body).is_err());
    }
    // Wider than needed is fine: the shortest form is the writer's courtesy.
    let body = [
        &beat.body[..at],
        b"\xcf\0\0\0\0\0\0\0\x47",
        &beat.body[at + 1..],
    ]
    .concat();
    assert_eq!(codec::decode::<Beat>(&body).unwrap().seq, 71);
}

/// One change to a body.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    // Half of the bytes are markers that begin something long.
    let byte = || prop_oneof![any::<u8>(), 0x80..=0x9f_u8, 0xc0..=0xdf_u8];
    prop_oneof![
        (any::<Index>(), byte()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<Index>(), proptest::collection::vec(byte(), 1..6))
            .prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), 1..9_u8).prop_map(|(at, count)| Mutation::Remove(at, count)),
    ]
}

fn mutated(body: &[u8], mutations: Vec<Mutation>) -> Vec<u8> {
    let mut body = body.to_vec();
    for mutation in mutations {
        if body.is_empty() {
            break;
        }
        match mutation {
            Mutation::Set(at, byte) => {
                let at = at.index(body.len());
                body[at] = byte;
            }
            Mutation::Insert(at, bytes) => {
                let at = at.index(body.len());
                body.splice(at..at, bytes);
            }
            Mutation::Remove(at, count) => {
                let at = at.index(body.len());
                let end = body.len().min(at + usize::from(count));
                body.drain(at..end);
            }
        }
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_never_panic(
        kind in select(Kind::ALL),
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = read(kind, &body);
    }

    #[test]
    fn mutated_messages_never_panic_and_what_reads_is_written_again(
        case in any::<Index>(),
        kind in proptest::option::weighted(0.1, select(Kind::ALL)),
        mutations in proptest::collection::vec(mutation(), 1..5),
    ) {
        let cases = cases();
        let case = case.get(&cases);
        let kind = kind.unwrap_or(case.kind);
        if let Ok(first) = read(kind, &mutated(&case.body, mutations)) {
            let second = read(kind, &first.again).unwrap();
            prop_assert!(second.bad.is_empty());
            prop_assert_eq!(second.again, first.again);
        }
    }
}
