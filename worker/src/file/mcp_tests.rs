#![expect(clippy::unwrap_used, reason = "tests")]

use std::error::Error as _;

use super::servers;

const GOOD: &str = r#"
[worker]
slots = 4

[[mcp]]
name = "memory"
command = ["ls", "-a"]
env = { A = "b", KEY = { env = "HOME" } }
cwd = "/tmp"
limits.memory_bytes_max = 100000000
sandbox.read = ["/srv"]
instances = 4
parallel = 1
start_timeout = "5s"
tools = ["read", "write"]
prefix = ""
trust_annotations = true
effect = "idempotent"
affinity = "run"
deadline = "30s"

[mcp.tool.write]
effect = "write"
attempt_timeout = "2s"
slots = 2

[[mcp]]
name = "search"
url = "https://example.org/mcp"
headers = { Authorization = { env = "TOKEN" } }
"#;

#[test]
fn a_file_declares_servers() {
    let servers = servers("worker.toml", GOOD).unwrap();
    let mut text = format!("{servers:#?}");
    // Where this machine has it.
    let at = text.find("/ls\"").unwrap();
    let start = text[..at].rfind('"').unwrap();
    text.replace_range(start + 1..at, "{bin}");
    insta::assert_snapshot!(text);
}

#[test]
fn what_cannot_be_hosted_is_refused_with_file_line_and_cure() {
    let entry = |more: &str| format!("\n[[mcp]]\nname = \"m\"\n{more}\n");
    let url = "url = \"https://host/mcp\"";
    let cases = [
        "[[mcp]]\ncommand = [\"ls\"]\n".to_owned(),
        entry("shell = true"),
        entry(""),
        entry(&format!("command = [\"ls\"]\n{url}")),
        entry("command = []"),
        entry("command = [\"no-such-program\"]"),
        entry("command = [\"ls\"]\ncwd = \"/nowhere\""),
        entry("command = [\"ls\"]\nsandbox.read = [\"/nope/nope\"]"),
        entry("command = [\"ls\"]\nheaders = { A = \"b\" }"),
        entry("command = [\"ls\"]\ninstances = 0"),
        entry("command = [\"ls\"]\nstart_timeout = \"0s\""),
        entry("command = [\"ls\"]\nlimits.memory_bytes_max = 1"),
        entry("command = [\"ls\"]\nlimits.output_bytes_max = 1"),
        entry("command = [\"ls\"]\neffect = \"reed\""),
        entry("command = [\"ls\"]\ndeadline = \"1s\"\n[mcp.tool.a]\nattempt_timeout = \"2s\""),
        entry("command = [\"ls\"]\ntools = [\"a\"]\n[mcp.tool.b]\neffect = \"read\""),
        entry("command = [\"ls\"]\n[mcp.tool.b]\nefect = \"read\""),
        entry("command = [\"ls\"]\nrequire = [\"zone\"]"),
        entry("command = [\"ls\"]").replace("\"m\"", "\"a b\""),
        entry("url = \"host/mcp\""),
        entry("url = \"ftp://host/mcp\""),
        entry("url = \"https://me:secret@host/mcp\""),
        entry(&format!("{url}\nenv = {{ A = \"b\" }}")),
        entry(&format!("{url}\ninstances = 2")),
        entry(&format!("{url}\nheaders = {{ \"a b\" = \"c\" }}")),
        entry("url = \"http://host/mcp\"\nheaders = { A = { env = \"TOKEN\" } }"),
        format!("{}{}", entry(url), entry(url)),
    ];
    let mut texts = String::new();
    for case in cases {
        let Err(error) = servers("worker.toml", &case) else {
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
    assert!(!texts.contains("secret@"), "{texts}");
    insta::assert_snapshot!(texts);
}

#[test]
fn secrets_go_in_the_open_only_where_the_operator_says_so_or_not_beyond_the_machine() {
    for (url, more) in [
        ("http://127.0.0.1:1/mcp", ""),
        ("http://[::1]:1/mcp", ""),
        ("http://localhost/mcp", ""),
        ("http://host/mcp", "plain_http = true"),
    ] {
        let text = format!(
            "[[mcp]]\nname = \"m\"\nurl = \"{url}\"\nheaders = {{ A = {{ env = \"TOKEN\" }} }}\n{more}"
        );
        assert_eq!(servers("x", &text).unwrap().len(), 1);
    }
}
