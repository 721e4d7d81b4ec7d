//! An answer as a stream.

use super::answer::{
    SERVER_TOOL, SERVER_TOOL_INPUT, call_id, fallback, id, server_tool_id, server_tool_result,
    signature, stop, stop_details, usage,
};
use crate::answer::{Answer, Call, Part};
use crate::carry::{Event, Extras};
use crate::delivery::{LineEnd, Quirk};
use crate::json::{Json, object};

pub(crate) fn extras(_: &Answer<'_>) -> Extras {
    Extras {
        line_end: LineEnd::Lf,
        ping: Some(Event::named("ping", object! {"type": "ping"})),
        unknown: Event::named(
            "glimpse",
            object! {"type": "glimpse", "content": "from the future"},
        ),
        error: Event::named(
            "error",
            object! {"type": "error", "error": object! {"type": "overloaded_error", "message": "Overloaded"}},
        ),
    }
}

pub(crate) fn events(answer: &Answer<'_>) -> Vec<Event> {
    let mut blocks = Blocks {
        answer,
        events: vec![start(answer)],
        index: 0,
    };
    for part in &answer.parts {
        blocks.part(part);
    }
    let mut events = blocks.events;
    let (reason, sequence) = stop(answer);
    events.push(
        Event::named(
            "message_delta",
            object! {
                "type": "message_delta",
                "delta": object! {
                    "stop_reason": reason, "stop_sequence": sequence, "stop_details": stop_details(answer),
                    "container": (),
                },
                "usage": object! {
                    "input_tokens": answer.usage.input_tokens,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 0,
                    "output_tokens": answer.usage.output_tokens,
                    "server_tool_use": (),
                },
            },
        )
        .end(),
    );
    if !answer.has(Quirk::NoFinalMarker) {
        events.push(Event::named("message_stop", object! {"type": "message_stop"}).end());
    }
    events
}

fn start(answer: &Answer<'_>) -> Event {
    let nothing: [Json; 0] = [];
    Event::named(
        "message_start",
        object! {
            "type": "message_start",
            "message": object! {
                "id": id(answer),
                "type": "message",
                "role": "assistant",
                "model": answer.asked.model,
                "content": nothing,
                "stop_reason": (),
                "stop_sequence": (),
                "stop_details": (),
                "container": (),
                "usage": usage(answer),
            },
        },
    )
}

struct Blocks<'a, 'b> {
    answer: &'a Answer<'b>,
    events: Vec<Event>,
    index: usize,
}

impl Blocks<'_, '_> {
    fn part(&mut self, part: &Part<'_>) {
        match part {
            Part::Thinking(text) => {
                self.open(object! {"type": "thinking", "thinking": "", "signature": ""});
                for piece in self.answer.delivery.pieces(text) {
                    self.delta(object! {"type": "thinking_delta", "thinking": piece});
                }
                let signature = signature(self.answer);
                self.delta(object! {"type": "signature_delta", "signature": signature});
                self.close();
            }
            Part::Text(text) => {
                self.open(object! {"type": "text", "text": "", "citations": ()});
                for piece in self.answer.delivery.pieces(text) {
                    self.delta(object! {"type": "text_delta", "text": piece});
                }
                self.close();
            }
            Part::ServerTool => {
                self.open(object! {
                    "type": "server_tool_use", "id": server_tool_id(self.answer), "name": SERVER_TOOL,
                    "input": object! {}, "caller": object! {"type": "direct"},
                });
                self.delta(object! {"type": "input_json_delta", "partial_json": SERVER_TOOL_INPUT});
                self.close();
                self.open(server_tool_result(self.answer));
                self.close();
            }
            Part::Call(call) => self.call(call),
            Part::Fallback => {
                self.open(fallback(self.answer));
                self.close();
            }
        }
    }

    fn call(&mut self, call: &Call<'_>) {
        self.open(object! {
            "type": "tool_use", "id": call_id(call), "name": call.tool, "input": object! {},
            "caller": object! {"type": "direct"},
        });
        if let Some(event) = self.events.last_mut() {
            event.pause = call.delay;
        }
        if !(call.is_empty() && self.answer.has(Quirk::NoFragments)) {
            // The first fragment is empty, as a rule.
            self.delta(object! {"type": "input_json_delta", "partial_json": ""});
            for piece in self.answer.delivery.pieces(&call.arguments) {
                self.delta(object! {"type": "input_json_delta", "partial_json": piece});
            }
        }
        if call.is_whole || !self.answer.has(Quirk::UnclosedCall) {
            self.close();
        }
    }

    fn open(&mut self, block: Json) {
        self.events.push(Event::named(
            "content_block_start",
            object! {"type": "content_block_start", "index": self.index, "content_block": block},
        ));
    }

    fn delta(&mut self, delta: Json) {
        self.events.push(Event::named(
            "content_block_delta",
            object! {"type": "content_block_delta", "index": self.index, "delta": delta},
        ));
    }

    fn close(&mut self) {
        self.events.push(Event::named(
            "content_block_stop",
            object! {"type": "content_block_stop", "index": self.index},
        ));
        if self.index == 0 && self.answer.has(Quirk::SecondMessageStart) {
            self.events.push(start(self.answer));
        }
        self.index += 1;
    }
}
