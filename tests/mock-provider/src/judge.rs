//! What a request gets: the checks in the order in which a provider makes them, then the turn, its fault, its answer.

use std::time::Duration;

use crate::answer::{Answer, Asked};
use crate::conversation::echo::Freedom;
use crate::conversation::memory::Memory;
use crate::conversation::{History, Place, Spoken, Violation, calls, echo, merged, rules};
use crate::digest::Digest;
use crate::fault::{Fault, pick};
use crate::format::{Format, anthropic, gemini, openai_unknown_model};
use crate::position::{Position, messages};
use crate::refusal::Refusal;
use crate::reply::{Reply, Served, error};
use crate::request::{Incoming, check_key};
use crate::script::{Script, Turn};

/// What a request gets, and why.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) reply: Reply,
    /// Time before it.
    pub(crate) delay: Duration,
    /// The turn that was asked for, if the request came so far.
    pub(crate) turn: Option<usize>,
    pub(crate) stream: bool,
    /// The fault's name.
    pub(crate) fault: Option<&'static str>,
    /// The rule that the request breaks, and what is said of it.
    pub(crate) refused: Option<(&'static str, String)>,
}

impl Verdict {
    /// What a request gets that breaks a rule.
    pub(crate) fn refused(
        format: Format,
        rule: &'static str,
        refusal: Refusal,
        request_id: &str,
    ) -> Self {
        Self {
            reply: error(format, &refusal, request_id),
            delay: Duration::ZERO,
            turn: None,
            stream: false,
            fault: None,
            refused: Some((rule, refusal.message)),
        }
    }
}

/// A request that breaks a rule.
pub(crate) struct Broken {
    rule: &'static str,
    refusal: Refusal,
    turn: Option<usize>,
}

impl Broken {
    pub(crate) fn new(rule: &'static str, refusal: Refusal) -> Box<Self> {
        Box::new(Self {
            rule,
            refusal,
            turn: None,
        })
    }
}

/// Judges a request.
pub(crate) fn judge(
    script: &Script,
    memory: &mut Memory,
    format: Format,
    version: &str,
    incoming: &Incoming<'_>,
    request_id: &str,
) -> Verdict {
    match served(script, memory, format, version, incoming, request_id) {
        Ok(verdict) => verdict,
        Err(broken) => Verdict {
            turn: broken.turn,
            ..Verdict::refused(format, broken.rule, broken.refusal, request_id)
        },
    }
}

fn served(
    script: &Script,
    memory: &mut Memory,
    format: Format,
    version: &str,
    incoming: &Incoming<'_>,
    request_id: &str,
) -> Result<Verdict, Box<Broken>> {
    check_auth(script, format, incoming).map_err(|refusal| Broken::new("key", refusal))?;
    let (mut asked, history) = format
        .read(incoming)
        .map_err(|refusal| Broken::new("request", refusal))?;
    if asked.model != script.model {
        let refusal = match format {
            Format::Anthropic => anthropic::request::unknown_model(&asked.model),
            Format::Chat | Format::Responses => openai_unknown_model(&asked.model),
            Format::Gemini => gemini::request::unknown_model(&asked.model, version),
        };
        return Err(Broken::new("model", refusal));
    }
    let violated =
        |violation: Violation| Broken::new(violation.name(), format.violated(&violation));
    rules::check(&history, format.dialect(), script.strict.call_order).map_err(violated)?;
    let at = Position::of(script, &history, format, &asked)?;
    asked.hop = at.hop;
    let in_turn = |mut broken: Box<Broken>| {
        broken.turn = Some(at.turn);
        broken
    };
    check_echo(script, memory, format, &asked, &history)
        .map_err(|violation| in_turn(violated(violation)))?;
    at.check_end(script, &history, format).map_err(in_turn)?;
    let served = memory.ask(history.key(format.name()), at.turn);
    memory.answer(history.key(format.name()), history.digest());
    let request = Served {
        format,
        asked: &asked,
        turn: at.spec,
        seed: history.digest(),
        fault: pick(&at.spec.faults, served),
        request_id,
    };
    let reply = request
        .reply()
        .map_err(|refusal| in_turn(Broken::new("script", refusal)))?;
    Ok(Verdict {
        reply,
        delay: Duration::from_millis(at.spec.delay_ms),
        turn: Some(at.turn),
        stream: asked.stream,
        fault: request.fault.map(Fault::name),
        refused: None,
    })
}

fn check_auth(script: &Script, format: Format, incoming: &Incoming<'_>) -> Result<(), Refusal> {
    let (missing, wrong) = match format {
        Format::Anthropic => ("x-api-key header is required", "invalid x-api-key"),
        Format::Chat | Format::Responses => (
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer \
             auth (i.e. Authorization: Bearer YOUR_KEY).",
            "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
        ),
        Format::Gemini => (
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or \
             other form of API consumer identity to call this API.",
            "API key not valid. Please pass a valid API key.",
        ),
    };
    let given = incoming.key(format.key_headers()).map(|(_, key)| key);
    check_key(given, script.api_key.as_ref(), missing, wrong)
}

/// Whether every assistant turn came back as it was sent, and nothing before it changed.
fn check_echo(
    script: &Script,
    memory: &Memory,
    format: Format,
    asked: &Asked,
    history: &History,
) -> Result<(), Violation> {
    let messages = messages(script, format);
    for (turn, (step, back)) in history.turns().skip(script.foreign_turns).enumerate() {
        let Some(turns) = messages.get(turn) else {
            continue;
        };
        let turns = &script.turns[turns.clone()];
        let seed = history.digest_before(step);
        let is_known = memory.knows(history.key(format.name()), seed);
        let at = history.steps[step].at;
        let is_moved = script.strict.append_only && is_known == Some(false);
        let prefix = Violation::Prefix {
            at: Place::new(at, 0),
        };
        if script.strict.echo {
            match compare(turns, format, asked, seed, back, at) {
                Err(violation @ Violation::Signature { .. }) => return Err(violation),
                Err(_) if is_moved => return Err(prefix),
                Err(violation) => return Err(violation),
                Ok(()) => {}
            }
        }
        if is_moved {
            return Err(prefix);
        }
    }
    Ok(())
}

fn compare(
    turns: &[Turn],
    format: Format,
    asked: &Asked,
    seed: Digest,
    back: &[Spoken],
    at: usize,
) -> Result<(), Violation> {
    let with = |calls_max| {
        let mut sent = Vec::new();
        let mut freedom = Freedom::default();
        for turn in turns {
            let answer = Answer::new(turn, asked, seed, format.id_prefix(), calls_max, false);
            if answer.is_cut() || !answer.can_be_compared(format) {
                return Ok(());
            }
            sent.extend(format.echo(&answer));
            freedom = freedom.or(answer.freedom());
        }
        if turns.len() > 1 {
            sent = merged(sent);
        }
        echo::compare(&sent, back, at, freedom)
    };
    // Where only one call is allowed at once now, it was so then, too, or the client has just changed its mind.
    let is_single = !asked.parallel && calls(back).count() == 1;
    with(if is_single { 1 } else { usize::MAX })
}
