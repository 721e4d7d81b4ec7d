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
    // Their results name ids that the message that was read doesn't.
    let made_up = answer.calls.iter().filter(|call| call.reply.is_made_up);
    let renamed = made_up.count();
    if renamed > 0 {
        output::note(&format!(
            "callboard: {renamed} of {} calls had no id of their own and were given one; let the conversation go on with the \
             `echo` that --json prints, and not with the message that was read",
            answer.calls.len()
        ));
    }
    Ok(answer)
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
