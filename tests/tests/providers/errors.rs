//! The mock's errors, as the SDKs read them: each finds status, kind, words and request id where the provider has them.

use callboard_coordinator::provider::Format;
use callboard_mock_provider::{Mock, Options, Script};

use super::left_out::sdks;
use super::sdk::{Failure, Sdk};
use super::words::{first_request, go_on, mock_format};

/// What goes wrong, with the status that each format has for it, in the order of [`Format::ALL`].
const FAULTS: [(&str, [u16; 4]); 8] = [
    (
        "kind = \"rate_limit\"\nretry_after_ms = 5",
        [429, 429, 429, 429],
    ),
    ("kind = \"spend_limit\"", [429, 429, 429, 429]),
    ("kind = \"billing\"", [402, 402, 402, 402]),
    ("kind = \"server_error\"", [500, 500, 500, 500]),
    ("kind = \"overloaded\"", [529, 503, 503, 503]),
    ("kind = \"unavailable\"", [503, 503, 503, 503]),
    ("kind = \"timeout\"", [504, 504, 504, 504]),
    (
        "kind = \"status\"\nstatus = 418\nmessage = \"short and stout\"",
        [418, 418, 418, 418],
    ),
];

/// Streams that end badly.
const BROKEN: [&str; 4] = [
    "kind = \"stream_error\"\nafter_events = 2",
    "kind = \"cut\"\nafter_events = 1",
    "kind = \"cut\"\nafter_events = 1\nmid_event = true",
    "kind = \"html\"\nstatus = 502",
];

/// Two calls, then an answer.
const TWO_CALLS: &str = r#"
[[turn.call]]
tool = "echo"
[[turn.call]]
tool = "echo"

[[turn]]
text = "Hi."
"#;

async fn mock(turn: &str) -> Mock {
    let script = format!("api_key = \"{}\"\n[[turn]]\n{turn}", super::sdk::KEY);
    let script = Script::from_toml("errors", &script).unwrap();
    Mock::start(Options::default(), script).await.unwrap()
}

async fn asked(
    sdk: &mut Sdk,
    format: Format,
    mock: &Mock,
    is_streamed: bool,
) -> Result<(), Failure> {
    let request = first_request(format, is_streamed).sdk;
    let base_url = mock.base_url(mock_format(format));
    sdk.ask(&base_url, is_streamed, &request).await.map(drop)
}

/// What is wrong with an error of a provider's own.
fn faults(format: Format, failure: &Failure, status: u16) -> Vec<&'static str> {
    let mut faults = Vec::new();
    if ["TypeError", "KeyError", "AttributeError"].contains(&failure.class.as_str()) {
        faults.push("the SDK itself broke");
    }
    if failure.status != Some(status) {
        faults.push("the status");
    }
    if failure.kind.as_ref().is_none_or(String::is_empty) {
        faults.push("no kind");
    }
    if failure.message.is_empty() {
        faults.push("no words");
    }
    // Google's SDK doesn't look for one.
    if failure.request_id.is_none() && format != Format::Gemini {
        faults.push("no request id");
    }
    faults
}

#[tokio::test]
async fn the_sdks_read_every_error() {
    let Some(sdks) = sdks("the mock's errors by the SDKs") else {
        return;
    };
    let mut bad = Vec::new();
    for (place, format) in Format::ALL.into_iter().enumerate() {
        let mut sdk = Sdk::start(&sdks, format);
        for (fault, statuses) in FAULTS {
            for is_streamed in [false, true] {
                let mock = mock(&format!("text = \"Hi.\"\n[[turn.fault]]\n{fault}")).await;
                match asked(&mut sdk, format, &mock, is_streamed).await {
                    Ok(()) => bad.push(format!("{format}: {fault}: no error")),
                    Err(failure) => {
                        let wrong = faults(format, &failure, statuses[place]);
                        bad.extend(
                            wrong
                                .iter()
                                .map(|wrong| format!("{format}: {fault}: {wrong}: {failure:?}")),
                        );
                    }
                }
                // A fault is over after one request.
                if let Err(failure) = asked(&mut sdk, format, &mock, is_streamed).await {
                    bad.push(format!("{format}: after {fault}: {failure:?}"));
                }
                mock.stop().await;
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[tokio::test]
async fn the_sdks_notice_every_broken_stream() {
    let Some(sdks) = sdks("the mock's broken streams by the SDKs") else {
        return;
    };
    let mut bad = Vec::new();
    for format in Format::ALL {
        let mut sdk = Sdk::start(&sdks, format);
        for fault in BROKEN {
            let mock = mock(&format!("text = \"Hello there.\"\n[[turn.fault]]\n{fault}")).await;
            if asked(&mut sdk, format, &mock, true).await.is_ok() {
                bad.push(format!("{format}: {fault}"));
            }
            mock.stop().await;
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[tokio::test]
async fn the_sdks_are_refused_where_a_provider_would() {
    let Some(sdks) = sdks("the mock's rules by the SDKs") else {
        return;
    };
    for format in Format::ALL {
        let mut sdk = Sdk::start(&sdks, format);
        let mock = mock(TWO_CALLS).await;
        let base_url = mock.base_url(mock_format(format));
        let first = first_request(format, false).sdk;
        let answer = sdk.ask(&base_url, false, &first).await.unwrap();

        // Calls without results.
        let mut request = first.clone();
        go_on(format, &mut request, &answer.message, None);
        let failure = sdk.ask(&base_url, false, &request).await.unwrap_err();
        assert_eq!(
            faults(format, &failure, 400),
            [""; 0],
            "{format}: {failure:?}"
        );

        // A model that nobody has.
        let mut request = first.clone();
        request["model"] = "nobody".into();
        let failure = sdk.ask(&base_url, false, &request).await.unwrap_err();
        assert_eq!(
            faults(format, &failure, 404),
            [""; 0],
            "{format}: {failure:?}"
        );
        mock.stop().await;

        // Another key.
        let script = "api_key = \"other\"\n[[turn]]\ntext = \"Hi.\"";
        let mock = Mock::start(
            Options::default(),
            Script::from_toml("key", script).unwrap(),
        )
        .await
        .unwrap();
        let failure = asked(&mut sdk, format, &mock, false).await.unwrap_err();
        let status = if format == Format::Gemini { 400 } else { 401 };
        assert_eq!(
            faults(format, &failure, status),
            [""; 0],
            "{format}: {failure:?}"
        );
        assert!(
            !format!("{failure:?}").contains(super::sdk::KEY),
            "{format}: {failure:?}"
        );
        mock.stop().await;
    }
}
