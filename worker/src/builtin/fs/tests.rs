#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use callboard_proto::{FailureKind, Part};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{FsRoot, tools};
use crate::tool::{Answer, CallControl, ToolCall, ToolError, ToolResult, Tools};

/// A folder `root` beside a folder `outside`, which nothing may reach.
struct World {
    folder: TempDir,
    tools: Tools,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        fs::create_dir(folder.path().join("outside")).unwrap();
        fs::write(folder.path().join("outside/secret.txt"), "SECRET\n").unwrap();
        let root = FsRoot::open(folder.path().join("root")).unwrap();
        let tools = Tools::new(tools(&root)).unwrap();
        Self { folder, tools }
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join("root").join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn link(&self, path: &str, to: impl AsRef<Path>) {
        std::os::unix::fs::symlink(to, self.path(path)).unwrap();
    }

    async fn call(&self, tool: &str, arguments: Value) -> ToolResult {
        let (future, _control) = self.begin(tool, &arguments);
        future.await
    }

    fn begin(
        &self,
        tool: &str,
        arguments: &Value,
    ) -> (
        futures_util::future::BoxFuture<'static, ToolResult>,
        CallControl,
    ) {
        let offer = self.tools.find(&tool.parse().unwrap()).unwrap();
        let (call, control) = ToolCall::detached(arguments.to_string());
        (offer.tool.call(call), control)
    }

    async fn text(&self, tool: &str, arguments: Value) -> String {
        text(&self.call(tool, arguments).await.unwrap())
    }

    async fn list(&self, arguments: Value) -> Value {
        let answer = self.call("fs_list", arguments).await.unwrap();
        let [Part::Json(text)] = answer.content() else {
            panic!("one JSON part was expected: {answer:?}");
        };
        serde_json::from_str(text).unwrap()
    }

    /// The text of a tool's own error, with the folder's name taken out.
    async fn error(&self, tool: &str, arguments: Value) -> String {
        let answer = match self.call(tool, arguments).await {
            Ok(answer) | Err(ToolError::Answered(answer)) => answer,
            Err(ToolError::Failed(failure)) => {
                return format!("{}: {}", failure.kind, failure.message);
            }
        };
        assert!(answer.is_error(), "an error was expected: {answer:?}");
        text(&answer)
    }
}

