//! How an answer is carried, as a script asks for it: line ends, writes, pauses, and what providers mix in or leave out.

use serde::Deserialize;

/// Pieces into which texts and arguments are cut, unless the script says otherwise. Chosen: more than one, few enough to read.
const FRAGMENTS: usize = 3;

/// How an answer is carried.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// How lines of a stream end [default: as the provider does it].
    pub line_end: Option<LineEnd>,
    /// Bytes of each write; 1 parts CR from LF and the bytes of a character from each other.
    pub write_bytes: Option<usize>,
    /// Pieces of each text and of each call's arguments; empty ones where there is too little.
    pub fragments: Option<usize>,
    /// Time before each event.
    pub event_delay_ms: u64,
    /// What else is odd about it.
    pub quirks: Vec<Quirk>,
}

/// How lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// `\n`.
    Lf,
    /// `\r\n`.
    Crlf,
    /// `\r`.
    Cr,
}

impl LineEnd {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::Crlf => "\r\n",
            Self::Cr => "\r",
        }
    }
}

/// What providers, and servers that say they are like them, do as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// `ping` events between all others (Anthropic), else comments.
    Pings,
    /// Comment lines between events.
    Comments,
    /// Events that nobody has heard of.
    UnknownEvents,
    /// White space behind each event's JSON.
    Padding,
    /// Chat, Responses: an `obfuscation` field on deltas.
    Obfuscation,
    /// Anthropic: `message_start` again, after the first block.
    SecondMessageStart,
    /// Calls without ids (Anthropic and Responses' `call_id`: empty ones).
    MissingIds,
    /// All calls have one id.
    DuplicateIds,
    /// Chat: every call has `index: 0` and comes whole, as Ollama does it.
    IndexZero,
    /// Chat: calls have no `index` and come whole.
    MissingIndex,
    /// Chat: arguments are an object, not text.
    ArgumentsAsObject,
    /// Empty arguments come as no fragment at all.
    NoFragments,
    /// A call that a limit cut off isn't closed.
    UnclosedCall,
    /// Chat: an answer that a limit cut off says `tool_calls`, as vLLM does it.
    TruncatedAsToolCalls,
    /// Chat, Gemini: no reason to stop is given.
    NullFinishReason,
    /// Gemini: each call comes in two chunks, the second without a name.
    NamelessSecondChunk,
    /// Chat, Responses: the calls' fragments alternate.
    Interleaved,
    /// The last event has no empty line behind it, and nothing follows.
    UnterminatedEnd,
    /// No `message_stop`, no `[DONE]`.
    NoFinalMarker,
}

impl Delivery {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.write_bytes == Some(0) {
            return Err("write_bytes = 0 writes nothing; give at least 1".to_owned());
        }
        if self.fragments == Some(0) {
            return Err(
                "fragments = 0 is none; give at least 1, or quirks = [\"no_fragments\"]".to_owned(),
            );
        }
        Ok(())
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Cuts a text as the script asks for; joined, the pieces are the text.
    pub(crate) fn pieces<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let count = self.fragments.unwrap_or(FRAGMENTS);
        let ends: Vec<usize> = text
            .char_indices()
            .map(|(start, c)| start + c.len_utf8())
            .collect();
        let mut from = 0;
        let pieces = (1..=count).map(|piece| {
            let chars = ends.len() * piece / count;
            let to = chars.checked_sub(1).map_or(0, |last| ends[last]);
            let piece = &text[from..to];
            from = to;
            piece
        });
        match self.fragments {
            Some(_) => pieces.collect(),
            None => pieces.filter(|piece| !piece.is_empty()).collect(),
        }
    }
}
