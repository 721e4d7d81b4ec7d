//! What is executed: a file or standard input, in a provider's format.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use callboard_coordinator::model::ModelAnswer;
use callboard_coordinator::provider::{Format, ReadError};
use tokio::sync::oneshot;

use crate::exit::{BadInput, bad_input};
use crate::output;

/// Largest message that is read, in bytes: thousands of calls with the largest arguments. Chosen, not measured.
const INPUT_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Reads a model's answer whose calls may be run.
pub(super) async fn answer(format: Format, path: Option<&Path>) -> anyhow::Result<ModelAnswer> {
    let input = bytes(path).await?;
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

/// Reads on a thread of its own: a pipe that nobody writes to must not keep the command from being ended.
async fn bytes(path: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    let path = path.filter(|path| *path != Path::new("-"));
    let (give, given) = oneshot::channel();
    let from = path.map(Path::to_owned);
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let read = match from {
                Some(path) => File::open(path).and_then(read_bounded),
                None => read_bounded(io::stdin().lock()),
            };
            // Whoever waited may have been asked to end.
            let _ = give.send(read);
        })?;
    let name = path.map_or_else(
        || "standard input".to_owned(),
        |path| path.display().to_string(),
    );
    let read = given.await?;
    let input = read.map_err(|error| BadInput(format!("{name} can't be read: {error}")))?;
    if input.len() > INPUT_BYTES_MAX {
        let max = INPUT_BYTES_MAX / (1024 * 1024);
        let text =
            format!("{name} is larger than the {max} MiB that an assistant message may have");
        return Err(BadInput(text).into());
    }
    if input.is_empty() && path.is_none() {
        let text = "standard input is empty; give an assistant message, or name its file";
        return Err(BadInput(text.to_owned()).into());
    }
    Ok(input)
}

/// At most one byte more than may be.
fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut input = Vec::new();
    from.take(INPUT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut input)?;
    Ok(input)
}
