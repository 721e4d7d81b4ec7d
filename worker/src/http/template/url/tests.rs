#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use super::*;

fn schema() -> Map<String, Value> {
    serde_json::from_str(
        r#"{
            "type": "object",
            "required": ["id", "path", "n", "kind"],
            "properties": {
                "id": {"type": "string"},
                "path": {"type": "array", "items": {"type": "string"}},
                "n": {"type": "integer"},
                "flag": {"type": "boolean"},
                "tags": {"type": "array", "items": {"type": ["string", "null"]}},
                "maybe": {"type": ["string", "null"]},
                "kind": {"enum": ["a", "b"]},
                "thing": {"type": "object"},
                "bare": {}
            }
        }"#,
    )
    .unwrap()
}

fn filled(url: &str, values: &str) -> String {
    let template = UrlTemplate::new(url, &schema()).unwrap();
    let values = Values::parse(values.as_bytes()).unwrap();
    match template.fill(&values, &QueryTemplate::default()) {
        Ok(url) => url.to_string(),
        Err(error) => format!("refused: {error}"),
    }
}

#[test]
fn a_template_that_cannot_be_kept_is_refused() {
    let mut texts = String::new();
    for url in [
        "",
        "/v1",
        "ftp://host/",
        "HTTPS://host/",
        "https:/host/",
        "https://",
        "https://{id}/",
        "https://host:{n}/",
        "https://user:pass@host/",
        "https://host\\x/",
        "https://ho st/",
        "https://host/#top",
        "https://host/a/../b",
        "https://host/%2e%2E/b",
        "https://host/{id",
        "https://host/{other}",
        "https://host/{thing}",
        "https://host/x{path}",
        "https://host/?q={bare}",
        "https://host/{maybe}",
        "https://host/?{id}=1",
        "https://host:70000/",
    ] {
        let error = UrlTemplate::new(url, &schema()).unwrap_err();
        writeln!(texts, "{error}").unwrap();
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn values_are_encoded_for_where_they_stand() {
    let mut texts = String::new();
    let url =
        "https://api.example:8443/v1/{id}/x-{n}?q={maybe}&flag={flag}&t={tags}&fixed=a%20b&bare";
    for values in [
        r#"{"id": "a", "n": 1}"#,
        r#"{"id": "group/project", "n": -1.50, "maybe": "a&b=c#d?e/f", "flag": false}"#,
        r#"{"id": "ü %2e@:8080", "n": 1, "maybe": "line\nbreak", "tags": ["x", "y z"]}"#,
        r#"{"id": "...", "n": 1, "maybe": null, "tags": []}"#,
    ] {
        writeln!(texts, "{}", filled(url, values)).unwrap();
    }
    writeln!(
        texts,
        "{}",
        filled(
            "https://h/f/{path}/{kind}",
            r#"{"path": ["a", "b c", "d/e"], "kind": "a"}"#
        )
    )
    .unwrap_or_default();
    insta::assert_snapshot!(texts);
}

#[test]
fn no_value_leads_elsewhere() {
    let mut texts = String::new();
    for values in [
        r#"{"id": ".."}"#,
        r#"{"id": "."}"#,
        r#"{"id": ""}"#,
        r#"{"id": null}"#,
        r#"{"id": "../admin"}"#,
        r#"{"id": "a/../../admin"}"#,
        r#"{"id": "a\\..\\b"}"#,
        r#"{"id": "%2e%2e"}"#,
        r#"{"id": "%252e."}"#,
        r#"{"id": "a\u0000b"}"#,
        r#"{"id": "a\r\nHost: evil"}"#,
        r#"{"id": ["a"]}"#,
        r#"{"id": "//evil.example/"}"#,
        r#"{"id": "@evil.example"}"#,
    ] {
        writeln!(texts, "{values}: {}", filled("https://h/v1/{id}", values)).unwrap();
    }
    for values in [
        r#"{"path": ["a", ".."]}"#,
        r#"{"path": ["a", ""]}"#,
        r#"{"path": []}"#,
        r#"{"path": "a"}"#,
    ] {
        writeln!(texts, "{values}: {}", filled("https://h/f/{path}", values)).unwrap();
    }
    writeln!(
        texts,
        "{}",
        filled("https://h/{id}{n}", r#"{"id": "x", "n": 1}"#)
    )
    .unwrap();
    writeln!(texts, "{}", filled("https://h/.{id}", r#"{"id": "."}"#)).unwrap();
    writeln!(texts, "{}", filled("https://h/%2{id}", r#"{"id": "e"}"#)).unwrap();
    let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(9_000));
    writeln!(texts, "{}", filled("https://h/{id}", &long)).unwrap();
    insta::assert_snapshot!(texts);
}

#[test]
fn random_values_never_change_where_a_url_leads() {
    let template = UrlTemplate::new("https://api.example:8443/a/{id}/b?q={id}", &schema()).unwrap();
    let alphabet: Vec<char> = "./\\%2eE25@:?#&= \u{0}\n\rä[]{}".chars().collect();
    let mut rng = fastrand::Rng::with_seed(5);
    let mut filled = 0;
    for _ in 0..20_000 {
        let text: String = (0..rng.usize(..8))
            .map(|_| alphabet[rng.usize(..alphabet.len())])
            .collect();
        let values = serde_json::json!({ "id": text }).to_string();
        let values = Values::parse(values.as_bytes()).unwrap();
        let Ok(url) = template.fill(&values, &QueryTemplate::default()) else {
            continue;
        };
        filled += 1;
        assert_eq!(
            url.origin().ascii_serialization(),
            "https://api.example:8443"
        );
        let steps: Vec<_> = url.path_segments().unwrap().collect();
        assert_eq!((steps.len(), steps[0], steps[2]), (3, "a", "b"), "{text:?}");
        let read: Vec<_> = url.query_pairs().collect();
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].1, text);
    }
    assert!(filled > 5_000, "{filled}");
}
