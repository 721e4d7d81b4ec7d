//! What a status says about a call: the one table.

use std::time::{Duration, SystemTime};

use callboard_proto::{Executed, FailureKind};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// What becomes of a call that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The answer is the result.
    Answer,
    /// The answer says what the model got wrong; asking the same again is no use.
    Error,
    /// There is no result; asking again may help.
    Failure(FailureKind, Executed),
}

/// Judges a status.
///
/// | status | outcome | executed |
/// |---|---|---|
/// | 2xx | completed | |
/// | 408 | `crashed`: the server says that the request didn't come whole | unknown |
/// | 425, 429 | `overloaded`: refused before it was worked on | no |
/// | 503 with `Retry-After` | `overloaded`: the server refuses by itself | no |
/// | 503 without, 529 | `overloaded`: a proxy may say so after the request went on | unknown |
/// | 502, 504 | `crashed`: a proxy got no answer from the server behind it | unknown |
/// | 501, 505 | completed with an error: the request is one that never works | |
/// | other 5xx | `crashed`: the server broke while it worked | yes |
/// | all others | completed with an error, which the model reads | |
pub(super) fn verdict(status: StatusCode, asks_to_wait: bool) -> Verdict {
    match status.as_u16() {
        200..=299 => Verdict::Answer,
        408 | 502 | 504 => Verdict::Failure(FailureKind::Crashed, Executed::Unknown),
        425 | 429 => Verdict::Failure(FailureKind::Overloaded, Executed::No),
        503 if asks_to_wait => Verdict::Failure(FailureKind::Overloaded, Executed::No),
        503 | 529 => Verdict::Failure(FailureKind::Overloaded, Executed::Unknown),
        501 | 505 => Verdict::Error,
        500..=599 => Verdict::Failure(FailureKind::Crashed, Executed::Yes),
        _ => Verdict::Error,
    }
}

/// The status in words.
pub(super) fn words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// How long the server wishes to be left alone: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn each_status_has_its_verdict() {
        let mut texts = String::new();
        let mut last = String::new();
        for status in 200..=599 {
            let code = StatusCode::from_u16(status).expect("it is a status");
            let said = format!("{:?} / {:?}", verdict(code, false), verdict(code, true));
            if said != last {
                writeln!(texts, "from {status}: {said}").expect("a text can be written to");
                last = said;
            }
        }
        insta::assert_snapshot!(texts);
    }

    #[test]
    fn a_wish_to_wait_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 20:00:00 GMT").expect("it is a date");
        let wish = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().expect("it is a header's value"));
            retry_after(&headers, now)
        };
        assert_eq!(wish("7"), Some(Duration::from_secs(7)));
        assert_eq!(wish(" 0 "), Some(Duration::ZERO));
        assert_eq!(
            wish("Sun, 22 Nov 2026 20:00:03 GMT"),
            Some(Duration::from_secs(3))
        );
        assert_eq!(wish("Sun, 22 Nov 2026 19:00:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["", "-1", "soon", "1.5", "99999999999999999999999"] {
            assert_eq!(wish(nonsense), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
