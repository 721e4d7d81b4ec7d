//! The addresses of a server, apart from the login that they may carry: addresses are shown in
//! errors and logs, logins never.

use std::fmt;
use std::str::FromStr;

use super::LinkError;

/// How a client says who it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// By name and password.
    User {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// By a token alone.
    Token(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { user, .. } => write!(f, "User({user}, …)"),
            Self::Token(_) => f.write_str("Token(…)"),
        }
    }
}

/// One or more server URLs of one cluster, as people write them: separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrls {
    addresses: Vec<String>,
    login: Option<Login>,
}

impl ServerUrls {
    /// The addresses, `scheme://host[:port]`, without a login; at least one.
    #[must_use]
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// The login of the first URL that carries one.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }
}

impl fmt::Display for ServerUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.addresses.join(", "))
    }
}

impl FromStr for ServerUrls {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let mut urls = Self {
            addresses: Vec::new(),
            login: None,
        };
        for url in text.split(',') {
            let (address, login) = parse(url.trim())?;
            urls.addresses.push(address);
            urls.login = urls.login.or(login);
        }
        Ok(urls)
    }
}

/// `[scheme://][user[:password]@]host[:port][/]`
fn parse(url: &str) -> Result<(String, Option<Login>), LinkError> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("nats", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A password may hold an '@' that nobody escaped; a host can't.
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    let refuse = |reason: &str| LinkError::Url {
        url: format!("{scheme}://{host}"),
        reason: reason.to_owned(),
    };
    if scheme != "nats" && scheme != "tls" {
        return Err(refuse("its scheme is neither nats nor tls"));
    }
    let (name, port) = match host.rsplit_once(':') {
        // Not the colons of an IPv6 address in brackets.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        Some(_) | None => (host, None),
    };
    if name.is_empty() {
        return Err(refuse("it has no host"));
    }
    if name.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err(refuse("its host holds a space"));
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        // What stands there may be a password whose host was forgotten.
        return Err(LinkError::Url {
            url: format!("{scheme}://{name}:…"),
            reason: "its port is no number from 0 to 65535".to_owned(),
        });
    }
    let login = login.map(|login| match login.split_once(':') {
        Some((user, password)) => Login::User {
            user: unescape(user),
            password: unescape(password),
        },
        None => Login::Token(unescape(login)),
    });
    Ok((format!("{scheme}://{host}"), login))
}

/// `%40` and its like as the characters that they stand for; what is no escape stays.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(escaped) = escaped {
            bytes.push(escaped);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(text: &str) -> ServerUrls {
        text.parse().expect(text)
    }

    #[test]
    fn reads_addresses_and_logins_apart() {
        let plain = urls("localhost");
        assert_eq!(plain.addresses(), ["nats://localhost"]);
        assert_eq!(plain.login(), None);

        let cluster = urls("nats://u:p%40ss@a:4222, tls://b:4223/");
        assert_eq!(cluster.addresses(), ["nats://a:4222", "tls://b:4223"]);
        let login = Login::User {
            user: "u".to_owned(),
            password: "p@ss".to_owned(),
        };
        assert_eq!(cluster.login(), Some(&login));

        let token = urls("nats://s3cret@[::1]:4222");
        assert_eq!(token.addresses(), ["nats://[::1]:4222"]);
        assert_eq!(token.login(), Some(&Login::Token("s3cret".to_owned())));
        assert_eq!(urls("nats://[::1]").addresses(), ["nats://[::1]"]);
    }

    #[test]
    fn shows_no_secret() {
        let urls = urls("nats://user:hunter2@host:4222,nats://tok3n@other");
        for shown in [urls.to_string(), format!("{urls:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(!shown.contains("tok3n"), "{shown}");
        }
        let error = "http://user:hunter2@host"
            .parse::<ServerUrls>()
            .expect_err("http");
        assert_eq!(
            error.to_string(),
            "\"http://host\" names no NATS server: its scheme is neither nats nor tls; \
             write it as nats://host:4222 or tls://host:4222"
        );
        let hostless = "nats://user:hunter2"
            .parse::<ServerUrls>()
            .expect_err("no host");
        assert!(!hostless.to_string().contains("hunter2"), "{hostless}");
    }

    #[test]
    fn refuses_what_names_no_server() {
        for text in [
            "",
            "nats://",
            "nats://:4222",
            "nats://host:port",
            "nats://a,",
            "nats://a b",
            "ws://a",
        ] {
            assert!(text.parse::<ServerUrls>().is_err(), "{text}");
        }
    }
}
