//! `fs_search`: the lines that match, in all files below a folder.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use callboard_proto::{Effect, Manifest};
use cap_std::fs::File;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, sinks};
use ignore::overrides::{Override, OverrideBuilder};
use ignore::{Walk, WalkBuilder};
use serde::Deserialize;

use crate::builtin::fs::root::FsRoot;
use crate::builtin::spec;
use crate::tool::{Answer, Cancellation, Tool, ToolCall, ToolError, ToolResult, blocking, tool_fn};

/// Matches of one answer, unless another number is asked for (chosen, not measured).
const MATCHES: usize = 100;
/// Matches of one answer at most.
const MATCHES_MAX: usize = 1_000;
/// Bytes of one answer at most: half of what can travel inline.
const ANSWER_BYTES_MAX: usize = 128 * 1024;
/// Bytes of one line that are shown.
const LINE_BYTES_MAX: usize = 400;
/// Longest line that is searched, in bytes; a file with a longer one is left out and counted.
const LINE_HEAP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Largest compiled pattern, in bytes, and most bytes of its lazy automaton.
const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Files after which progress is told.
const FILES_PER_PROGRESS: u64 = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    pattern: String,
    #[serde(default)]
    path: String,
    glob: Option<String>,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    hidden: bool,
    #[serde(default = "matches")]
    max_matches: usize,
}

fn matches() -> usize {
    MATCHES
}

pub(super) fn tool(root: &FsRoot) -> Arc<dyn Tool> {
    let root = root.clone();
    tool_fn(
        spec(
            "fs_search",
            "Searches all text files below a folder for a regular expression, line by line. Gives path, line number and line of each match, sorted by path. Symbolic links are not followed; hidden files are left out unless asked for.",
            r#"{"type":"object","properties":{"pattern":{"type":"string","minLength":1,"description":"A regular expression in Rust's syntax; it matches within one line."},"path":{"type":"string","default":".","description":"Where to search, relative to the root folder."},"glob":{"type":"string","description":"Only files whose path matches, such as *.rs or src/**; a leading ! leaves them out instead."},"ignore_case":{"type":"boolean","default":false},"hidden":{"type":"boolean","default":false,"description":"Whether names that begin with a dot are searched too."},"max_matches":{"type":"integer","minimum":1,"maximum":1000,"default":100}},"required":["pattern"],"additionalProperties":false}"#,
            Manifest::new(Effect::Read),
        ),
        move |arguments: Arguments, call| {
            let root = root.clone();
            async move {
                let matcher = matcher(&arguments)?;
                blocking(call, move |call| search(&root, &arguments, &matcher, &call)).await
            }
        },
    )
    .into()
}

fn matcher(arguments: &Arguments) -> Result<RegexMatcher, ToolError> {
    if arguments.pattern.is_empty() {
        return Err(ToolError::invalid_arguments("the pattern is empty"));
    }
    if !(1..=MATCHES_MAX).contains(&arguments.max_matches) {
        return Err(ToolError::invalid_arguments(format!(
            "max_matches is {}, and 1 to {MATCHES_MAX} are allowed",
            arguments.max_matches
        )));
    }
    RegexMatcherBuilder::new()
        .case_insensitive(arguments.ignore_case)
        .line_terminator(Some(b'\n'))
        .size_limit(PATTERN_BYTES_MAX)
        .dfa_size_limit(PATTERN_BYTES_MAX)
        .build(&arguments.pattern)
        .map_err(|error| {
            ToolError::invalid_arguments(format!("the pattern is no regular expression: {error}"))
        })
}

/// What was found and what was seen.
#[derive(Default)]
struct Found {
    text: String,
    matches: usize,
    files_matched: u64,
    files_searched: u64,
    files_unread: u64,
    is_cut: bool,
}

