#![expect(clippy::unwrap_used, reason = "tests")]

use std::error::Error as _;
use std::num::NonZeroU32;

use super::tools;
use crate::process::Host;

const GOOD: &str = r#"
[worker]
slots = 4

[[tool]]
name = "list"
description = "Lists a folder."
effect = "read"
deadline = "30s"
attempt_timeout = "10s"
attempts = 2
affinity = "run"
require = ["zone=a"]
output_bytes_max = 20000

[tool.input_schema]
type = "object"
required = ["path"]
properties.path = { type = "string" }

[tool.process]
argv = ["ls", "--", "{path}"]
env = { A = "b", KEY = { env = "HOME" } }
limits.memory_bytes_max = 100000000
sandbox.read = ["/srv"]

[[tool]]
name = "say"
description = "Says something."
slots = 2
input_schema = '{"type":"object"}'
process.argv = ["echo"]
process.stdin = "json"

[[tool]]
name = "ask"
description = "Asks a service of this machine."
effect = "idempotent"
input_schema = '{"type":"object","required":["id"],"properties":{"id":{"type":"string"}}}'
[tool.http]
method = "PUT"
url = "http://localhost:8080/items/{id}"
allow = ["localhost:8080"]
body = { id = "{id}" }
headers.Authorization = { env = "HOME", prefix = "Bearer " }
"#;

fn host() -> Host {
    Host::this_program("__supervise")
}

#[test]
fn a_file_declares_tools_with_manifests() {
    let made = tools("worker.toml", GOOD, &host(), None).unwrap();
    let specs: Vec<_> = made.iter().map(|tool| tool.spec().clone()).collect();
    insta::assert_debug_snapshot!(specs);
    let slots: Vec<_> = made.iter().map(|tool| tool.slots()).collect();
    assert_eq!(slots, [None, NonZeroU32::new(2), None]);
}

#[test]
fn what_cannot_be_offered_is_refused_with_file_line_and_cure() {
    let entry = |more: &str| {
        format!(
            "\n[[tool]]\nname = \"t\"\ndescription = \"d\"\ninput_schema = '{{\"type\":\"object\",\"properties\":{{\"a\":{{\"type\":\"string\"}}}}}}'\n{more}\n"
        )
    };
    let cases = [
        "[[tool]]\nname = \"t\"\n".to_owned(),
        entry("shell = true"),
        entry("effect = \"reed\"\nprocess.argv = [\"ls\"]"),
        entry("deadline = \"soon\"\nprocess.argv = [\"ls\"]"),
        entry("deadline = \"1s\"\nattempt_timeout = \"2s\"\nprocess.argv = [\"ls\"]"),
        entry("require = [\"zone\"]\nprocess.argv = [\"ls\"]"),
        entry("require = [\"gpu=a100\"]\nprocess.argv = [\"ls\"]"),
        entry(""),
        entry("process.argv = [\"ls\", \"--\", \"{b}\"]"),
        entry("process.argv = [\"ls\", \"{a}\"]"),
        entry("process.argv = [\"no-such-program\"]"),
        entry("process.argv = [\"/etc/passwd\"]"),
        entry("process.argv = [\"bin/ls\"]"),
        entry("process.argv = [\"ls\"]\nprocess.cwd = \"/nowhere\""),
        entry("process.argv = [\"ls\"]\nprocess.sandbox.read = [\"/nope/nope\"]"),
        entry("process.argv = [\"ls\"]\nprocess.limits.memory_bytes_max = 1"),
        entry("process.argv = [\"ls\"]\nprocess.limits.memory = 1"),
        entry("process.argv = [\"ls\"]\nprocess.env.KEY = { env = \"CALLBOARD_TEST_NOT_SET\" }"),
        entry("process.argv = [\"ls\"]\nhttp.url = \"https://example.com/\""),
        entry("http.url = \"https://example.com/?q={b}\""),
        entry("http.url = \"http://127.0.0.1:8080/\""),
        entry(
            "http.url = \"https://example.com/\"\nhttp.headers.X = { env = \"CALLBOARD_TEST_NOT_SET\" }",
        ),
        entry("http.url = \"https://example.com/\"\nhttp.verify = false"),
        entry("process.argv = [\"ls\"]").replace("\"t\"", "\"a b\u{7}\""),
        entry("process.argv = [\"ls\"]").replace("\"type\":\"string\"", "\"type\":\"text\""),
        entry("process.argv = [\"ls\"]").replace("\"type\":\"string\"", "\"minLength\":\"1\""),
        entry("process.argv = [\"ls\"]").replace("\"type\":\"string\"", "\"required\":true"),
        entry("process.argv = [\"ls\"]").replace("{\"type\":\"string\"}", "7"),
        entry("process.argv = [\"ls\"]").replace("\"type\":\"string\"", "\"pattern\":\"(\""),
        entry("process.argv = [\"ls\"]").replace("\"type\":\"string\"", "\"$ref\":\"#/$defs/b\""),
        entry("process.argv = [\"ls\"]").replace("'{\"type\"", "'{type"),
        entry("process.argv = [\"ls\"]").replace("\"type\":\"object\"", "\"type\":\"array\""),
        format!(
            "{}{}",
            entry("process.argv = [\"ls\"]"),
            entry("process.argv = [\"cat\"]")
        ),
    ];
    let mut texts = String::new();
    for case in cases {
        let Err(error) = tools("worker.toml", &case, &host(), Some(&[])) else {
            panic!("{case} was taken");
        };
        texts.push_str(&error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            texts.push_str(&format!(": {}", error.to_string().trim_end()));
            cause = error.source();
        }
        texts.push_str("\n\n");
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn a_file_without_tools_declares_none() {
    assert!(
        tools("x", "[worker]\nslots = 1\n", &host(), None)
            .unwrap()
            .is_empty()
    );
}
