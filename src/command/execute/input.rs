//! What is executed: a file or standard input, in a provider's format.

use std::io::Read as _;
use std::path::Path;

use callboard_coordinator::model::ModelAnswer;
use callboard_coordinator::provider::{Format, ReadError};

use crate::exit::{BadInput, bad_input};
use crate::output;

/// Reads a model's answer whose calls may be run.
pub(super) fn answer(format: Format, path: Option<&Path>) -> anyhow::Result<ModelAnswer> {
    let input = bytes(path)?;
    let read = format.read(&input).and_then(|answer| {
        format.must_run(&answer)?;
        Ok(answer)
    });
    let answer = read.map_err(|error| refusal(format, &input, error))?;
    let renamed = renamed(format, &input, &answer);
    if renamed > 0 {
        output::note(&format!(
            "callboard: {renamed} of {} calls had no id of their own and were given one; let the conversation go on with the \
             `echo` that --json prints, and not with the message that was read",
            answer.calls.len()
        ));
    }
    Ok(answer)
}

/// Calls whose results name an id that their message doesn't.
fn renamed(format: Format, input: &[u8], answer: &ModelAnswer) -> usize {
    let text = String::from_utf8_lossy(input);
    let ids = answer.calls.iter().filter_map(|call| match format {
        // A call without an id is answered without one.
        Format::Gemini => call.reply.id.as_deref(),
        Format::Anthropic | Format::Chat | Format::Responses => {
            Some(call.reply.id.as_deref().unwrap_or(call.id.as_str()))
        }
    });
    ids.filter(|id| !text.contains(*id)).count()
}

/// Says what is wrong with an input, ended by its code; and what it looks like, if that is another format.
fn refusal(format: Format, input: &[u8], error: ReadError) -> BadInput {
    let code = error.code();
    let mut text = bad_input(error).to_string();
    if let Some(other) = Format::guess(input).filter(|other| *other != format) {
        text.push_str(&format!(
            "; this looks like what {} returns: try --provider {other}",
            other.api()
        ));
    }
    BadInput(format!("{text} [{code}]"))
}

fn bytes(path: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    match path {
        Some(path) if path != Path::new("-") => std::fs::read(path)
            .map_err(|error| BadInput(format!("{} can't be read: {error}", path.display())).into()),
        Some(_) | None => {
            let mut input = Vec::new();
            std::io::stdin().lock().read_to_end(&mut input)?;
            if input.is_empty() {
                return Err(BadInput(
                    "standard input is empty; give an assistant message, or name its file"
                        .to_owned(),
                )
                .into());
            }
            Ok(input)
        }
    }
}
