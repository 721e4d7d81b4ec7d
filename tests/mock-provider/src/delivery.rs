//! How an answer is carried: line ends, writes, pauses, and what providers mix in or leave out.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::fault::Fault;
use crate::json::Json;

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
    fn text(self) -> &'static str {
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

/// One event of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The `event:` line, where the format has one.
    pub(crate) name: Option<&'static str>,
    pub(crate) data: String,
    /// Time before it.
    pub(crate) pause: Duration,
    /// Whether it says why the answer stops, or follows that.
    pub(crate) is_end: bool,
}

impl Event {
    pub(crate) fn named(name: &'static str, data: Json) -> Self {
        Self {
            name: Some(name),
            ..Self::data(data)
        }
    }

    pub(crate) fn data(data: Json) -> Self {
        Self {
            name: None,
            data: data.into_string(),
            pause: Duration::ZERO,
            is_end: false,
        }
    }

    pub(crate) fn end(mut self) -> Self {
        self.is_end = true;
        self
    }

    fn lines(&self, padding: &str, end: &str) -> String {
        let name = self
            .name
            .map(|name| format!("event: {name}{end}"))
            .unwrap_or_default();
        format!("{name}data: {}{padding}{end}", self.data)
    }
}

/// One thing that happens to a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Write(Bytes),
    Pause(Duration),
    /// The connection breaks.
    Abort,
    /// Nothing more comes until the mock stops.
    Hang,
}

/// What a format mixes into its streams where it is asked to.
pub(crate) struct Extras {
    pub(crate) line_end: LineEnd,
    /// The text of a ping, whole lines, or nothing where the format has none.
    pub(crate) ping: Option<Event>,
    pub(crate) unknown: Event,
    pub(crate) error: Event,
}

/// Lays out a stream: the events, what is mixed in, and the fault.
pub(crate) fn stream(
    events: &[Event],
    delivery: &Delivery,
    extras: &Extras,
    fault: Option<&Fault>,
) -> Vec<Step> {
    let end = delivery.line_end.unwrap_or(extras.line_end).text();
    let padding = if delivery.has(Quirk::Padding) {
        "  "
    } else {
        ""
    };
    let last = events.len().saturating_sub(1);
    let mut out = Steps::new(delivery.write_bytes);
    for (index, event) in events.iter().enumerate() {
        let lines = event.lines(padding, end);
        match fault {
            Some(Fault::Cut {
                after_events,
                mid_event,
                clean,
            }) if index == *after_events => {
                if *mid_event {
                    out.write(half(&lines));
                }
                out.finish(*clean);
                return out.steps;
            }
            Some(Fault::Stall { after_events }) => {
                let is_there = after_events.map_or(event.is_end, |after| index == after);
                if is_there {
                    out.steps.push(Step::Hang);
                    return out.steps;
                }
            }
            Some(Fault::StreamError(after)) if index == after.after_events => {
                out.write(format!("{}{end}", extras.error.lines("", end)));
                return out.steps;
            }
            Some(Fault::InvalidUtf8(after)) if index == after.after_events => {
                out.write_invalid(&lines);
                out.write(end);
                continue;
            }
            _ => {}
        }
        let pause = event.pause + Duration::from_millis(delivery.event_delay_ms);
        if !pause.is_zero() {
            out.steps.push(Step::Pause(pause));
        }
        // Between the events, not before them: official SDKs insist on the stream's own first one.
        let is_between = index > 0;
        if is_between && delivery.has(Quirk::Pings) {
            match &extras.ping {
                Some(ping) => out.write(format!("{}{end}", ping.lines("", end))),
                None => out.write(format!(": ping{end}{end}")),
            }
        }
        if is_between && delivery.has(Quirk::Comments) {
            out.write(format!(": OPENROUTER PROCESSING{end}{end}"));
        }
        if is_between && delivery.has(Quirk::UnknownEvents) {
            out.write(format!("{}{end}", extras.unknown.lines("", end)));
        }
        let is_open = index == last && delivery.has(Quirk::UnterminatedEnd);
        out.write(if is_open {
            lines
        } else {
            format!("{lines}{end}")
        });
    }
    match fault {
        // Further than the stream goes: at its end.
        Some(Fault::Cut { clean, .. }) => out.finish(*clean),
        Some(Fault::Stall { .. }) => out.steps.push(Step::Hang),
        Some(Fault::StreamError(_)) => {
            out.write(format!("{}{end}", extras.error.lines("", end)));
        }
        Some(Fault::InvalidUtf8(_)) => out.write_invalid(": "),
        Some(Fault::Oversized { bytes }) => {
            let filler = format!(": {}{end}{end}", " ".repeat(*bytes));
            out.steps.insert(0, Step::Write(Bytes::from(filler)));
        }
        _ => {}
    }
    out.steps
}

/// Lays out an answer that is one body.
pub(crate) fn plain(body: &str, delivery: &Delivery, fault: Option<&Fault>) -> Vec<Step> {
    let mut out = Steps::new(delivery.write_bytes);
    match fault {
        Some(Fault::Cut { clean, .. }) => {
            out.write(half(body));
            out.finish(*clean);
        }
        Some(Fault::NotJson) => out.write(half(body)),
        Some(Fault::Stall { .. }) => {
            out.write(half(body));
            out.steps.push(Step::Hang);
        }
        Some(Fault::InvalidUtf8(_)) => out.write_invalid(body),
        Some(Fault::Oversized { bytes }) => out.write(format!("{body}{}", " ".repeat(*bytes))),
        _ => out.write(body),
    }
    out.steps
}

/// The first half of a text, at least a byte short of it.
fn half(text: &str) -> &str {
    let mut middle = text.len() / 2;
    while !text.is_char_boundary(middle) {
        middle -= 1;
    }
    &text[..middle]
}

struct Steps {
    steps: Vec<Step>,
    write_bytes: Option<usize>,
}

impl Steps {
    fn new(write_bytes: Option<usize>) -> Self {
        Self {
            steps: Vec::new(),
            write_bytes,
        }
    }

    fn write(&mut self, text: impl AsRef<[u8]>) {
        let bytes = text.as_ref();
        if bytes.is_empty() {
            return;
        }
        let size = self.write_bytes.unwrap_or(bytes.len());
        let writes = bytes.chunks(size).map(Bytes::copy_from_slice);
        self.steps.extend(writes.map(Step::Write));
    }

    /// Writes a text with a byte in its middle that no UTF-8 holds.
    fn write_invalid(&mut self, text: &str) {
        let start = half(text);
        let mut bytes = start.as_bytes().to_vec();
        bytes.push(0xff);
        bytes.extend_from_slice(&text.as_bytes()[start.len()..]);
        self.write(bytes);
    }

    fn finish(&mut self, clean: bool) {
        if !clean {
            self.steps.push(Step::Abort);
        }
    }
}
