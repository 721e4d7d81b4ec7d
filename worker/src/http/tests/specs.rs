//! What can't be offered.

use std::error::Error as _;

use callboard_proto::Effect;

use super::super::HttpSpec;
use super::{local, try_tool};

#[test]
fn what_cannot_be_kept_is_refused_with_cause_and_cure() {
    let mut texts = Vec::new();
    for http in [
        "url = \"https://h.test/{id}\"",
        "url = \"https://h.test/?q={nothing}\"",
        "url = \"h.test\"",
        "url = \"http://127.0.0.1:8080/\"",
        "url = \"http://localhost/\"",
        "url = \"http://[::1]/\"",
        "url = \"http://2852039166/\"",
        "url = \"https://h.test/\"\nallow = [\"http://x/\"]",
        "url = \"https://h.test/\"\nheaders = { Host = \"x\" }",
        "url = \"https://h.test/\"\nheaders = { \"a b\" = \"x\" }",
        "url = \"https://h.test/\"\nheaders = { X = { env = \"CALLBOARD_TEST_NOT_SET\" } }",
        "url = \"https://h.test/\"\nquery = { k = { file = \"/nowhere/key\" } }",
        "url = \"https://h.test/\"\nbasic = { user = \"u\", password = { env = \"CALLBOARD_TEST_NOT_SET\" } }",
        "url = \"https://h.test/\"\nheaders = { authorization = \"x\" }\nbasic = { user = \"u\", password = \"p\" }",
        "url = \"http://h.test/\"\nheaders = { X = { env = \"PATH\" } }",
        "url = \"https://h.test/\"\nbody = \"arguments\"",
        "url = \"https://h.test/\"\nmethod = \"POST\"\nbody = \"{id}\"",
        "url = \"https://h.test/\"\nmethod = \"POST\"\nbody = { a = \"{nothing}\" }",
        "url = \"https://h.test/\"\nmethod = \"POST\"\nbody = \"arguments\"\nform = { a = \"b\" }",
        "url = \"https://h.test/\"\ntimeout = \"0s\"",
        "url = \"https://h.test/\"\nresponse_bytes_max = 0",
        "url = \"https://h.test/\"\nrequest_bytes_max = 99999999999",
        "url = \"https://h.test/\"\nidempotency_header = \"a b\"",
    ] {
        let error = match try_tool(Effect::Write, http, &local()) {
            Err(error) => error,
            Ok(_) => panic!("{http} was taken"),
        };
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        texts.push(text);
    }
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_spec_takes_no_unknown_key_and_shows_no_secret() {
    for http in [
        "url = \"https://h.test/\"\nverify = false",
        "url = \"https://h.test/\"\nmethod = \"TRACE\"",
        "url = \"https://h.test/\"\ntimeout = \"soon\"",
        "url = \"https://h.test/\"\nheaders = { X = { secret = \"a\" } }",
        "url = \"https://h.test/\"\nbasic = { user = \"u\" }",
    ] {
        toml::from_str::<HttpSpec>(http).unwrap_err();
    }
    let http = "url = \"https://h.test/\"\nbasic = { user = \"u\", password = \"plain-secret\" }";
    let spec: HttpSpec = toml::from_str(http).unwrap();
    assert!(!format!("{spec:?}").contains("plain-secret"));
    let tool = try_tool(Effect::Write, http, &local()).unwrap();
    assert!(!format!("{tool:?}").contains("plain-secret"));
}
