#![expect(clippy::unwrap_used, reason = "tests")]

use std::error::Error;
use std::path::Path;

use super::{ScriptFileError, ScriptedModel};

fn explain(error: &ScriptFileError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[test]
fn mistakes_are_named_with_place_and_cure() {
    let mut texts = String::new();
    for script in [
        "",
        "turn = 7",
        "[[turn]]\ntxt = \"typo\"\n",
        "[[turn]]\n[[turn.call]]\narguments = {}\n",
        "[[turn]]\nwhen = \"sometimes\"\n",
        "[[turn]]\n[[turn.call]]\ntool = \"a\"\nid = \"\"\n",
        "[[turn]]\n[[turn.call]]\ntool = \"a\"\nid = \"a/b\"\n",
        "[[turn]]\n\n[[turn.call]]\ntool = \"a\"\n[[turn.call]]\ntool = \"b\"\nid = \"c0\"\n",
        "[[turn]]\n[[turn.call]]\ntool = \"a\"\narguments = {}\narguments_json = \"{}\"\n",
        "[[turn]]\n[[turn.call]]\ntool = \"a\"\narguments = { x = \"{{c0/id}}\" }\n",
        "[[turn]]\n[[turn.call]]\ntool = \"a\"\n\n[[turn]]\ntext = \"{{c1}}\"\n",
        "[[turn]]\ntext = \"{{c0\"\n",
        "[[turn]]\ntext = \"{{/x}}\"\n",
        "[[turn]]\n[[turn.call]]\ntool = \"a\"\narguments = { day = 2026-11-22 }\n",
        "[[turn]]\nstop = \"tool_use\"\n",
    ] {
        let error = ScriptedModel::from_toml("demo.toml", script).unwrap_err();
        texts.push_str(&format!("{script}\n=> {}\n\n", explain(&error)));
    }
    for script in [
        "{",
        "{\"turn\":[{\"txt\":1}]}",
        "{\"turn\":[{\"text\":\"{{x}}\"}]}",
    ] {
        let error = ScriptedModel::from_json("demo.json", script).unwrap_err();
        texts.push_str(&format!("{script}\n=> {}\n\n", explain(&error)));
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn files_are_read_by_their_extension() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let toml = write("a.toml", "[[turn]]\ntext = \"hello\"\n");
    let json = write(
        "a.json",
        r#"{"name":"j","turn":[{"call":[{"tool":"a","arguments":{"n":null}}]}]}"#,
    );
    assert!(ScriptedModel::from_file(&toml).is_ok());
    assert!(ScriptedModel::from_file(&json).is_ok());
    assert!(matches!(
        ScriptedModel::from_file(Path::new("a.yaml")),
        Err(ScriptFileError::Extension { .. })
    ));
    assert!(matches!(
        ScriptedModel::from_file(&folder.path().join("none.toml")),
        Err(ScriptFileError::Read { .. })
    ));
}

#[test]
fn the_example_in_the_documentation_is_a_script() {
    let lines: Vec<&str> = include_str!("mod.rs")
        .lines()
        .skip_while(|line| *line != "//! ```toml")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!").trim_start())
        .collect();
    assert!(lines.len() > 10);
    ScriptedModel::from_toml("mod.rs", &lines.join("\n")).unwrap();
}
