//! `[provider.…]`: where each provider is and how it is asked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use callboard_coordinator::model::http::{self, ApiKey, Auth, HttpOptions, RetryLimits};
use callboard_coordinator::provider::{ChatDialect, Format};
use serde::{Deserialize, Serialize, Serializer};

use super::optional_duration;
use crate::exit::{BadInput, bad_input};

/// `[provider]`: one section for each format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Providers {
    #[serde(skip_serializing_if = "Provider::is_default")]
    pub(crate) anthropic: Provider,
    #[serde(skip_serializing_if = "Provider::is_default")]
    pub(crate) openai: Provider,
    #[serde(
        rename = "openai-chat",
        alias = "openai_chat",
        skip_serializing_if = "Provider::is_default"
    )]
    pub(crate) openai_chat: Provider,
    #[serde(skip_serializing_if = "Provider::is_default")]
    pub(crate) gemini: Provider,
}

/// `[provider.anthropic]` and its like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Provider {
    /// Where it is; without a path, the format's usual one is taken.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "without_login"
    )]
    pub(crate) base_url: Option<String>,
    /// The variable that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_env: Option<String>,
    /// The file that holds the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// How the key is shown; for Anthropic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<AuthWord>,
    /// The version of the API: Anthropic's header, Gemini's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// Beta features; for Anthropic.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) betas: Vec<String>,
    /// What the server makes of the format; for `openai-chat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dialect: Option<DialectWord>,
    /// Headers to add. They may be secrets, so they aren't printed.
    #[serde(
        skip_serializing_if = "BTreeMap::is_empty",
        serialize_with = "without_values"
    )]
    pub(crate) headers: BTreeMap<String, String>,
    /// Time without a byte.
    #[serde(with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Duration>,
    /// Times that a question is asked again, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retries: Option<u32>,
    /// A proxy to go through.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "without_login"
    )]
    pub(crate) proxy: Option<String>,
}

/// How a key is shown to Anthropic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AuthWord {
    /// `Authorization: Bearer`.
    #[serde(rename = "bearer")]
    Bearer,
    /// `x-api-key`.
    #[serde(rename = "x-api-key")]
    ApiKeyHeader,
}

/// What a server makes of the Chat format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DialectWord {
    /// What OpenAI does.
    Openai,
    /// What vLLM, Ollama, llama.cpp and the like do.
    Compatible,
    /// What servers do that refuse what they don't know.
    Minimal,
}

impl Providers {
    pub(crate) fn of(&self, format: Format) -> &Provider {
        match format {
            Format::Anthropic => &self.anthropic,
            Format::Chat => &self.openai_chat,
            Format::Responses => &self.openai,
            Format::Gemini => &self.gemini,
        }
    }

    pub(crate) fn of_mut(&mut self, format: Format) -> &mut Provider {
        match format {
            Format::Anthropic => &mut self.anthropic,
            Format::Chat => &mut self.openai_chat,
            Format::Responses => &mut self.openai,
            Format::Gemini => &mut self.gemini,
        }
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks whatever only their use would check.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        Format::ALL
            .into_iter()
            .try_for_each(|format| self.of(format).check(format))
    }
}

impl Provider {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn check(&self, format: Format) -> anyhow::Result<()> {
        let section = format!("provider.{format}");
        let refused = |key: &str, for_whom: &str| {
            Err(BadInput(format!(
                "{section}.{key} is for {for_whom} alone; leave it out"
            ))
            .into())
        };
        if format != Format::Anthropic && self.auth.is_some() {
            return refused("auth", "anthropic");
        }
        if format != Format::Anthropic && !self.betas.is_empty() {
            return refused("betas", "anthropic");
        }
        if format != Format::Chat && self.dialect.is_some() {
            return refused("dialect", "openai-chat");
        }
        if matches!(format, Format::Chat | Format::Responses) && self.version.is_some() {
            return refused("version", "anthropic and gemini");
        }
        if self.api_key_env.is_some() && self.api_key_file.is_some() {
            return Err(BadInput(format!(
                "{section}.api_key_env and {section}.api_key_file both name the key; give one"
            ))
            .into());
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(BadInput(format!(
                "{section}.timeout = 0 lets nothing come; write it like \"120s\""
            ))
            .into());
        }
        if let Some(url) = &self.base_url {
            http::check_base_url(format, url)
                .map_err(|error| BadInput(format!("{section}.base_url: {}", bad_input(error))))?;
        }
        Ok(())
    }

    /// How the provider is asked, key and all.
    pub(crate) fn options(&self, format: Format) -> anyhow::Result<HttpOptions> {
        let mut retries = RetryLimits::default();
        retries.retries_max = self.retries.unwrap_or(retries.retries_max);
        Ok(HttpOptions {
            base_url: self.base_url.clone(),
            key: self.key(format)?,
            is_key_meant: self.api_key_env.is_some() || self.api_key_file.is_some(),
            auth: match self.auth {
                None | Some(AuthWord::Bearer) => Auth::Bearer,
                Some(AuthWord::ApiKeyHeader) => Auth::ApiKeyHeader,
            },
            version: self.version.clone(),
            betas: self.betas.clone(),
            headers: self.headers.clone().into_iter().collect(),
            idle_timeout: self.timeout,
            retries,
            proxy: self.proxy.clone(),
            ..HttpOptions::default()
        })
    }

    /// The key. A server of one's own may want none, so there it is only sent where there is one.
    fn key(&self, format: Format) -> anyhow::Result<Option<ApiKey>> {
        let key = match (&self.api_key_env, &self.api_key_file) {
            (Some(variable), _) => ApiKey::from_variable(variable),
            (None, Some(path)) => ApiKey::from_file(path),
            (None, None) => {
                let variable = usual_variable(format);
                if self.base_url.is_some() && std::env::var_os(variable).is_none() {
                    return Ok(None);
                }
                ApiKey::from_variable(variable)
            }
        };
        key.map(Some).map_err(|error| {
            let code = error.code();
            BadInput(format!("{} [{code}]", bad_input(error))).into()
        })
    }

    /// Whether a key is there, and where it comes from or why it doesn't. Never the key.
    pub(crate) fn key_origin(&self, format: Format) -> Result<Option<String>, String> {
        match self.key(format) {
            Ok(key) => Ok(key.map(|key| key.origin().to_owned())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What the server makes of the Chat format: OpenAI's own way at its own address.
    pub(crate) fn dialect(&self) -> ChatDialect {
        match self.dialect {
            Some(DialectWord::Openai) => ChatDialect::OpenAi,
            Some(DialectWord::Compatible) => ChatDialect::Compatible,
            Some(DialectWord::Minimal) => ChatDialect::Minimal,
            None if self.base_url.is_some() => ChatDialect::Compatible,
            None => ChatDialect::OpenAi,
        }
    }
}

/// The variable that holds the key where none is configured, as the providers' libraries have it.
const fn usual_variable(format: Format) -> &'static str {
    match format {
        Format::Anthropic => "ANTHROPIC_API_KEY",
        Format::Chat | Format::Responses => "OPENAI_API_KEY",
        Format::Gemini => "GEMINI_API_KEY",
    }
}

/// A URL without the login that it may carry.
fn without_login<S: Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = url.as_ref().map(|url| match url.rsplit_once('@') {
        Some((_, address)) => format!("(hidden)@{address}"),
        None => url.clone(),
    });
    shown.serialize(serializer)
}

fn without_values<S: Serializer>(
    headers: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.keys().map(|name| (name, "(hidden)")))
}
