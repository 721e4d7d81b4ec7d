#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Map, Value, json};

use super::template::{Dashes, Entry, Template};
use super::tool::ProcessSpec;

fn schema() -> Map<String, Value> {
    let schema = json!({
        "type": "object",
        "properties": {
            "path": {"type": "string"},
            "count": {"type": "integer"},
            "size": {"type": "integer", "minimum": 0},
            "kind": {"enum": ["a", "b"]},
            "empty": {"enum": ["", "a"]},
            "flag": {"type": "boolean"},
            "maybe": {"type": ["string", "null"]},
            "paths": {"type": "array", "items": {"type": "string"}},
            "object": {"type": "object"},
            "objects": {"type": "array", "items": {"type": "object"}},
            "anything": {},
        },
    });
    schema.as_object().unwrap().clone()
}

fn entries(argv: Value) -> Vec<Entry> {
    serde_json::from_value(argv).unwrap()
}

fn template(argv: Value) -> Template {
    Template::new(&entries(argv), Dashes::Required, false, &schema()).unwrap()
}

fn fill(argv: Value, values: Value) -> Result<Vec<String>, String> {
    template(argv)
        .fill(values.as_object().unwrap())
        .map_err(|error| error.to_string())
}

#[test]
fn values_become_arguments_and_nothing_else() {
    let argv = json!([
        "git",
        "log",
        "--max={size}",
        ["--kind", "{kind}"],
        "{{{flag}}}",
        "--",
        "{path}",
        "{paths}"
    ]);
    let values = json!({"size": 3, "kind": "a", "flag": true, "path": "-rf $HOME; `x` \"y\"\n", "paths": ["--all", "b c"]});
    assert_eq!(
        fill(argv.clone(), values).unwrap(),
        [
            "log",
            "--max=3",
            "--kind",
            "a",
            "{true}",
            "--",
            "-rf $HOME; `x` \"y\"\n",
            "--all",
            "b c"
        ]
    );
    // What has no value is left out with all that belongs to it.
    let values = json!({"path": "p", "kind": null, "paths": [], "flag": false});
    assert_eq!(fill(argv, values).unwrap(), ["log", "{false}", "--", "p"]);
}

#[test]
fn what_a_program_could_take_for_something_else_is_refused() {
    let cases = [
        (json!(["x", "--name={path}"]), json!({"path": "a\nb"})),
        (json!(["x", "--name={path}"]), json!({"path": "a\0b"})),
        (json!(["x", "--", "{path}"]), json!({"path": "a\0b"})),
        (json!(["x", "--", "{paths}"]), json!({"paths": ["a\0b"]})),
        (json!(["x", "--", "{path}"]), json!({"path": {"a": 1}})),
        (json!(["x", "--", "{path}"]), json!({"path": ["a"]})),
        (json!(["x", "--", "{paths}"]), json!({"paths": "a"})),
        (json!(["x", "--", "{paths}"]), json!({"paths": [null]})),
        (
            json!(["x", "--", "{paths}"]),
            json!({"paths": vec!["a"; 1025]}),
        ),
        (
            json!(["x", "--", "{path}"]),
            json!({"path": "a".repeat(128 * 1024)}),
        ),
        (
            json!(["x", "--", "{path}{path}"]),
            json!({"path": "a".repeat(100_000)}),
        ),
    ];
    let mut texts = String::new();
    for (argv, values) in cases {
        let error = fill(argv.clone(), values).unwrap_err();
        texts.push_str(&format!("{argv}: {error}\n"));
    }
    let checked = Template::new(
        &entries(json!(["date", "{path}"])),
        Dashes::Checked,
        false,
        &schema(),
    )
    .unwrap();
    for path in ["-u", "--", "-", "-1", "a\r"] {
        let values = json!({"path": path});
        let error = checked.fill(values.as_object().unwrap()).unwrap_err();
        texts.push_str(&format!("{path:?}: {error}\n"));
    }
    let values = json!({"path": "now"});
    assert_eq!(checked.fill(values.as_object().unwrap()).unwrap(), ["now"]);
    insta::assert_snapshot!(texts);
}

