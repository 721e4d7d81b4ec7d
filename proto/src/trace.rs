//! The trace that a call belongs to, as W3C Trace Context writes it.

use std::fmt;
use std::str::FromStr;

use crate::{Attempt, ToolUseId, Turn};

/// FNV-1a's 64-bit offset basis and prime.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
/// The flag of a trace that is recorded.
const SAMPLED: u8 = 1;

/// A position in a trace: which trace, which of its spans, and whether it is recorded.
///
/// The spans of a call and of its attempts are named by a function of their parent's context and
/// their identity, so that nothing has to be kept for each call, and who writes the trace down
/// afterwards finds the same names as the wire carried.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

/// A text is no trace context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no W3C trace context; it is written 00-<32 hex digits>-<16 hex digits>-<2 hex digits>, in lower case"
)]
pub struct TraceContextError;

impl TraceContext {
    /// A context of these ids; `None` where one of them is all zeros, which stands for no id.
    #[must_use]
    pub fn new(trace: [u8; 16], span: [u8; 8], is_sampled: bool) -> Option<Self> {
        (trace != [0; 16] && span != [0; 8]).then_some(Self {
            trace,
            span,
            flags: u8::from(is_sampled),
        })
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace
    }

    /// The trace, as 32 hex digits: what people look for in a viewer.
    #[must_use]
    pub fn trace_text(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.trace))
    }

    /// The span.
    #[must_use]
    pub const fn span_id(&self) -> [u8; 8] {
        self.span
    }

    /// Whether the trace is recorded.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The context of a call's own span, below this one.
    #[must_use]
    pub fn of_call(&self, turn: Turn, id: &ToolUseId) -> Self {
        self.below(turn, id, 0)
    }

    /// The context of an attempt's span, below that of its call.
    #[must_use]
    pub fn of_attempt(&self, turn: Turn, id: &ToolUseId, attempt: Attempt) -> Self {
        self.below(turn, id, attempt.0)
    }

    fn below(&self, turn: Turn, id: &ToolUseId, attempt: u32) -> Self {
        let identity = turn
            .0
            .to_be_bytes()
            .into_iter()
            .chain(attempt.to_be_bytes());
        let bytes = self.trace.into_iter().chain(self.span).chain(identity);
        let hash = bytes
            .chain(id.as_str().bytes())
            .fold(FNV_BASIS, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
            });
        Self {
            span: spread(hash).max(1).to_be_bytes(),
            ..*self
        }
    }
}

/// Spreads what the last bytes of a hash say over all of it (the finaliser of `MurmurHash3`).
const fn spread(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

impl fmt::Display for TraceContext {
    /// Writes a `traceparent` of version 00.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trace = u128::from_be_bytes(self.trace);
        let span = u64::from_be_bytes(self.span);
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", self.flags)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({self})")
    }
}

impl FromStr for TraceContext {
    type Err = TraceContextError;

    /// Reads a `traceparent` of version 00, or the beginning of a later one.
    fn from_str(text: &str) -> Result<Self, TraceContextError> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(TraceContextError);
        let version: [u8; 1] = hex(next()?)?;
        let (trace, span) = (hex(next()?)?, hex(next()?)?);
        let [flags]: [u8; 1] = hex(next()?)?;
        let is_later = version[0] > 0;
        if version[0] == 0xff || (!is_later && parts.next().is_some()) {
            return Err(TraceContextError);
        }
        Self::new(trace, span, flags & SAMPLED != 0).ok_or(TraceContextError)
    }
}

fn hex<const N: usize>(text: &str) -> Result<[u8; N], TraceContextError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(TraceContextError),
    };
    if text.len() != 2 * N {
        return Err(TraceContextError);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::HashSet;

    use super::*;

    const WRITTEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_was_written_is_read_again() {
        let context: TraceContext = WRITTEN.parse().unwrap();
        assert!(context.is_sampled());
        assert_eq!(context.to_string(), WRITTEN);
        let unsampled = WRITTEN.replace("-01", "-00");
        assert!(!unsampled.parse::<TraceContext>().unwrap().is_sampled());
        let later = WRITTEN.replacen("00", "01", 1) + "-more";
        assert_eq!(later.parse::<TraceContext>(), Ok(context));
    }

    #[test]
    fn what_is_none_is_refused() {
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let no_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        for text in [
            "",
            "00",
            zeros,
            no_span,
            &WRITTEN.to_uppercase(),
            &WRITTEN[..54],
            &format!("{WRITTEN}-more"),
            &WRITTEN.replacen("00", "ff", 1),
            &WRITTEN.replace('-', "_"),
            &WRITTEN.replace("4bf9", "4bé"),
        ] {
            assert_eq!(
                text.parse::<TraceContext>(),
                Err(TraceContextError),
                "{text}"
            );
        }
    }

    #[test]
    fn every_call_and_attempt_has_a_span_of_its_own() {
        let root: TraceContext = WRITTEN.parse().unwrap();
        let mut spans = HashSet::from([root.span_id()]);
        for turn in 1..=20 {
            for call in 0..100 {
                let (turn, id) = (Turn(turn), ToolUseId::minted(call));
                assert!(spans.insert(root.of_call(turn, &id).span_id()));
                for attempt in 1..=3 {
                    let context = root.of_attempt(turn, &id, Attempt(attempt));
                    assert_eq!(context.trace_id(), root.trace_id());
                    assert!(context.is_sampled());
                    assert!(spans.insert(context.span_id()));
                }
            }
        }
    }
}
