//! One recorded message: a line of a corpus file.

use std::collections::BTreeMap;
use std::time::Duration;

use callboard_proto::message::RefusalCode;
use callboard_proto::subject::{self, PREFIX};
use callboard_proto::{HEADER_KIND, HEADER_VERSION, Kind, Tenant, version_is_supported};
use serde::{Deserialize, Serialize};

use super::Body;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a coordinator, an operator or a foreign client to workers.
    ToWorker,
    /// From a worker to coordinators.
    FromWorker,
}

/// One message as the server passed it on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// When it was heard, in µs since the recording began.
    pub at_us: u64,
    /// Which way it went.
    pub direction: Direction,
    /// Its subject.
    pub subject: String,
    /// Where its answer goes, if it named a subject for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// Its headers; micro services and questions to them have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What its body is; absent for the question who is there, and where the headers can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The code by which its worker refused it as a whole, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Positions of the items that its worker could not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_items: Vec<usize>,
    /// Its bytes, in hexadecimal.
    #[serde(with = "hex")]
    pub body: Vec<u8>,
}

impl Message {
    /// Takes what the recorder heard; `None` for what is no part of the contract: a process's words to itself, and
    /// other services.
    #[must_use]
    pub fn hear(heard: &async_nats::Message, at: Duration) -> Option<Self> {
        let subject = heard.subject.as_str();
        let family = |name: &str| {
            let rest = subject
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| rest.split('.').next() == Some(name))
        };
        let direction = if subject == subject::DISCOVER || family("worker") || family("call") {
            Direction::ToWorker
        } else if family("reply") || family("beat") {
            Direction::FromWorker
        } else {
            return None;
        };
        let headers: BTreeMap<String, String> = heard
            .headers
            .iter()
            .flat_map(async_nats::HeaderMap::iter)
            .filter_map(|(name, values)| Some((name.to_string(), values.first()?.to_string())))
            .collect();
        let has_headers = headers.contains_key(HEADER_KIND);
        let kind = if has_headers {
            kind_of(&headers)
        } else {
            // The one message without headers is a micro service's own form of an announcement.
            (direction == Direction::FromWorker).then_some(Kind::Announce)
        };
        Some(Self {
            at_us: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
            direction,
            subject: subject.to_owned(),
            reply: heard.reply.as_ref().map(ToString::to_string),
            headers,
            kind: kind.map(|kind| kind.to_string()),
            refused: None,
            bad_items: Vec::new(),
            body: heard.payload.to_vec(),
        })
    }

    /// What its body is, by today's list of kinds.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        self.kind.as_ref()?.parse().ok()
    }

    /// What its headers say to today's reader.
    #[must_use]
    pub fn header_kind(&self) -> Option<Kind> {
        kind_of(&self.headers)
    }

    /// The body, if today's codec reads it.
    #[must_use]
    pub fn decoded(&self) -> Option<Body> {
        Body::decode(self.kind()?, &self.body).ok()
    }

    /// When it was heard, since the recording began.
    #[must_use]
    pub fn at(&self) -> Duration {
        Duration::from_micros(self.at_us)
    }

    /// The tenant that its subject names; `None` for the question who is there.
    #[must_use]
    pub fn tenant(&self) -> Option<Tenant> {
        let mut tokens = self.subject.strip_prefix(PREFIX)?.split('.').skip(2);
        Tenant::new(tokens.next()?).ok()
    }
}

/// Notes on each message what became of it: whether its worker refused it, and which of its items.
pub(super) fn annotate(messages: &mut [Message]) {
    let refusals: BTreeMap<String, RefusalCode> = messages
        .iter()
        .filter_map(|message| {
            let Body::Refusal(refusal) = message.decoded()? else {
                return None;
            };
            Some((message.subject.clone(), refusal.code))
        })
        .collect();
    for message in messages {
        let code = message.reply.as_ref().and_then(|to| refusals.get(to));
        message.refused = code.map(ToString::to_string);
        if let Some(mut body) = message.decoded() {
            message.bad_items = body.take_bad_items();
        }
    }
}

fn kind_of(headers: &BTreeMap<String, String>) -> Option<Kind> {
    headers
        .get(HEADER_VERSION)
        .filter(|version| version_is_supported(version))?;
    headers.get(HEADER_KIND)?.parse().ok()
}

mod hex {
    use std::fmt::Write as _;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            write!(text, "{byte:02x}").expect("writing to a String can't fail");
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text
            .chars()
            .map(|digit| {
                digit
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
            })
            .collect::<Option<Vec<u8>>>()
            .filter(|digits| digits.len() % 2 == 0)
            .ok_or_else(|| D::Error::custom("a body is pairs of hexadecimal digits"))?;
        Ok(digits
            .chunks_exact(2)
            .map(|pair| (pair[0] << 4) | pair[1])
            .collect())
    }
}
