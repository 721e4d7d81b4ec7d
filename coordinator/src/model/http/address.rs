//! Where a provider is asked.

use reqwest::Url;

use crate::provider::Format;

/// Why a base URL can't be used. Its text doesn't show the URL's login.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("the base URL can't be read; write it like {example}")]
    NoUrl {
        /// One that can.
        example: &'static str,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// It is none that can be asked.
    #[error("the base URL can't be used: {what}; write it like {example}")]
    Unusable {
        /// What is wrong with it.
        what: &'static str,
        /// One that can.
        example: &'static str,
    },
}

/// A provider's base URL: its own, or one that a path is appended to.
#[derive(Clone, Debug)]
pub(super) struct BaseUrl(Url);

impl BaseUrl {
    /// Reads a base URL. One without a path gets the format's usual one.
    pub(super) fn new(
        format: Format,
        text: Option<&str>,
        version: Option<&str>,
    ) -> Result<Self, AddressError> {
        let example = usual(format);
        let unusable = |what| AddressError::Unusable { what, example };
        let mut url = Url::parse(text.unwrap_or(example))
            .map_err(|source| AddressError::NoUrl { example, source })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unusable("it is no http or https URL"));
        }
        if !url.has_host() {
            return Err(unusable("it names no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unusable("it holds a login; give it as a header"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(unusable("it has a query or a fragment"));
        }
        if text.is_none() || url.path() == "/" {
            let path = match format {
                // The version is in a header, and `/v1` in the path of each request.
                Format::Anthropic => "",
                Format::Chat | Format::Responses => "v1",
                Format::Gemini => version.unwrap_or("v1"),
            };
            url.set_path(path);
        }
        Ok(Self(url))
    }

    /// The address for a path that begins with `/`. A first segment that the base ends with already
    /// isn't repeated: some write `…/v1` where the path brings it along.
    pub(super) fn join(&self, path_and_query: &str) -> Url {
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let base = self.0.path().trim_end_matches('/');
        let first = path.split('/').nth(1).unwrap_or_default();
        let base = base.strip_suffix(first).filter(|base| base.ends_with('/'));
        let base = base.unwrap_or_else(|| self.0.path()).trim_end_matches('/');
        let mut url = self.0.clone();
        url.set_path(&format!("{base}{path}"));
        url.set_query(query);
        url
    }

    /// Whether what is sent can be read on the way, and not only on this machine.
    pub(super) fn is_open(&self) -> bool {
        let is_here = match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.0.scheme() == "http" && !is_here
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

/// The provider's own base URL.
const fn usual(format: Format) -> &'static str {
    match format {
        Format::Anthropic => "https://api.anthropic.com",
        Format::Chat | Format::Responses => "https://api.openai.com/v1",
        Format::Gemini => "https://generativelanguage.googleapis.com/v1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_as_people_mean_it() {
        let at = |format, base: Option<&str>, version: Option<&str>, path: &str| {
            let base = BaseUrl::new(format, base, version).expect("it is one");
            base.join(path).to_string()
        };
        let messages = "/v1/messages";
        for (base, expected) in [
            (None, "https://api.anthropic.com/v1/messages"),
            (Some("http://h:1"), "http://h:1/v1/messages"),
            (Some("http://h:1/"), "http://h:1/v1/messages"),
            (Some("http://h:1/v1"), "http://h:1/v1/messages"),
            (Some("http://h:1/v1/"), "http://h:1/v1/messages"),
            (Some("http://h/gate/xv1"), "http://h/gate/xv1/v1/messages"),
        ] {
            assert_eq!(at(Format::Anthropic, base, None, messages), expected);
        }
        let chat = "/chat/completions";
        for (base, expected) in [
            (None, "https://api.openai.com/v1/chat/completions"),
            (Some("http://h:1"), "http://h:1/v1/chat/completions"),
            (Some("http://h:1/gate"), "http://h:1/gate/chat/completions"),
        ] {
            assert_eq!(at(Format::Chat, base, None, chat), expected);
        }
        let gemini = "/models/m:streamGenerateContent?alt=sse";
        for (base, version, expected) in [
            (
                None,
                None,
                "https://generativelanguage.googleapis.com/v1/models/m:streamGenerateContent?alt=sse",
            ),
            (
                None,
                Some("v1beta"),
                "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
            ),
            (
                Some("http://h"),
                Some("v1beta"),
                "http://h/v1beta/models/m:streamGenerateContent?alt=sse",
            ),
            (
                Some("http://h/v9"),
                Some("v1beta"),
                "http://h/v9/models/m:streamGenerateContent?alt=sse",
            ),
        ] {
            assert_eq!(at(Format::Gemini, base, version, gemini), expected);
        }
    }

    #[test]
    fn what_can_not_be_asked_is_refused() {
        let errors = [
            "",
            "api.openai.com",
            "ftp://h",
            "http://",
            "https://user:secret@h",
            "https://h/?key=secret",
            "https://h/#a",
        ]
        .map(|text| {
            let error = BaseUrl::new(Format::Chat, Some(text), None).expect_err("it is none");
            let text = error.to_string();
            assert!(!text.contains("secret"), "{text}");
            text
        });
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn an_open_line_is_one_that_leaves_the_machine_unencrypted() {
        let is_open = |text| {
            let base = BaseUrl::new(Format::Chat, Some(text), None).expect("it is one");
            base.is_open()
        };
        assert!(is_open("http://10.0.0.1") && is_open("http://gpu.local:8000/v1"));
        for text in [
            "https://10.0.0.1",
            "http://127.0.0.1:1",
            "http://localhost:11434",
            "http://[::1]",
        ] {
            assert!(!is_open(text), "{text}");
        }
    }
}
