//! Cuts a worker's line at a stated moment of its one call: no timer, no luck.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use callboard_coordinator::link::local::Switchboard;
use callboard_proto::message::{AckItem, AckState, Announce, ReplyHead};
use callboard_proto::{InstanceId, Kind, WorkerName, codec};
use callboard_worker::builtin::shop::Shop;
use callboard_worker::link::local::{Exit, ReplyTo};
use tokio::sync::oneshot;

/// When a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The worker is about to say that it holds the write and waits for its grant: the word is lost.
    BeforeGrant,
    /// The refund is in the books, and the worker is about to say so: the word is lost.
    AfterEffect,
}

/// The one cut of an act; whichever worker comes to its moment first uses it up.
#[derive(Clone)]
pub(super) struct Scissors {
    moment: Moment,
    shop: Shop,
    unused: Arc<Mutex<Option<oneshot::Sender<WorkerName>>>>,
}

impl Scissors {
    /// Scissors, and who will hear which worker's line was cut.
    pub(super) fn new(moment: Moment, shop: Shop) -> (Self, oneshot::Receiver<WorkerName>) {
        let (sender, receiver) = oneshot::channel();
        let scissors = Self {
            moment,
            shop,
            unused: Arc::new(Mutex::new(Some(sender))),
        };
        (scissors, receiver)
    }

    fn is_moment(&self, kind: Kind, body: &Bytes) -> bool {
        match self.moment {
            Moment::AfterEffect => !self.shop.refunds().is_empty(),
            Moment::BeforeGrant => kind == Kind::Ack && says_waiting(body),
        }
    }
}

fn says_waiting(ack: &Bytes) -> bool {
    codec::decode_batch::<ReplyHead, AckItem>(ack).is_ok_and(|batch| {
        let mut items = batch.items.iter().flatten();
        items.any(|item| item.state == AckState::Waiting)
    })
}

/// A worker's way out, watched by the scissors.
pub(super) struct Watched<E> {
    way: E,
    board: Switchboard,
    instance: InstanceId,
    worker: WorkerName,
    scissors: Option<Scissors>,
}

impl<E> Watched<E> {
    pub(super) fn new(
        way: E,
        board: &Switchboard,
        announce: &Announce,
        scissors: Option<Scissors>,
    ) -> Self {
        Self {
            way,
            board: board.clone(),
            instance: announce.instance,
            worker: announce.worker.clone(),
            scissors,
        }
    }

    fn cut_if_due(&self, kind: Kind, body: &Bytes) {
        let Some(scissors) = &self.scissors else {
            return;
        };
        if !scissors.is_moment(kind, body) {
            return;
        }
        let mut unused = scissors
            .unused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = unused.take() {
            self.board.cut(self.instance);
            // Nobody listens any more where the act was given up.
            let _ = told.send(self.worker.clone());
        }
    }
}

impl<E: Exit> Exit for Watched<E> {
    fn answer(&self, to: ReplyTo, kind: Kind, body: Bytes) {
        self.cut_if_due(kind, &body);
        self.way.answer(to, kind, body);
    }

    fn beat(&self, body: Bytes) {
        self.way.beat(body);
    }

    fn announce(&self, announce: &Announce) {
        self.way.announce(announce);
    }
}