fn search(
    root: &FsRoot,
    arguments: &Arguments,
    matcher: &RegexMatcher,
    call: &ToolCall,
) -> ToolResult {
    let cancellation = call.cancellation();
    let mut searcher = searcher();
    let mut found = Found::default();
    for entry in walk(root, arguments)? {
        if cancellation.is_cancelled() {
            return Err(ToolError::cancelled());
        }
        let Ok(entry) = entry else {
            found.files_unread += 1;
            continue;
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(path) = entry.path().strip_prefix(root.path()) else {
            continue;
        };
        found.search_file(
            root,
            path,
            &mut searcher,
            matcher,
            arguments.max_matches,
            &cancellation,
        );
        if cancellation.is_cancelled() {
            return Err(ToolError::cancelled());
        }
        if found.is_cut {
            break;
        }
        if found.files_searched % FILES_PER_PROGRESS == 0 {
            let said = format!(
                "{} files searched, {} matches",
                found.files_searched, found.matches
            );
            call.progress(None, Some(&said));
        }
    }
    Ok(found.into_answer())
}

impl Found {
    fn search_file(
        &mut self,
        root: &FsRoot,
        path: &Path,
        searcher: &mut Searcher,
        matcher: &RegexMatcher,
        matches_max: usize,
        cancellation: &Cancellation,
    ) {
        // Opened by the root's handle, not by the walk's path, which may have become a link.
        let Ok(file) = root.dir().open(path) else {
            self.files_unread += 1;
            return;
        };
        self.files_searched += 1;
        let before = self.matches;
        let source = Cancellable { file, cancellation };
        let sink = sinks::Lossy(|number, line| {
            let line = line.trim_end_matches(['\n', '\r']);
            let shown = &line[..line.floor_char_boundary(LINE_BYTES_MAX)];
            let more = if shown.len() < line.len() { "…" } else { "" };
            writeln!(self.text, "{}:{number}: {shown}{more}", path.display())
                .map_err(io::Error::other)?;
            self.matches += 1;
            self.is_cut = self.matches == matches_max || self.text.len() > ANSWER_BYTES_MAX;
            Ok(!self.is_cut)
        });
        if searcher.search_reader(matcher, source, sink).is_err() {
            self.files_unread += 1;
        }
        self.files_matched += u64::from(self.matches > before);
    }

    fn into_answer(self) -> Answer {
        let Self {
            mut text,
            matches,
            files_matched,
            files_searched,
            files_unread,
            is_cut,
        } = self;
        if matches > 0 {
            text.push('\n');
        }
        let found = if matches == 1 { "match" } else { "matches" };
        let mut note =
            format!("[{matches} {found} in {files_matched} of {files_searched} files searched");
        if files_unread > 0 {
            note.push_str(&format!("; {files_unread} could not be read"));
        }
        if is_cut {
            note.push_str(
                "; stopped there, there may be more: narrow path, glob or pattern, or raise max_matches",
            );
        }
        note.push(']');
        text.push_str(&note);
        Answer::text(text)
    }
}

fn searcher() -> Searcher {
    SearcherBuilder::new()
        .line_number(true)
        .binary_detection(BinaryDetection::quit(0))
        .heap_limit(Some(LINE_HEAP_BYTES_MAX))
        .build()
}

/// All that lies below the folder, in an order that depends on names alone. No ignore files are
/// read: what a search leaves out is what its arguments say.
fn walk(root: &FsRoot, arguments: &Arguments) -> Result<Walk, ToolError> {
    let start = root.path().join(root.resolve(&arguments.path)?);
    let mut builder = WalkBuilder::new(&start);
    builder
        .standard_filters(false)
        .hidden(!arguments.hidden)
        .follow_links(false)
        .sort_by_file_name(Ord::cmp);
    if let Some(glob) = &arguments.glob {
        builder.overrides(globs(&start, glob)?);
    }
    Ok(builder.build())
}

fn globs(start: &Path, glob: &str) -> Result<Override, ToolError> {
    let refuse = |error: ignore::Error| {
        ToolError::invalid_arguments(format!("glob is no file pattern: {error}"))
    };
    let mut builder = OverrideBuilder::new(start);
    builder.add(glob).map_err(refuse)?;
    builder.build().map_err(refuse)
}

/// A file whose reading ends when the call does.
struct Cancellable<'a> {
    file: File,
    cancellation: &'a Cancellation,
}

impl Read for Cancellable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancellation.is_cancelled() {
            return Err(io::Error::other("the call was stopped"));
        }
        self.file.read(buffer)
    }
}
