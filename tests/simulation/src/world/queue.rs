//! What will happen, by time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::clock::Nanos;
use crate::letter::Letter;

/// A step of whoever asks for the calls of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Opens the next turn.
    Open,
    /// Opens the call of that number, and those at the same moment; after the last one, seals.
    Call(usize),
    /// Does the cancel of that number.
    Cancel(usize),
}

/// A step of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// It has its effect.
    Effect,
    /// It says how far it is.
    Progress,
    /// It ends by itself.
    End,
    /// It ends because it was stopped.
    Stopped,
}

/// What happens.
#[derive(Debug)]
pub(crate) enum What {
    Letter(Box<Letter>),
    CoordinatorTimer(u8),
    WorkerTimer(u8),
    Caller {
        coordinator: u8,
        run: u8,
        turn: u8,
        step: Step,
    },
    Tool {
        execution: usize,
        act: Act,
    },
    Birth(u8),
    Trouble(usize),
    TroubleOver(usize),
}

#[derive(Debug)]
struct Event {
    at: Nanos,
    order: u64,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// The events to come; those of one moment in the order in which they were put in.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Event>>,
    order: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Nanos, what: What) {
        self.order += 1;
        self.heap.push(Reverse(Event {
            at,
            order: self.order,
            what,
        }));
    }

    pub(crate) fn pop(&mut self) -> Option<(Nanos, What)> {
        self.heap.pop().map(|Reverse(event)| (event.at, event.what))
    }
}
