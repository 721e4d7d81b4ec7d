//! Refusals.

use crate::provider::chat::read_error;

#[test]
fn errors_are_read_in_each_of_their_forms() {
    let cases = [
        r#"{"error":{"message":"Rate limit reached for m","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        r#"{"error":{"message":"No credit","type":"insufficient_quota","code":"credit_balance_exhausted"}}"#,
        r#"{"error":{"message":"Incorrect API key provided: sk-1","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
        r#"{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}"#,
        r#"{"error":{"message":"Overloaded","type":"service_unavailable_error","code":"server_is_overloaded"},"request_id":"req_1"}"#,
        // llama.cpp
        r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
        r#"{"error":{"code":500,"message":"tools param requires --jinja flag","type":"server_error"}}"#,
        r#"{"error":{"code":"400","message":"bad","type":"invalid_request_error"}}"#,
        // vLLM, as it was and as it is
        r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}"#,
        r#"{"error":{"message":"engine died","type":"InternalServerError","param":null,"code":500}}"#,
        // The event `error` of Responses, and the error of a failed response
        r#"{"type":"error","code":"server_error","message":"boom","param":null,"sequence_number":3}"#,
        r#"{"code":"rate_limit_exceeded","message":"slow"}"#,
        // Ollama, FastAPI
        r#"{"error":"model 'x' not found"}"#,
        r#"{"detail":"Not Found"}"#,
        r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
        // Not the provider's
        "<html><body>502 Bad Gateway</body></html>",
        "",
        "{}",
        "[]",
        "{\"error\":{}}",
    ];
    let mut texts = String::new();
    for case in cases {
        texts.push_str(&format!("{case}\n=> {:?}\n\n", read_error(case.as_bytes())));
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn a_long_message_is_cut_and_bytes_that_are_no_text_do_no_harm() {
    let long = format!("{{\"error\":{{\"message\":\"{}\"}}}}", "\u{e4}".repeat(600));
    assert_eq!(read_error(long.as_bytes()).message.chars().count(), 501);
    let error = read_error(b"\xff\xfe");
    assert_eq!(error.code, "");
    assert!(!error.is_retryable && !error.is_final);
}