fn text(answer: &Answer) -> String {
    match answer.content() {
        [Part::Text(text)] => text.clone(),
        other => panic!("one text was expected: {other:?}"),
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_root() {
    let world = World::new();
    world.write("inside.txt", "inside\n");
    let outside = world.folder.path().join("outside");
    world.link("to_file", outside.join("secret.txt"));
    world.link("to_folder", &outside);
    world.link("relative", "../outside/secret.txt");
    world.link("first", "second");
    world.link("second", "../outside");
    world.link("loop_a", "loop_b");
    world.link("loop_b", "loop_a");
    let mut texts = Vec::new();
    for path in [
        "../outside/secret.txt",
        "a/../../outside/secret.txt",
        "..",
        "/etc/passwd",
        "to_file",
        "to_folder/secret.txt",
        "relative",
        "first/secret.txt",
        "loop_a",
        "inside.txt/x",
        "nothing",
        "nul\0byte",
    ] {
        let said = world.error("fs_read", json!({ "path": path })).await;
        assert!(!said.contains("SECRET"));
        texts.push(said);
    }
    for path in [
        "..",
        "to_folder",
        "first",
        "/",
        "inside.txt",
        "loop_a",
        "nothing",
    ] {
        texts.push(world.error("fs_list", json!({ "path": path })).await);
    }
    for path in ["..", "to_folder", "first", "/", "nothing"] {
        let arguments = json!({ "path": path, "pattern": "SECRET" });
        texts.push(world.error("fs_search", arguments).await);
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    "../outside/secret.txt" leads out of the root folder; only what lies below it can be looked at
    there is no "a/../../outside/secret.txt"; fs_list shows what there is
    ".." leads out of the root folder; only what lies below it can be looked at
    "/etc/passwd" is an absolute path; paths are relative to the root folder, whose own path is "."
    "to_file" leads out of the root folder; only what lies below it can be looked at
    "to_folder/secret.txt" leads out of the root folder; only what lies below it can be looked at
    "relative" leads out of the root folder; only what lies below it can be looked at
    "first/secret.txt" leads out of the root folder; only what lies below it can be looked at
    "loop_a" can't be opened: Too many levels of symbolic links (os error 40)
    "inside.txt/x" goes through something that is no folder
    there is no "nothing"; fs_list shows what there is
    invalid_arguments: the path holds a NUL character, which no file name can
    ".." leads out of the root folder; only what lies below it can be looked at
    "to_folder" leads out of the root folder; only what lies below it can be looked at
    "first" leads out of the root folder; only what lies below it can be looked at
    "/" is an absolute path; paths are relative to the root folder, whose own path is "."
    "inside.txt" is no folder; read it with fs_read
    "loop_a" can't be opened: Too many levels of symbolic links (os error 40)
    there is no "nothing"; fs_list shows what there is
    ".." leads out of the root folder; only what lies below it can be looked at
    "to_folder" leads out of the root folder; only what lies below it can be looked at
    "first" leads out of the root folder; only what lies below it can be looked at
    "/" is an absolute path; paths are relative to the root folder, whose own path is "."
    there is no "nothing"; fs_list shows what there is
    "#);
    let found = world
        .text("fs_search", json!({ "pattern": "SECRET" }))
        .await;
    assert_eq!(found, "[0 matches in 0 of 1 files searched]");
}

#[tokio::test]
async fn a_link_that_stays_inside_is_followed_where_a_path_names_it() {
    let world = World::new();
    world.write("deep/file.txt", "content\n");
    world.link("short", "deep/file.txt");
    world.link("folder", "deep");
    assert_eq!(
        world.text("fs_read", json!({"path": "short"})).await,
        "content\n"
    );
    assert_eq!(
        world
            .text("fs_read", json!({"path": "deep/../folder/file.txt"}))
            .await,
        "content\n"
    );
    let found = world
        .text("fs_search", json!({"path": "folder", "pattern": "cont"}))
        .await;
    assert!(found.starts_with("deep/file.txt:1: content\n"), "{found}");
}

#[tokio::test]
async fn reads_lines_and_bytes_and_says_how_to_go_on() {
    let world = World::new();
    world.write("file", "one\ntwo\nthree\nfour\n");
    let read = |arguments: Value| world.text("fs_read", arguments);
    assert_eq!(
        read(json!({"path": "file"})).await,
        "one\ntwo\nthree\nfour\n"
    );
    assert_eq!(
        read(json!({"path": "file", "line": 2, "lines": 2})).await,
        "two\nthree\n[the file goes on: read again with \"line\": 4]"
    );
    assert_eq!(
        read(json!({"path": "file", "line": 4, "lines": 9})).await,
        "four\n"
    );
    assert_eq!(
        read(json!({"path": "file", "byte": 4, "bytes": 3})).await,
        "two\n[the file goes on: read again with \"byte\": 7]"
    );
    assert_eq!(read(json!({"path": "file", "byte": 14})).await, "four\n");
    world.write("empty", "");
    assert_eq!(read(json!({"path": "empty"})).await, "");
    let beyond = world
        .error("fs_read", json!({"path": "file", "line": 9}))
        .await;
    assert!(beyond.contains("line 9 was asked for"), "{beyond}");
    let beyond = world
        .error("fs_read", json!({"path": "file", "byte": 99}))
        .await;
    assert!(beyond.contains("byte 99 was asked for"), "{beyond}");
    let both = world
        .error("fs_read", json!({"path": "file", "line": 1, "byte": 1}))
        .await;
    assert!(both.starts_with("invalid_arguments"), "{both}");
}

#[tokio::test]
async fn a_huge_file_comes_in_parts_that_join_to_the_whole() {
    let world = World::new();
    let lines: String = (0..60_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    let long_line = "x".repeat(400_000);
    for (name, content) in [("lines", lines), ("long", long_line)] {
        world.write(name, &content);
        let mut joined = String::new();
        let mut arguments = json!({ "path": name });
        loop {
            let part = world.text("fs_read", arguments).await;
            assert!(part.len() <= 128 * 1024 + 100);
            let Some((text, note)) = part.split_once("[the file goes on: read again with ") else {
                joined.push_str(&part);
                break;
            };
            let next: Value =
                serde_json::from_str(&format!("{{{}}}", &note[..note.len() - 1])).unwrap();
            let in_bytes = next.get("byte").is_some();
            joined.push_str(if in_bytes {
                text.strip_suffix('\n').unwrap()
            } else {
                text
            });
            arguments = next;
            arguments["path"] = json!(name);
        }
        assert!(
            joined == content,
            "{name} differs, {} bytes of {}",
            joined.len(),
            content.len()
        );
    }
}

#[tokio::test]
async fn what_is_no_text_is_said_so() {
    let world = World::new();
    world.write("image", b"\x89PNG\0\0\0");
    world.write("latin1", b"caf\xe9\n");
    let said = world.error("fs_read", json!({"path": "image"})).await;
    assert_eq!(
        said,
        "\"image\" is a binary file of 7 bytes; fs_read reads text only"
    );
    assert_eq!(
        world.text("fs_read", json!({"path": "latin1"})).await,
        "caf\u{fffd}\n"
    );
    let made = std::process::Command::new("mkfifo")
        .arg(world.path("pipe"))
        .status();
    assert!(made.unwrap().success());
    let said = world.error("fs_read", json!({"path": "pipe"})).await;
    assert!(said.contains("neither a file nor a folder"), "{said}");
    let said = world.error("fs_read", json!({"path": "."})).await;
    assert!(said.contains("is a folder"), "{said}");
    world.text("fs_search", json!({"pattern": "x"})).await;
}

#[tokio::test]
async fn lists_a_folder_sorted_and_paged() {
    let world = World::new();
    world.write("b.txt", "12345");
    world.write("a/inner", "");
    world.link("c", "b.txt");
    assert_eq!(
        world.list(json!({})).await,
        json!({"path": ".", "total": 3, "entries": [
            {"name": "a", "kind": "folder"},
            {"name": "b.txt", "kind": "file", "size": 5},
            {"name": "c", "kind": "symlink"},
        ]})
    );
    for number in 0..25 {
        world.write(&format!("many/{number:02}"), "");
    }
    let mut names = Vec::new();
    let mut arguments = json!({"path": "many", "limit": 10});
    loop {
        let page = world.list(arguments.clone()).await;
        assert_eq!(page["total"], 25);
        let entries = page["entries"].as_array().unwrap();
        names.extend(
            entries
                .iter()
                .map(|entry| entry["name"].as_str().unwrap().to_owned()),
        );
        match page.get("next_after") {
            Some(after) => arguments["after"] = after.clone(),
            None => break,
        }
    }
    assert_eq!(names.len(), 25);
    assert!(names.is_sorted());
    let refused = world.error("fs_list", json!({"limit": 0})).await;
    assert!(refused.starts_with("invalid_arguments"));
}

#[tokio::test]
async fn searches_by_pattern_glob_and_case() {
    let world = World::new();
    world.write("src/lib.rs", "fn Main() {}\nfn other() {}\n");
    world.write("src/notes.md", "the main thing\n");
    world.write(".hidden", "main\n");
    world.write("binary", b"main\0main");
    world.write("wide", format!("main {}\n", "w".repeat(1_000)));
    let found = world
        .text("fs_search", json!({"pattern": "main", "ignore_case": true}))
        .await;
    insta::assert_snapshot!(found.replace(&"w".repeat(100), "(w × 100)"), @"
    src/lib.rs:1: fn Main() {}
    src/notes.md:1: the main thing
    wide:1: main (w × 100)(w × 100)(w × 100)wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww…

    [3 matches in 3 of 4 files searched]
    ");
    let found = world
        .text("fs_search", json!({"pattern": "^fn", "glob": "*.rs"}))
        .await;
    insta::assert_snapshot!(found, @"
    src/lib.rs:1: fn Main() {}
    src/lib.rs:2: fn other() {}

    [2 matches in 1 of 1 files searched]
    ");
    let found = world
        .text(
            "fs_search",
            json!({"pattern": "main", "glob": "!src/**", "hidden": true}),
        )
        .await;
    assert!(
        found.contains(".hidden:1: main") && !found.contains("notes"),
        "{found}"
    );
    let found = world
        .text("fs_search", json!({"pattern": "fn", "path": "src/lib.rs"}))
        .await;
    assert!(
        found.starts_with("src/lib.rs:1: fn Main() {}\nsrc/lib.rs:2:"),
        "{found}"
    );
    let found = world
        .text("fs_search", json!({"pattern": "fn", "max_matches": 1}))
        .await;
    insta::assert_snapshot!(found, @"
    src/lib.rs:1: fn Main() {}

    [1 match in 1 of 2 files searched; stopped there, there may be more: narrow path, glob or pattern, or raise max_matches]
    ");
    for arguments in [
        json!({"pattern": "("}),
        json!({"pattern": ""}),
        json!({"pattern": "a", "glob": "["}),
        json!({"pattern": "a", "max_matches": 0}),
    ] {
        let refused = world
            .call("fs_search", arguments.clone())
            .await
            .unwrap_err();
        assert!(
            matches!(&refused, ToolError::Failed(failure) if failure.kind == FailureKind::InvalidArguments),
            "{arguments}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_search_says_how_far_it_is_and_ends_when_it_is_told_to() {
    let world = World::new();
    for folder in 0..40 {
        for file in 0..50 {
            world.write(&format!("{folder:02}/{file:02}"), "nothing to see\n");
        }
    }
    let arguments = json!({ "pattern": "needle" });
    let (search, control) = world.begin("fs_search", &arguments);
    assert_eq!(
        text(&search.await.unwrap()),
        "[0 matches in 0 of 2000 files searched]"
    );
    let progress = control.progress().message.unwrap();
    assert_eq!(progress, "1792 files searched, 0 matches");
    let (search, control) = world.begin("fs_search", &arguments);
    control.cancel();
    assert_eq!(search.await, Err(ToolError::cancelled()));
}
