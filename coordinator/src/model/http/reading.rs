//! A stream that is being read: events out of bytes, an answer out of events.

use super::error::Failure;
use crate::model::Question;
use crate::provider::repeated::TakenIds;
use crate::provider::sse::{self, Decoder, SseError};
use crate::provider::{Assembler, Format, StreamError};

/// Bytes of a response that are kept, at most: twice what one event may have. Chosen, not measured.
pub(super) const RESPONSE_BYTES_MAX: usize = 2 * sse::EVENT_BYTES_MAX;

/// A stream that is being read.
pub(super) struct Reading {
    decoder: Decoder,
    pub(super) assembler: Assembler,
    events: Vec<sse::Event>,
}

impl Reading {
    pub(super) fn new(format: Format) -> Self {
        Self {
            decoder: Decoder::default(),
            assembler: format.assembler(),
            events: Vec::new(),
        }
    }

    /// Takes the next bytes; whether they say anything.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        taken: &TakenIds,
        question: &mut Question,
    ) -> Result<bool, Failure> {
        let mut says_something = false;
        let decoded = self.decoder.take(bytes, &mut self.events);
        // What was decoded before the error came before it.
        for event in self.events.drain(..) {
            says_something |= !is_ping(&event);
            let read = self.assembler.take(&event);
            if let Some(usage) = self.assembler.usage() {
                question.uses(usage);
            }
            read.map_err(Failure::Stream)?;
            if self.assembler.kept_bytes() > RESPONSE_BYTES_MAX {
                return Err(too_large(RESPONSE_BYTES_MAX));
            }
            while let Some(call) = self.assembler.poll_sealed() {
                taken.check(&call).map_err(Failure::Answer)?;
                question.offer(call);
            }
            // However the bytes are cut: what comes behind the end is no part of the answer.
            if self.assembler.is_whole() {
                break;
            }
        }
        match decoded {
            Err(_) if self.assembler.is_whole() => Ok(says_something),
            Err(SseError::TooLarge) => Err(too_large(sse::EVENT_BYTES_MAX)),
            Err(error @ SseError::NotUtf8) => Err(Failure::Stream(error.into())),
            Ok(()) => Ok(says_something),
        }
    }

    /// Nothing more comes. Some servers leave the empty line out behind their last event; what is there of it
    /// is one only if it can be read.
    pub(super) fn end(&mut self, taken: &TakenIds, question: &mut Question) -> Result<(), Failure> {
        if self.assembler.is_whole() {
            return Ok(());
        }
        let is_at_rest = self.assembler.is_at_rest();
        match self.take(b"\n\n", taken, question) {
            Ok(_) => Ok(()),
            Err(Failure::Stream(StreamError::Event { .. } | StreamError::Sse(_))) if is_at_rest => {
                Ok(())
            }
            Err(Failure::Stream(StreamError::Event { .. } | StreamError::Sse(_))) => {
                Err(Failure::Stream(StreamError::Cut))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Whether an event says only that its sender is there.
fn is_ping(event: &sse::Event) -> bool {
    event.name == "ping" || event.data.trim().is_empty()
}

pub(super) const fn too_large(bytes_max: usize) -> Failure {
    Failure::TooLarge { bytes_max }
}
