//! `fs_read`: the text of one file, or a part of it.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use callboard_proto::{Effect, Manifest};
use cap_std::fs::File;
use serde::Deserialize;

use crate::builtin::fs::root::{FsRoot, answer, explain};
use crate::builtin::spec;
use crate::tool::{Answer, Cancellation, Tool, ToolError, ToolResult, blocking, tool_fn};

/// Most bytes of one answer (chosen, not measured): half of what can travel inline.
const ANSWER_BYTES_MAX: usize = 128 * 1024;
/// Bytes in which a file is looked for what no text holds, as git and grep do.
const SNIFF_BYTES: usize = 8 * 1024;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    line: Option<u64>,
    lines: Option<u64>,
    byte: Option<u64>,
    bytes: Option<u64>,
}

/// Which part is wanted.
#[derive(Clone, Copy)]
enum Part {
    Lines { first: u64, count: u64 },
    Bytes { first: u64, count: u64 },
}

impl Arguments {
    fn part(&self) -> Result<Part, ToolError> {
        let wants_lines = self.line.is_some() || self.lines.is_some();
        let wants_bytes = self.byte.is_some() || self.bytes.is_some();
        if wants_lines && wants_bytes {
            return Err(ToolError::invalid_arguments(
                "a part is given in lines or in bytes, not in both",
            ));
        }
        if self.line == Some(0) {
            return Err(ToolError::invalid_arguments("lines count from 1"));
        }
        Ok(if wants_bytes {
            Part::Bytes {
                first: self.byte.unwrap_or(0),
                count: self.bytes.unwrap_or(u64::MAX),
            }
        } else {
            Part::Lines {
                first: self.line.unwrap_or(1),
                count: self.lines.unwrap_or(u64::MAX),
            }
        })
    }
}

pub(super) fn tool(root: &FsRoot) -> Arc<dyn Tool> {
    let root = root.clone();
    tool_fn(
        spec(
            "fs_read",
            "Reads a text file below the root folder: the whole of it, some lines, or some bytes. At most 128 KiB at once; the answer says how to go on.",
            r#"{"type":"object","properties":{"path":{"type":"string","description":"The file, relative to the root folder."},"line":{"type":"integer","minimum":1,"description":"The first line wanted, from 1."},"lines":{"type":"integer","minimum":1,"description":"How many lines at most."},"byte":{"type":"integer","minimum":0,"description":"The first byte wanted, from 0; instead of line."},"bytes":{"type":"integer","minimum":1,"description":"How many bytes at most."}},"required":["path"],"additionalProperties":false}"#,
            Manifest::new(Effect::Read),
        ),
        move |arguments: Arguments, call| {
            let root = root.clone();
            async move {
                let part = arguments.part()?;
                blocking(call, move |call| {
                    read(&root, &arguments.path, part, &call.cancellation())
                })
                .await
            }
        },
    )
    .into()
}

fn read(root: &FsRoot, path: &str, part: Part, cancellation: &Cancellation) -> ToolResult {
    let (mut file, file_bytes) = root.open_file(path)?;
    let failed = |error: io::Error| explain(path, &error);
    let mut start = Vec::new();
    file.by_ref()
        .take(SNIFF_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(failed)?;
    if start.contains(&0) {
        return Err(answer(format!(
            "{path:?} is a binary file of {file_bytes} bytes; fs_read reads text only"
        )));
    }
    file.rewind().map_err(failed)?;
    match part {
        Part::Bytes { first, count } => {
            if first > file_bytes {
                return Err(answer(format!(
                    "{path:?} has only {file_bytes} bytes, and byte {first} was asked for"
                )));
            }
            file.seek(SeekFrom::Start(first)).map_err(failed)?;
            let want = count.min(ANSWER_BYTES_MAX as u64);
            let mut bytes = Vec::new();
            file.take(want).read_to_end(&mut bytes).map_err(failed)?;
            let next = first + bytes.len() as u64;
            let goes_on = next < file_bytes;
            Ok(text_and_note(
                &bytes,
                goes_on.then(|| format!("\"byte\": {next}")),
            ))
        }
        Part::Lines { first, count } => read_lines(file, path, first, count, cancellation),
    }
}

fn read_lines(
    mut file: File,
    path: &str,
    first: u64,
    count: u64,
    cancellation: &Cancellation,
) -> ToolResult {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut taken: Vec<u8> = Vec::new();
    let mut position: u64 = 0;
    let mut line: u64 = 1;
    let mut taken_from: u64 = 0;
    let beyond = first.saturating_add(count);
    // One byte more than an answer holds tells whether the file goes on.
    'file: while taken.len() <= ANSWER_BYTES_MAX && line < beyond {
        if cancellation.is_cancelled() {
            return Err(ToolError::cancelled());
        }
        let got = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(explain(path, &error)),
        };
        for piece in chunk[..got].split_inclusive(|byte| *byte == b'\n') {
            if line >= first {
                if taken.is_empty() {
                    taken_from = position;
                }
                taken.extend_from_slice(piece);
            }
            position += piece.len() as u64;
            if piece.ends_with(b"\n") {
                line += 1;
                if line == beyond {
                    break 'file;
                }
            }
        }
    }
    if taken.is_empty() && first > 1 {
        return Err(answer(format!(
            "{path:?} has only {line} lines, and line {first} was asked for"
        )));
    }
    let mut next = None;
    if taken.len() > ANSWER_BYTES_MAX {
        let kept = &taken[..ANSWER_BYTES_MAX];
        let whole_lines = kept.iter().rposition(|byte| *byte == b'\n');
        if let Some(end) = whole_lines {
            taken.truncate(end + 1);
            let lines = taken.iter().filter(|byte| **byte == b'\n').count() as u64;
            next = Some(format!("\"line\": {}", first + lines));
        } else {
            taken.truncate(ANSWER_BYTES_MAX);
            next = Some(format!("\"byte\": {}", taken_from + taken.len() as u64));
        }
    } else if line == beyond && position < file.metadata().map_or(position, |m| m.len()) {
        next = Some(format!("\"line\": {beyond}"));
    }
    Ok(text_and_note(&taken, next))
}

/// The text, and how to go on. Bytes that are no UTF-8 are shown as such.
fn text_and_note(bytes: &[u8], next: Option<String>) -> Answer {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    if let Some(next) = next {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("[the file goes on: read again with {next}]"));
    }
    Answer::text(text)
}
