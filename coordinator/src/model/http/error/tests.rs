//! What each failure says.

use super::*;

fn told(failure: Failure, attempts: u32, request_id: Option<&str>) -> String {
    let error = ProviderError {
        format: Format::Anthropic,
        model: "claude-x".to_owned(),
        base_url: "https://api.anthropic.com".to_owned(),
        key_origin: Some("the variable ANTHROPIC_API_KEY".to_owned()),
        attempts,
        request_id: request_id.map(str::to_owned),
        again: if attempts == 2 {
            Again::TooLong(Duration::from_secs(300))
        } else {
            Again::Never
        },
        failure,
    };
    let cause = error
        .source()
        .map_or_else(String::new, |cause| format!(": {cause}"));
    format!("{error}{cause}")
}

fn refused(status: u16, code: &str, detail: Option<&str>, message: &str) -> Failure {
    Failure::Refused {
        status,
        error: ApiError {
            code: code.to_owned(),
            detail: detail.map(str::to_owned),
            message: message.to_owned(),
            is_final: detail == Some("enforced_spend_limit_reached"),
            ..ApiError::default()
        },
    }
}

#[test]
fn each_failure_says_what_happened_and_what_to_do() {
    let id = Some("req_1");
    let overloaded = ApiError {
        code: "overloaded_error".to_owned(),
        message: "Overloaded".to_owned(),
        is_retryable: true,
        ..ApiError::default()
    };
    let texts = [
        told(
            refused(401, "authentication_error", None, "invalid x-api-key"),
            1,
            id,
        ),
        told(
            refused(
                400,
                "INVALID_ARGUMENT",
                Some("API_KEY_INVALID"),
                "API key not valid.",
            ),
            1,
            None,
        ),
        told(refused(403, "permission_error", None, ""), 1, id),
        told(refused(402, "billing_error", None, "Pay."), 1, id),
        told(
            refused(
                429,
                "rate_limit_error",
                Some("enforced_spend_limit_reached"),
                "Spent.",
            ),
            1,
            id,
        ),
        told(
            refused(404, "not_found_error", None, "model: claude-x"),
            1,
            id,
        ),
        told(
            refused(413, "request_too_large", None, "Too large."),
            1,
            None,
        ),
        told(refused(429, "rate_limit_error", None, "Slow down."), 3, id),
        told(refused(429, "rate_limit_error", None, "Slow down."), 2, id),
        told(refused(529, "overloaded_error", None, "Overloaded"), 3, id),
        told(refused(502, "", None, "the body is an HTML page"), 3, None),
        told(
            refused(400, "invalid_request_error", None, "max_tokens: too large"),
            1,
            id,
        ),
        told(
            Failure::Foreign {
                status: 200,
                body: "the body is an HTML page, and not the provider's JSON: \"Welcome\""
                    .to_owned(),
            },
            1,
            None,
        ),
        told(
            Failure::Redirected {
                status: 308,
                to: "https://elsewhere/v1".to_owned(),
            },
            1,
            None,
        ),
        told(
            Failure::Silent {
                after: Duration::from_secs(120),
                has_begun: false,
            },
            3,
            None,
        ),
        told(
            Failure::Silent {
                after: Duration::from_secs(120),
                has_begun: true,
            },
            1,
            id,
        ),
        told(Failure::TooLarge { bytes_max: 1_000 }, 1, id),
        told(Failure::Stream(StreamError::Cut), 3, id),
        told(
            Failure::Stream(StreamError::Provider(Box::new(overloaded))),
            3,
            id,
        ),
        told(
            Failure::Stream(StreamError::Contradiction(
                "a second message_start".to_owned(),
            )),
            3,
            id,
        ),
        told(
            Failure::Answer(ParseError::EmptyId {
                format: Format::Anthropic,
                index: 0,
            }),
            1,
            id,
        ),
    ];
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn what_helps_depends_on_whether_it_is_asked_again() {
    let told = |again| {
        let error = ProviderError {
            format: Format::Gemini,
            model: "g".to_owned(),
            base_url: "https://example".to_owned(),
            key_origin: None,
            attempts: 1,
            request_id: Some("req_1".to_owned()),
            again,
            failure: refused(429, "RESOURCE_EXHAUSTED", None, "Slow down."),
        };
        (error.to_string(), error.again.after())
    };
    let failure = "gemini at https://example answered 429 RESOURCE_EXHAUSTED: Slow down \
                   (model_rate_limit, request req_1)";
    let wait = Duration::from_secs(34);
    assert_eq!(told(Again::After(wait)), (failure.to_owned(), Some(wait)));
    let left = Duration::from_millis(1_520);
    let (text, after) = told(Again::OutOfTime { wait, left });
    assert_eq!(after, None);
    assert_eq!(
        text,
        format!(
            "{failure}; it may be asked again in 34.0 s, and the run has 1.5 s left: give it more time, or run it later"
        )
    );
    let id = Some("req_1".to_owned());
    let account = unknown_stop(Format::Gemini, "https://example", "NEW", id.clone(), 2, 0);
    let details = account.details;
    assert_eq!(
        (details.code, details.request_id, details.attempts),
        ("model_stop", id, 2)
    );
    assert_eq!(
        account.message,
        "gemini at https://example stopped its response for \"NEW\", after which this version can't go on (model_stop, \
         request req_1); nothing of it was run; ask again, and if it stays, another model is needed"
    );
    let text = unknown_stop(Format::Gemini, "https://example", "NEW", None, 1, 1).message;
    assert!(text.contains("no further call of it was run"), "{text}");
}

#[test]
fn the_cause_comes_before_the_cure() {
    let error = ProviderError {
        format: Format::Chat,
        model: "m".to_owned(),
        base_url: "https://example".to_owned(),
        key_origin: None,
        attempts: 1,
        request_id: None,
        again: Again::Never,
        failure: Failure::Stream(StreamError::Contradiction("it began twice".to_owned())),
    };
    assert_eq!(
        error.told(),
        "openai-chat at https://example gave a response that can't be worked with (model_stream): the provider's \
         stream contradicts itself: it began twice; ask again without streaming, and report this"
    );
}
