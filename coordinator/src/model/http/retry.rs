//! Whether a question is asked again, and when. Pure: a failure and a die's throw in, a verdict out.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::provider::{ApiError, Format};

/// How often a question is asked again, and how long is waited. The numbers are those of the providers'
/// own libraries (anthropic 2.12.0, openai 3.54.0), but for the jitter, which is full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// Times that a question is asked again, at most.
    pub retries_max: u32,
    /// The longest wait before the first time; it doubles with each.
    pub wait: Duration,
    /// The longest wait that isn't the provider's own wish.
    pub wait_max: Duration,
    /// The longest wait that a provider may wish for; for longer ones nobody waits.
    pub wished_wait_max: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            retries_max: 2,
            wait: Duration::from_millis(500),
            wait_max: Duration::from_secs(8),
            wished_wait_max: Duration::from_secs(120),
        }
    }
}

/// What an answer's headers say of asking again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    /// Whether it is any use (`x-should-retry`).
    pub(super) should_retry: Option<bool>,
    /// When (`retry-after-ms`, `retry-after`).
    pub(super) retry_after: Option<Duration>,
}

impl Hints {
    pub(super) fn read(headers: &HeaderMap, now: SystemTime) -> Self {
        let header = |name| headers.get(name)?.to_str().ok();
        let in_ms = header("retry-after-ms")
            .and_then(|text| text.trim().parse::<f64>().ok())
            .map(|ms| ms / 1_000.0);
        let in_seconds = || header("retry-after")?.trim().parse::<f64>().ok();
        let at = || {
            let date = httpdate::parse_http_date(header("retry-after")?).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        };
        Self {
            should_retry: match header("x-should-retry") {
                Some("true") => Some(true),
                Some("false") => Some(false),
                Some(_) | None => None,
            },
            retry_after: in_ms
                .or_else(in_seconds)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .or_else(at),
        }
    }
}

/// A failure, as far as asking again goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault<'a> {
    /// The provider answered with a status that isn't a success.
    Refused {
        status: u16,
        hints: Hints,
        error: &'a ApiError,
    },
    /// There is no whole answer, and no reason why the next try should end like this one.
    Passing {
        /// How long the provider wishes to be left alone.
        wish: Option<Duration>,
    },
    /// The next try would end the same.
    Lasting,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Wait so long, then ask again.
    Again(Duration),
    /// The provider wishes for so long a wait that nobody waits.
    TooLong(Duration),
    /// Asking again is no use, or was done often enough.
    GiveUp,
}

impl RetryLimits {
    /// Decides after a failure. `retries` is how often the question was asked again before, `dice` is
    /// between 0 and 1.
    pub(super) fn judge(
        &self,
        format: Format,
        fault: Fault<'_>,
        retries: u32,
        dice: f64,
    ) -> Verdict {
        let wish = match fault {
            Fault::Lasting => return Verdict::GiveUp,
            Fault::Passing { wish } => wish,
            Fault::Refused {
                status,
                hints,
                error,
            } => {
                let may_pass =
                    !error.is_final && hints.should_retry.unwrap_or(may_pass(format, status));
                if !may_pass {
                    return Verdict::GiveUp;
                }
                hints.retry_after.or(error.retry_after)
            }
        };
        match wish.filter(|wish| !wish.is_zero()) {
            Some(wish) if wish > self.wished_wait_max => Verdict::TooLong(wish),
            _ if retries >= self.retries_max => Verdict::GiveUp,
            Some(wish) => Verdict::Again(wish),
            None => {
                let longest = self
                    .wait
                    .saturating_mul(1 << retries.min(16))
                    .min(self.wait_max);
                Verdict::Again(longest.mul_f64(dice.clamp(0.0, 1.0)))
            }
        }
    }
}

