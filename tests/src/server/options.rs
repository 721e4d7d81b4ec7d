//! What a test asks of its server, and the configuration file that says so.

use std::fmt::Write as _;

/// What a test asks of its server beyond the defaults.
///
/// ```
/// use callboard_tests::server::Options;
///
/// let options = Options::default()
///     .max_payload_bytes(65_536)
///     .authorization(r#"users: [{ user: "worker", password: "secret" }]"#);
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Default)]
pub struct Options {
    max_payload_bytes: Option<u32>,
    jetstream: bool,
    extra: String,
}

impl Options {
    /// Sets the largest message the server takes, in bytes; its own default is 1 MiB.
    #[must_use]
    pub fn max_payload_bytes(mut self, bytes: u32) -> Self {
        self.max_payload_bytes = Some(bytes);
        self
    }

    /// Turns JetStream on; its files live as long as the server value.
    #[must_use]
    pub fn jetstream(mut self) -> Self {
        self.jetstream = true;
        self
    }

    /// Adds an `authorization` block: users, passwords, permissions, in the server's own language.
    #[must_use]
    pub fn authorization(self, block: &str) -> Self {
        self.config(&format!("authorization {{\n{block}\n}}"))
    }

    /// Adds lines to the configuration file as they are.
    #[must_use]
    pub fn config(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// Returns the configuration file for a server that listens on `listen` and keeps its data in `store`.
    pub(crate) fn file(&self, listen: &str, store: &str) -> String {
        let mut text = format!("listen: \"{listen}\"\n");
        if let Some(bytes) = self.max_payload_bytes {
            let _ = writeln!(text, "max_payload: {bytes}");
        }
        if self.jetstream {
            let _ = writeln!(text, "jetstream {{ store_dir: \"{store}\" }}");
        }
        text.push_str(&self.extra);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn the_file_says_only_what_was_asked_for() {
        assert_eq!(
            Options::default().file("127.0.0.1:20000", "/data"),
            "listen: \"127.0.0.1:20000\"\n"
        );
        let options = Options::default()
            .max_payload_bytes(1024)
            .jetstream()
            .authorization("token: \"t\"");
        assert_eq!(
            options.file("0.0.0.0:4222", "/data"),
            "listen: \"0.0.0.0:4222\"\nmax_payload: 1024\njetstream { store_dir: \"/data\" }\n\
             authorization {\ntoken: \"t\"\n}\n"
        );
    }
}