#[test]
fn nothing_is_after_dashes_that_are_not_there() {
    let refused = |argv: Value, required: &[&str]| {
        let mut schema = schema();
        schema.insert("required".to_owned(), json!(required));
        Template::new(&entries(argv), Dashes::Required, false, &schema)
            .unwrap_err()
            .to_string()
    };
    // Left out with their group, they would leave what follows unguarded.
    let group = refused(json!(["x", ["--", "{path}"], "{path}"]), &[]);
    assert!(group.contains("\"--\" as an entry of its own"), "{group}");
    refused(json!(["x", ["--kind={kind}", "--"], "{paths}"]), &[]);
    refused(
        json!(["x", ["--", "{maybe}"], "{path}"]),
        &["maybe", "path"],
    );
    // A slot that may be empty begins nothing.
    refused(json!(["x", "{empty}{path}"]), &[]);
    // With a value that must be there, they are. Who calls without one is refused all the same.
    let mut required = schema();
    required.insert("required".to_owned(), json!(["kind"]));
    let argv = entries(json!(["x", ["--kind={kind}", "--"], "{paths}"]));
    let template = Template::new(&argv, Dashes::Required, false, &required).unwrap();
    let fill = |values: Value| template.fill(values.as_object().unwrap());
    assert_eq!(
        fill(json!({"kind": "a", "paths": ["-x"]})).unwrap(),
        ["--kind=a", "--", "-x"]
    );
    fill(json!({"paths": ["-x"]})).unwrap_err();
    // Nor do values of several slots make an option, or the dashes, together.
    let checked = |argv: Value, values: Value| {
        Template::new(&entries(argv), Dashes::Checked, false, &schema())
            .unwrap()
            .fill(values.as_object().unwrap())
    };
    checked(
        json!(["x", "{path}{maybe}"]),
        json!({"path": "", "maybe": "--evil"}),
    )
    .unwrap_err();
    checked(
        json!(["x", "-{path}", "{maybe}"]),
        json!({"path": "-", "maybe": "-x"}),
    )
    .unwrap_err();
    assert_eq!(
        checked(
            json!(["x", "{path}{maybe}"]),
            json!({"path": "a", "maybe": "-b"})
        )
        .unwrap(),
        ["a-b"]
    );
}

#[test]
fn templates_are_checked_when_the_worker_starts() {
    let cases = [
        json!([]),
        json!(["{path}"]),
        json!([["git"]]),
        json!([""]),
        json!(["x", "{"]),
        json!(["x", "a}"]),
        json!(["x", "{}"]),
        json!(["x", "{a{b}"]),
        json!(["x", "--", "{nothing}"]),
        json!(["x", "--", "{object}"]),
        json!(["x", "--", "{objects}"]),
        json!(["x", "--", "{anything}"]),
        json!(["x", "--", "a{paths}"]),
        json!(["x", "{path}"]),
        json!(["x", "{count}"]),
        json!(["x", "{paths}", "--"]),
    ];
    let mut texts = String::new();
    for argv in cases {
        let error =
            Template::new(&entries(argv.clone()), Dashes::Required, false, &schema()).unwrap_err();
        texts.push_str(&format!("{argv}: {error}\n"));
    }
    for argv in [
        json!(["x", "{size}"]),
        json!(["x", "{kind}"]),
        json!(["x", "{flag}"]),
    ] {
        Template::new(&entries(argv), Dashes::Required, false, &schema()).unwrap();
    }
    let mut required = schema();
    required.insert("required".to_owned(), json!(["path"]));
    let argv = entries(json!(["x"]));
    let error = Template::new(&argv, Dashes::Required, false, &required).unwrap_err();
    texts.push_str(&format!("required: {error}\n"));
    Template::new(&argv, Dashes::Required, true, &required).unwrap();
    insta::assert_snapshot!(texts);
}

#[test]
fn a_spec_takes_no_unknown_key_and_shows_no_secret() {
    let error =
        serde_json::from_value::<ProcessSpec>(json!({"argv": ["x"], "shell": true})).unwrap_err();
    assert!(
        error.to_string().contains("unknown field `shell`"),
        "{error}"
    );
    let spec: ProcessSpec = serde_json::from_value(json!({
        "argv": ["x"],
        "env": {"A": "plain-secret", "B": {"env": "NAME"}, "C": {"file": "/run/secret"}},
    }))
    .unwrap();
    let shown = format!("{spec:?}");
    assert!(
        !shown.contains("plain-secret") && shown.contains("env:NAME"),
        "{shown}"
    );
}

#[test]
fn the_tightest_sandbox_makes_no_sockets_but_pairs() {
    use std::io::ErrorKind;
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::process::Command;

    use super::sandbox::Sandbox;

    let scratch = tempfile::tempdir().unwrap();
    let confined = std::thread::spawn(move || {
        Sandbox::default().enter(scratch.path()).unwrap();
        let local = UnixDatagram::unbound().unwrap_err();
        assert_eq!(local.kind(), ErrorKind::PermissionDenied, "{local}");
        UnixStream::pair().unwrap();
        // What is left of `clone` is enough for threads and programs.
        std::thread::spawn(|| ()).join().unwrap();
        assert!(Command::new("/bin/true").status().unwrap().success());
        let unshared = Command::new("/usr/bin/unshare")
            .args(["-U", "true"])
            .status();
        assert!(!unshared.is_ok_and(|status| status.success()));
    });
    confined.join().unwrap();
}
