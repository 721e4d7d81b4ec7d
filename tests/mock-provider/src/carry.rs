//! Lays out what is sent: events as bytes, write by write, with what a fault does to them.

use std::time::Duration;

use bytes::Bytes;

use crate::delivery::{Delivery, LineEnd, Quirk};
use crate::fault::Fault;
use crate::json::Json;

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
    let fault = fault.and_then(|fault| Trouble::of(fault, events));
    let mut out = Steps::new(delivery.write_bytes);
    if let Some(Trouble::Oversized(bytes)) = fault {
        out.write(format!(": {}{end}{end}", " ".repeat(bytes)));
    }
    for (index, event) in events.iter().enumerate() {
        let lines = event.lines(padding, end);
        if let Some(Trouble::At(place, what)) = fault
            && place == index
        {
            let goes_on = out.strike(what, &lines, end, extras);
            if !goes_on {
                return out.steps;
            }
            continue;
        }
        let pause = event.pause + Duration::from_millis(delivery.event_delay_ms);
        if !pause.is_zero() {
            out.steps.push(Step::Pause(pause));
        }
        // The first event comes first, and behind the reason to stop only what belongs there: official clients count on both.
        let is_between = index > 0 && !event.is_end;
        out.mix_in(delivery, extras, is_between, end);
        let is_last = index + 1 == events.len();
        out.write(if is_last && delivery.has(Quirk::UnterminatedEnd) {
            lines
        } else {
            format!("{lines}{end}")
        });
    }
    if let Some(Trouble::At(place, what)) = fault
        && place >= events.len()
    {
        // Further than the stream goes: at its end.
        out.strike(what, ": ", end, extras);
    }
    out.steps
}

/// What a fault does to a stream.
#[derive(Clone, Copy)]
enum Trouble {
    /// In the place of an event, counted from 0.
    At(usize, Strike),
    /// More bytes than asked for.
    Oversized(usize),
}

#[derive(Clone, Copy)]
enum Strike {
    Cut { mid_event: bool, clean: bool },
    Hang,
    Error,
    InvalidUtf8,
}

impl Trouble {
    fn of(fault: &Fault, events: &[Event]) -> Option<Self> {
        Some(match fault {
            Fault::Cut {
                after_events,
                mid_event,
                clean,
            } => Self::At(
                *after_events,
                Strike::Cut {
                    mid_event: *mid_event,
                    clean: *clean,
                },
            ),
            Fault::Stall { after_events } => {
                let end = || events.iter().position(|event| event.is_end);
                Self::At(
                    after_events.or_else(end).unwrap_or(events.len()),
                    Strike::Hang,
                )
            }
            Fault::StreamError(after) => Self::At(after.after_events, Strike::Error),
            Fault::InvalidUtf8(after) => Self::At(after.after_events, Strike::InvalidUtf8),
            Fault::Oversized { bytes } => Self::Oversized(*bytes),
            Fault::RateLimit(_)
            | Fault::SpendLimit
            | Fault::Billing
            | Fault::ServerError(_)
            | Fault::Overloaded(_)
            | Fault::Unavailable(_)
            | Fault::Timeout
            | Fault::Status { .. }
            | Fault::Close
            | Fault::Silent
            | Fault::Html { .. }
            | Fault::NotJson
            | Fault::Truncate => return None,
        })
    }
}

/// Lays out an answer that is one body.
pub(crate) fn plain(body: &str, delivery: &Delivery, fault: Option<&Fault>) -> Vec<Step> {
    let mut out = Steps::new(delivery.write_bytes);
    if fault == Some(&Fault::NotJson) {
        out.write(half(body));
        return out.steps;
    }
    match fault.and_then(|fault| Trouble::of(fault, &[])) {
        Some(Trouble::At(_, Strike::Cut { clean, .. })) => {
            out.write(half(body));
            out.finish(clean);
        }
        Some(Trouble::At(_, Strike::Hang)) => {
            out.write(half(body));
            out.steps.push(Step::Hang);
        }
        Some(Trouble::At(_, Strike::InvalidUtf8)) => out.write_invalid(body),
        Some(Trouble::Oversized(bytes)) => out.write(format!("{body}{}", " ".repeat(bytes))),
        // An error in the middle is one of a stream.
        Some(Trouble::At(_, Strike::Error)) | None => out.write(body),
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

    /// Does what a fault does in an event's place; tells whether the stream goes on.
    fn strike(&mut self, what: Strike, lines: &str, end: &str, extras: &Extras) -> bool {
        match what {
            Strike::Cut { mid_event, clean } => {
                if mid_event {
                    self.write(half(lines));
                }
                self.finish(clean);
                false
            }
            Strike::Hang => {
                self.steps.push(Step::Hang);
                false
            }
            Strike::Error => {
                self.write(format!("{}{end}", extras.error.lines("", end)));
                false
            }
            Strike::InvalidUtf8 => {
                self.write_invalid(lines);
                self.write(end);
                true
            }
        }
    }

    /// Writes what comes between events where it is asked for.
    fn mix_in(&mut self, delivery: &Delivery, extras: &Extras, is_between: bool, end: &str) {
        if delivery.has(Quirk::Pings) {
            self.write(match &extras.ping {
                Some(ping) => format!("{}{end}", ping.lines("", end)),
                None => format!(": ping{end}{end}"),
            });
        }
        if delivery.has(Quirk::Comments) {
            self.write(format!(": OPENROUTER PROCESSING{end}{end}"));
        }
        if delivery.has(Quirk::UnknownEvents) && is_between {
            self.write(format!("{}{end}", extras.unknown.lines("", end)));
        }
    }

    fn finish(&mut self, clean: bool) {
        if !clean {
            self.steps.push(Step::Abort);
        }
    }
}
