//! Keeps secrets out of all that comes back: a server may echo what it was sent.

use data_encoding::BASE64;

use super::template::encoded;

/// What stands for a secret.
const MARK: &str = "[secret]";
/// Shortest secret that is looked for, in bytes: shorter ones would stand in ordinary words (chosen).
const SECRET_BYTES_MIN: usize = 4;

/// Replaces secrets, in the forms in which they are sent and in which servers write them.
#[derive(Default)]
pub(crate) struct Redactor {
    /// The longest first, so that a secret within a secret doesn't save its rest.
    needles: Vec<Vec<u8>>,
}

impl Redactor {
    pub(super) fn add(&mut self, secret: &str) {
        if secret.len() < SECRET_BYTES_MIN {
            return;
        }
        let json = serde_json::Value::from(secret).to_string();
        let url = encoded(secret);
        let forms = [
            secret.to_owned(),
            json[1..json.len() - 1].to_owned(),
            json[1..json.len() - 1].replace('/', "\\/"),
            url.to_ascii_lowercase(),
            url,
            BASE64.encode(secret.as_bytes()),
        ];
        for form in forms {
            let form = form.into_bytes();
            if !self.needles.contains(&form) {
                self.needles.push(form);
            }
        }
        self.needles
            .sort_by_key(|needle| std::cmp::Reverse(needle.len()));
    }

    pub(super) fn text(&self, text: &str) -> String {
        let redacted = self.bytes(text.as_bytes().to_vec(), false);
        String::from_utf8_lossy(&redacted).into_owned()
    }

    /// Replaces all secrets. Of what was cut off, also the beginning of one at its end.
    pub(super) fn bytes(&self, mut bytes: Vec<u8>, is_cut: bool) -> Vec<u8> {
        if is_cut {
            let begun = self.needles.iter().filter_map(|needle| {
                (1..needle.len())
                    .rev()
                    .find(|length| bytes.ends_with(&needle[..*length]))
            });
            let begun = begun.max().unwrap_or(0);
            bytes.truncate(bytes.len() - begun);
        }
        for needle in &self.needles {
            bytes = replaced(bytes, needle);
        }
        bytes
    }
}

fn replaced(bytes: Vec<u8>, needle: &[u8]) -> Vec<u8> {
    let first = needle[0];
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(step) = bytes[at..].iter().position(|byte| *byte == first) {
        at += step;
        if bytes[at..].starts_with(needle) {
            found.push(at);
            at += needle.len();
        } else {
            at += 1;
        }
    }
    if found.is_empty() {
        return bytes;
    }
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in found {
        kept.extend_from_slice(&bytes[from..at]);
        kept.extend_from_slice(MARK.as_bytes());
        from = at + needle.len();
    }
    kept.extend_from_slice(&bytes[from..]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_every_form() {
        let mut redactor = Redactor::default();
        redactor.add("pa ss/\"word\"");
        redactor.add("pa ss");
        redactor.add("abc");
        for text in [
            "<pa ss/\"word\">",
            r#"<pa ss/\"word\">"#,
            r#"<pa ss\/\"word\">"#,
            "<pa%20ss%2F%22word%22>",
            "<pa%20ss%2f%22word%22>",
            "<cGEgc3MvIndvcmQi>",
            "<pa ss>",
        ] {
            assert_eq!(redactor.text(text), "<[secret]>", "{text}");
        }
        assert_eq!(redactor.text("abc"), "abc");
        assert_eq!(redactor.text("pa spa ss pa s"), "pa s[secret] pa s");
    }

    #[test]
    fn no_beginning_of_a_secret_is_left_by_a_cut() {
        let mut redactor = Redactor::default();
        redactor.add("hunter2secret");
        let cut = |text: &str| {
            let bytes = redactor.bytes(text.as_bytes().to_vec(), true);
            String::from_utf8(bytes).expect("it is ASCII")
        };
        assert_eq!(cut("x hunter2secr"), "x ");
        assert_eq!(cut("x hunter2secret"), "x [secret]");
        assert_eq!(cut("x hunter2secret h"), "x [secret] ");
        assert_eq!(cut("x y"), "x y");
    }
}
