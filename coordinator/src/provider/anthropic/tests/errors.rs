use crate::provider::anthropic::read_error;

#[test]
fn what_the_api_says_is_read() {
    let body = |error_type: &str, details: &str| {
        format!(
            r#"{{"type":"error","error":{{"type":"{error_type}","message":"Why.\n\u001b[31m"{details}}},"request_id":"req_1"}}"#
        )
    };
    let cases = [
        body("overloaded_error", ""),
        body("rate_limit_error", ""),
        body(
            "rate_limit_error",
            r#","details":{"error_code":"ramp_limit_exceeded"}"#,
        ),
        body(
            "rate_limit_error",
            r#","details":{"error_code":"enforced_spend_limit_reached"}"#,
        ),
        body("billing_error", r#","details":null"#),
        body("authentication_error", ""),
        r#"{"type":"error","error":{"type":"api_error"}}"#.to_owned(),
        r#"{"type":"error","error":"no object"}"#.to_owned(),
        "<html><title>502 Bad Gateway</title></html>".to_owned(),
        String::new(),
    ];
    let texts: Vec<String> = cases
        .iter()
        .map(|body| format!("{body}\n{:#?}", read_error(body.as_bytes())))
        .collect();
    insta::assert_snapshot!(texts.join("\n\n"));
}
