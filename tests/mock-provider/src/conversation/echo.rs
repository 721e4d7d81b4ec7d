//! Whether an assistant turn came back as it was sent.

use super::{Arguments, Call, Place, Spoken, Violation, What};
use crate::json::Node;

/// What a turn's quirks leave to the client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Freedom {
    /// Ids: there were none, or not enough different ones.
    pub(crate) ids: bool,
    /// The form of arguments: they weren't text.
    pub(crate) arguments: bool,
}

impl Freedom {
    /// What either leaves to the client.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            ids: self.ids || other.ids,
            arguments: self.arguments || other.arguments,
        }
    }
}

/// Compares a turn with what was sent; `at` is the turn's message.
pub(crate) fn compare(
    sent: &[Spoken],
    back: &[Spoken],
    at: usize,
    freedom: Freedom,
) -> Result<(), Violation> {
    let mut back = back.iter().peekable();
    for sent in sent {
        let may_miss = matches!(
            sent.what,
            What::Thinking {
                signature: None,
                ..
            }
        );
        let next_is_thinking = back
            .peek()
            .is_some_and(|next| matches!(next.what, What::Thinking { .. }));
        if may_miss && !next_is_thinking {
            continue;
        }
        let Some(next) = back.next() else {
            return Err(missing(sent, Place::new(at, 0)));
        };
        same(sent, next, freedom)?;
    }
    match back.next() {
        None => Ok(()),
        Some(Spoken {
            what: What::Thinking { .. },
            at,
        }) => Err(Violation::Thinking { at: *at }),
        Some(more) => Err(Violation::Altered {
            at: more.at,
            what: format!("{} was never sent", describe(&more.what)),
        }),
    }
}

fn missing(sent: &Spoken, at: Place) -> Violation {
    match &sent.what {
        What::Thinking { .. } => Violation::Thinking { at },
        What::Text(_) | What::Call(_) | What::Opaque(_) => Violation::Altered {
            at,
            what: format!("{} is missing", describe(&sent.what)),
        },
    }
}

fn describe(what: &What) -> String {
    match what {
        What::Text(text) => format!("the text {:?}", short(text)),
        What::Thinking { .. } => "thinking".to_owned(),
        What::Call(call) => format!(
            "the call of {}{}",
            call.tool,
            call.id
                .as_ref()
                .map(|id| format!(" ({id})"))
                .unwrap_or_default()
        ),
        What::Opaque(text) => format!("the part {}", short(text)),
    }
}

fn short(text: &str) -> String {
    // Enough to find the place; a message isn't the place for a whole text.
    text.chars().take(60).collect()
}

fn same(sent: &Spoken, back: &Spoken, freedom: Freedom) -> Result<(), Violation> {
    match (&sent.what, &back.what) {
        (What::Text(sent), What::Text(got)) | (What::Opaque(sent), What::Opaque(got)) => {
            if sent == got {
                return Ok(());
            }
            Err(Violation::Altered {
                at: back.at,
                what: format!("sent {:?}, came back {:?}", short(sent), short(got)),
            })
        }
        (
            What::Thinking { text, signature },
            What::Thinking {
                text: got,
                signature: signed,
            },
        ) => {
            if text != got {
                Err(Violation::Thinking { at: back.at })
            } else if signature != signed {
                Err(Violation::Signature { at: back.at })
            } else {
                Ok(())
            }
        }
        (What::Thinking { .. }, _) | (_, What::Thinking { .. }) => {
            Err(Violation::Thinking { at: back.at })
        }
        (What::Call(sent), What::Call(got)) => same_call(sent, got, back.at, freedom),
        (What::Text(_) | What::Opaque(_) | What::Call(_), _) => Err(Violation::Altered {
            at: back.at,
            what: format!(
                "{} came back in the place of {}",
                describe(&back.what),
                describe(&sent.what)
            ),
        }),
    }
}

fn same_call(sent: &Call, got: &Call, at: Place, freedom: Freedom) -> Result<(), Violation> {
    let altered = |field: &str, was: &str, is: &str| {
        Err(Violation::Altered {
            at,
            what: format!(
                "the {field} of the call of {}: sent {:?}, came back {:?}",
                sent.tool,
                short(was),
                short(is)
            ),
        })
    };
    match (&sent.signature, &got.signature) {
        (Some(_), None) => {
            return Err(Violation::MissingSignature {
                at,
                tool: got.tool.clone(),
            });
        }
        (sent, got) => {
            if sent != got {
                return Err(Violation::Signature { at });
            }
        }
    }
    if sent.tool != got.tool {
        return altered("name", &sent.tool, &got.tool);
    }
    if !freedom.ids && sent.id != got.id {
        let name = |id: &Option<String>| id.clone().unwrap_or_default();
        return altered("id", &name(&sent.id), &name(&got.id));
    }
    if !same_arguments(&sent.arguments, &got.arguments, freedom.arguments) {
        let text = |arguments: &Arguments| match arguments {
            Arguments::Object(text) | Arguments::Text(text) => text.clone(),
        };
        return altered("arguments", &text(&sent.arguments), &text(&got.arguments));
    }
    if !freedom.ids && sent.rest != got.rest {
        return altered("other fields", &sent.rest, &got.rest);
    }
    Ok(())
}

fn same_arguments(sent: &Arguments, got: &Arguments, is_free: bool) -> bool {
    let is_empty = |arguments: &Arguments| match arguments {
        Arguments::Text(text) | Arguments::Object(text) => text.is_empty() || text == "{}",
    };
    let value = |arguments: &Arguments| match arguments {
        Arguments::Object(text) => Some(text.clone()),
        Arguments::Text(text) => Node::read(text.as_bytes())
            .ok()
            .map(|node| node.canonical()),
    };
    sent == got
        || (is_empty(sent) && is_empty(got))
        || (is_free && value(sent).is_some() && value(sent) == value(got))
}
