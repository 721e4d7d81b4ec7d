//! What is written reads back, for arbitrary messages of every kind.

use std::fmt::Debug;

use bytes::Bytes;
use callboard_proto::codec::{self, Canonical};
use callboard_proto::limit::BATCH_ITEMS_MAX;
use callboard_proto::message::{
    AckState, Announce, CallHead, CallItem, ProgressHead, ProgressItem,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arbitrary;
use crate::cases::{instance, of};
use crate::value::Value;

fn assert_single<T>(message: &T) -> Result<(), TestCaseError>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let body = codec::encode(message);
    prop_assert_eq!(&codec::decode::<T>(&body).unwrap(), message);
    Ok(())
}

fn assert_batch<H, I>((head, items): &(H, Vec<I>)) -> Result<(), TestCaseError>
where
    H: Serialize + DeserializeOwned + PartialEq + Debug,
    I: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let body = codec::encode_batch(head, items);
    let read = codec::decode_batch::<H, I>(&body).unwrap();
    prop_assert_eq!(&read.head, head);
    let read: Vec<I> = read.items.into_iter().map(Result::unwrap).collect();
    prop_assert_eq!(&read, items);

    // The sizes by which batches are cut are the sizes that they have.
    let no_items: [I; 0] = [];
    let envelope = codec::encode_batch(head, &no_items).len();
    let items: usize = items.iter().map(codec::item_bytes).sum();
    prop_assert_eq!(body.len(), envelope + items);
    Ok(())
}

/// The canonical form is what the full writer writes, in the room that was made for it.
fn assert_canonical<H, I>((head, items): &(H, Vec<I>)) -> Result<Bytes, TestCaseError>
where
    H: Serialize + DeserializeOwned + PartialEq + Debug,
    I: Canonical + PartialEq + Debug,
{
    let body = codec::encode_canonical(head, items);
    prop_assert_eq!(&body, &codec::encode_batch(head, items));
    let read = codec::decode_canonical::<H, I>(&body);
    prop_assert_eq!(read, codec::decode_batch::<H, I>(&body));
    Ok(body)
}

fn assert_room<I: Canonical>(items: &[I]) -> Result<(), TestCaseError> {
    for item in items {
        prop_assert!(codec::item_bytes(item) <= item.room());
    }
    Ok(())
}

proptest! {
    #[test]
    fn call(batch in arbitrary::call()) {
        assert_batch(&batch)?;
        let body = assert_canonical(&batch)?;
        assert_room(&batch.1)?;
        // Only the canonical reader keeps arguments where they are.
        let read = codec::decode_canonical::<CallHead, CallItem>(&body).unwrap();
        for item in read.items.into_iter().map(Result::unwrap) {
            if !item.arguments.is_empty() {
                prop_assert!(body.as_ptr_range().contains(&item.arguments.as_ptr()));
            }
        }
    }

    #[test]
    fn grant(batch in arbitrary::grant()) {
        assert_batch(&batch)?;
        assert_canonical(&batch)?;
        assert_room(&batch.1)?;
    }

    #[test]
    fn cancel(batch in arbitrary::cancel()) {
        assert_batch(&batch)?;
    }

    #[test]
    fn status(batch in arbitrary::status()) {
        assert_batch(&batch)?;
    }

    #[test]
    fn describe(message in arbitrary::describe()) {
        assert_single(&message)?;
    }

    #[test]
    fn drain(message in arbitrary::drain()) {
        assert_single(&message)?;
    }

    #[test]
    fn ack(batch in arbitrary::ack()) {
        assert_batch(&batch)?;
        assert_canonical(&batch)?;
        assert_room(&batch.1)?;
    }

    #[test]
    fn result(batch in arbitrary::result()) {
        assert_batch(&batch)?;
        assert_canonical(&batch)?;
    }

    #[test]
    fn progress(batch in arbitrary::progress()) {
        assert_batch(&batch)?;
    }

    #[test]
    fn free(message in arbitrary::free()) {
        assert_single(&message)?;
    }

    #[test]
    fn refusal(message in arbitrary::refusal()) {
        assert_single(&message)?;
    }

    #[test]
    fn tools(batch in arbitrary::tools()) {
        assert_batch(&batch)?;
    }

    #[test]
    fn beat(message in arbitrary::beat()) {
        assert_single(&message)?;
    }

    #[test]
    fn announce(message in arbitrary::announce()) {
        assert_single(&message)?;
        prop_assert_eq!(Announce::from_json(&message.to_json()).unwrap(), message);
    }
}

fn progress_items(count: usize) -> Vec<ProgressItem> {
    let item = ProgressItem {
        of: of(1, "c0", 1),
        percent: None,
        message: None,
    };
    vec![item; count]
}

#[test]
fn a_batch_holds_as_many_items_as_the_limit_says() {
    let head = ProgressHead {
        instance: instance(),
    };
    let items = progress_items(BATCH_ITEMS_MAX);
    let body = codec::encode_batch(&head, &items);
    let read = codec::decode_batch::<ProgressHead, ProgressItem>(&body).unwrap();
    assert_eq!(read.items.len(), BATCH_ITEMS_MAX);

    let mut envelope: Value = codec::decode(&body).unwrap();
    let Value::Map(fields) = &mut envelope else {
        panic!("an envelope is a map");
    };
    let Value::Array(items) = &mut fields[1].1 else {
        panic!("items are an array");
    };
    items.push(items[0].clone());
    assert!(codec::decode_batch::<ProgressHead, ProgressItem>(&envelope.bytes()).is_err());
}

#[test]
#[should_panic(expected = "a batch of 4097 items was built")]
fn a_larger_batch_is_not_written() {
    let head = ProgressHead {
        instance: instance(),
    };
    let _ = codec::encode_batch(&head, &progress_items(BATCH_ITEMS_MAX + 1));
}

#[test]
fn the_binding_words_are_those_that_promise_that_nothing_ran() {
    let binding: Vec<&str> = AckState::ALL
        .iter()
        .filter(|state| state.is_binding_no())
        .map(|state| state.as_str())
        .collect();
    assert_eq!(
        binding,
        ["busy", "stale", "wrong_digest", "draining", "not_held"]
    );
}
