//! Reads that start while their response still streams.

use super::common::{FORMATS, mock, report, run};

/// A slow call, sealed when the second begins, and two quick ones, the last of them long after.
const SLOW: &str = r#"
[[turn]]
[[turn.call]]
tool = "shipping_status"
arguments = { order_id = "O-1034" }
[[turn.call]]
tool = "echo"
arguments = { say = "second" }
[[turn.call]]
tool = "echo"
arguments = { say = "third" }
delay_ms = 500

[[turn]]
expect = ["O-1034", "second", "third"]
text = "Done."
"#;

#[tokio::test]
async fn reads_run_while_the_response_streams() {
    for (format, provider, variable) in FORMATS {
        let mock = mock(SLOW).await;
        let url = mock.base_url(format);
        let more = ["--json", "--eager", "read"];
        let ended = run(provider, variable, &url, &more, |command| command).await;
        let report = report(&ended);
        assert_eq!(ended.code, Some(0), "{provider}: {report}");
        let turn = &report["turns"][0];
        // Responses says of the last call, too, that it is whole before the response is; Gemini sends a last
        // part behind it, and then the end of the stream.
        let is_told = matches!(provider, "openai" | "gemini");
        let early = if is_told { 3 } else { 2 };
        assert_eq!(turn["early_calls"], early, "{provider}: {turn}");
        // The slow one was done when the response was: its 300 ms were waited for anyway.
        assert!(
            turn["hidden_ms"].as_f64().unwrap() > 200.0,
            "{provider}: {turn}"
        );
        for request in mock.requests() {
            assert_eq!(
                request.status,
                Some(200),
                "{provider}: {:?}",
                request.refusal
            );
        }
    }
}

#[tokio::test]
async fn what_a_broken_response_started_is_settled_and_never_shown() {
    for (format, provider, variable) in FORMATS {
        let fault = "\n[[turn.fault]]\nkind = \"cut\"\nafter_events = EVENTS\n\n[[turn]]\nexpect";
        // Somewhere behind the start of the second call, which is another event in each format.
        let events = match provider {
            "anthropic" => 7,
            "openai-chat" => 6,
            "openai" => 9,
            _ => 2,
        };
        let fault = fault.replace("EVENTS", &events.to_string());
        let mock = mock(&SLOW.replace("\n[[turn]]\nexpect", &fault)).await;
        let url = mock.base_url(format);
        let more = ["--json", "--eager", "read"];
        let ended = run(provider, variable, &url, &more, |command| command).await;
        let report = report(&ended);
        assert_eq!(ended.code, Some(0), "{provider}: {report}");
        assert_eq!(report["end"]["reason"], "answered", "{provider}: {report}");
        // The strict mock would refuse a conversation that holds anything of the broken response.
        let statuses: Vec<_> = mock
            .requests()
            .iter()
            .map(|request| request.status)
            .collect();
        assert_eq!(statuses, [Some(200); 3], "{provider}");
    }
}