/// Whether what a status says may be over the next time.
const fn may_pass(format: Format, status: u16) -> bool {
    match format {
        Format::Anthropic | Format::Chat | Format::Responses => {
            matches!(status, 408 | 409 | 429) || status >= 500
        }
        Format::Gemini => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn hints(pairs: &[(&str, &str)]) -> Hints {
        let headers = pairs.iter().map(|(name, value)| {
            (
                name.parse::<HeaderName>().expect("it is a header's name"),
                HeaderValue::from_str(value).expect("it is a header's value"),
            )
        });
        let now = httpdate::parse_http_date("Sun, 22 Nov 2026 20:00:00 GMT").expect("it is a date");
        Hints::read(&headers.collect(), now)
    }

    #[test]
    fn headers_say_whether_and_when() {
        let after = |pairs: &[(&str, &str)]| hints(pairs).retry_after;
        assert_eq!(hints(&[]), Hints::default());
        assert_eq!(after(&[("retry-after", "2")]), Some(ms(2_000)));
        assert_eq!(after(&[("retry-after", "0.5")]), Some(ms(500)));
        assert_eq!(
            after(&[("retry-after", "9"), ("retry-after-ms", "70")]),
            Some(ms(70))
        );
        assert_eq!(
            after(&[("retry-after", "Sun, 22 Nov 2026 20:00:03 GMT")]),
            Some(ms(3_000))
        );
        assert_eq!(
            after(&[("retry-after", "Sun, 22 Nov 2026 19:00:00 GMT")]),
            Some(ms(0))
        );
        for nonsense in ["-1", "soon", "NaN", "1e400", ""] {
            assert_eq!(after(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        for (word, expected) in [("true", Some(true)), ("false", Some(false)), ("x", None)] {
            assert_eq!(hints(&[("x-should-retry", word)]).should_retry, expected);
        }
    }

    #[test]
    fn each_provider_has_its_statuses() {
        let all = 100..=999;
        let passing = |format| -> Vec<u16> {
            let statuses = all.clone().filter(|status| may_pass(format, *status));
            statuses.filter(|status| *status <= 530).collect()
        };
        let sdk: Vec<u16> = [408, 409, 429].into_iter().chain(500..=530).collect();
        for format in [Format::Anthropic, Format::Chat, Format::Responses] {
            assert_eq!(passing(format), sdk);
        }
        assert_eq!(passing(Format::Gemini), [408, 429, 500, 502, 503, 504]);
    }

    #[test]
    fn a_verdict_for_each_case() {
        let limits = RetryLimits::default();
        let plain = ApiError::default();
        let spent = ApiError {
            is_final: true,
            ..ApiError::default()
        };
        let asked_to_wait = ApiError {
            retry_after: Some(ms(34_000)),
            ..ApiError::default()
        };
        let refused = |status, pairs: &[(&str, &str)], error| Fault::Refused {
            status,
            hints: hints(pairs),
            error,
        };
        let judge = |fault, retries| limits.judge(Format::Anthropic, fault, retries, 1.0);
        let again = |ms| Verdict::Again(Duration::from_millis(ms));
        let yes = [("x-should-retry", "true")];
        let no = [("x-should-retry", "false")];
        let cases = [
            (judge(refused(529, &[], &plain), 0), again(500)),
            (judge(refused(529, &[], &plain), 1), again(1_000)),
            (judge(refused(529, &[], &plain), 2), Verdict::GiveUp),
            (judge(refused(400, &[], &plain), 0), Verdict::GiveUp),
            (judge(refused(400, &yes, &plain), 0), again(500)),
            (judge(refused(500, &no, &plain), 0), Verdict::GiveUp),
            // A limit of money isn't waited for, whatever the headers say.
            (judge(refused(429, &yes, &spent), 0), Verdict::GiveUp),
            (
                judge(refused(429, &[("retry-after", "7")], &plain), 1),
                again(7_000),
            ),
            (
                judge(refused(429, &[("retry-after", "7")], &plain), 2),
                Verdict::GiveUp,
            ),
            (
                judge(refused(429, &[("retry-after", "0")], &plain), 0),
                again(500),
            ),
            (
                judge(refused(429, &[("retry-after", "120")], &plain), 0),
                again(120_000),
            ),
            (
                judge(refused(429, &[("retry-after", "121")], &plain), 0),
                Verdict::TooLong(ms(121_000)),
            ),
            // The body says it where no header does.
            (judge(refused(429, &[], &asked_to_wait), 0), again(34_000)),
            (
                judge(refused(429, &[("retry-after-ms", "5")], &asked_to_wait), 0),
                again(5),
            ),
            (judge(Fault::Passing { wish: None }, 1), again(1_000)),
            (judge(Fault::Passing { wish: Some(ms(9)) }, 0), again(9)),
            (judge(Fault::Lasting, 0), Verdict::GiveUp),
        ];
        for (number, (got, expected)) in cases.into_iter().enumerate() {
            assert_eq!(got, expected, "case {number}");
        }
    }

    #[test]
    fn waits_grow_to_their_longest_and_the_dice_shorten_them() {
        let limits = RetryLimits {
            retries_max: 100,
            ..RetryLimits::default()
        };
        let wait = |retries, dice| {
            limits.judge(Format::Chat, Fault::Passing { wish: None }, retries, dice)
        };
        let longest = [500, 1_000, 2_000, 4_000, 8_000, 8_000];
        for (retries, longest) in (0..).zip(longest) {
            assert_eq!(wait(retries, 1.0), Verdict::Again(ms(longest)));
            assert_eq!(wait(retries, 0.5), Verdict::Again(ms(longest / 2)));
            assert_eq!(wait(retries, 0.0), Verdict::Again(ms(0)));
        }
        assert_eq!(wait(99, 1.0), Verdict::Again(ms(8_000)));
    }
}
