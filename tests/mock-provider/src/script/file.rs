//! The file that holds a script.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Script, Stop, Turn};

/// Why a file is no script.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file can't be read.
    #[error("can't read the script {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file's name doesn't say what it holds.
    #[error("{}: a script is a .toml or a .json file; rename it to what it holds", path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The TOML can't be read as a script.
    #[error("{origin} is no script")]
    Toml {
        /// The file.
        origin: String,
        /// Place and cause.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The JSON can't be read as a script.
    #[error("{origin} is no script")]
    Json {
        /// The file.
        origin: String,
        /// Place and cause.
        #[source]
        source: serde_json::Error,
    },
    /// The script contradicts itself.
    #[error("{origin}{}: [[turn]] {turn}: {problem}", at_line(*line))]
    Content {
        /// The file.
        origin: String,
        /// The turn's line, where the format tells it.
        line: Option<usize>,
        /// The turn's position in the file, from 1.
        turn: usize,
        /// What is wrong, and the cure.
        problem: String,
    },
    /// The script is wrong as a whole.
    #[error("{origin}: {problem}")]
    Whole {
        /// The file.
        origin: String,
        /// What is wrong, and the cure.
        problem: &'static str,
    },
}

fn at_line(line: Option<usize>) -> String {
    line.map(|line| format!(", line {line}"))
        .unwrap_or_default()
}

impl Script {
    /// Reads a script; the ending says whether it is TOML or JSON.
    ///
    /// # Errors
    /// The file can't be read, or is no script.
    pub fn from_file(path: &Path) -> Result<Self, ScriptError> {
        let read = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Self::from_toml,
            Some("json") => Self::from_json,
            Some(_) | None => {
                return Err(ScriptError::Extension {
                    path: path.to_owned(),
                });
            }
        };
        let text = std::fs::read_to_string(path).map_err(|source| ScriptError::Read {
            path: path.to_owned(),
            source,
        })?;
        read(&path.display().to_string(), &text)
    }

    /// Reads a script in TOML; `origin` is what errors call it.
    ///
    /// # Errors
    /// The text is no script.
    pub fn from_toml(origin: &str, text: &str) -> Result<Self, ScriptError> {
        let script: Self = toml::from_str(text).map_err(|source| ScriptError::Toml {
            origin: origin.to_owned(),
            source: Box::new(source),
        })?;
        script.checked(origin, |turn| line(text, turn))
    }

    /// Reads a script in JSON; `origin` is what errors call it.
    ///
    /// # Errors
    /// The text is no script.
    pub fn from_json(origin: &str, text: &str) -> Result<Self, ScriptError> {
        let script: Self = serde_json::from_str(text).map_err(|source| ScriptError::Json {
            origin: origin.to_owned(),
            source,
        })?;
        script.checked(origin, |_| None)
    }

    fn checked(
        self,
        origin: &str,
        line: impl Fn(usize) -> Option<usize>,
    ) -> Result<Self, ScriptError> {
        let whole = |problem| ScriptError::Whole {
            origin: origin.to_owned(),
            problem,
        };
        if self.turns.is_empty() {
            return Err(whole("it holds no [[turn]]; add one"));
        }
        if self.model.is_empty() {
            return Err(whole(
                "model = \"\" names none; name one, or leave it out for \"mock\"",
            ));
        }
        if self.api_key.as_ref().is_some_and(super::Key::is_empty) {
            return Err(whole(
                "api_key = \"\" is none; give one, or leave it out to take any",
            ));
        }
        for (index, turn) in self.turns.iter().enumerate() {
            turn.check().map_err(|problem| ScriptError::Content {
                origin: origin.to_owned(),
                line: line(index),
                turn: index + 1,
                problem,
            })?;
        }
        Ok(self)
    }
}

impl Turn {
    /// Checks what the types can't say.
    fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        for call in &self.calls {
            if call.tool.is_empty() {
                return Err("a [[turn.call]] names no tool; add tool = \"…\"".to_owned());
            }
            if call.arguments.is_some() && call.arguments_json.is_some() {
                return Err(format!(
                    "the call of {} has both `arguments` and `arguments_json`; keep one",
                    call.tool
                ));
            }
            if let Some(id) = &call.id
                && !ids.insert(id)
            {
                return Err(format!(
                    "two calls have the id {id}; give each its own (for a provider that repeats ids: \
                     delivery.quirks = [\"duplicate_ids\"])"
                ));
            }
        }
        if self.stop == Some(Stop::Calls) && self.calls.is_empty() && !self.improvise {
            return Err("stop = \"calls\" needs at least one [[turn.call]]".to_owned());
        }
        if self
            .fallback_after
            .is_some_and(|calls| calls > self.calls.len())
        {
            return Err(format!(
                "fallback_after counts calls, and there are only {}",
                self.calls.len()
            ));
        }
        self.delivery.check()
    }
}

/// The line of a turn in TOML that was already read once.
fn line(text: &str, turn: usize) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let turn = document.get_ref().get("turn")?.get_ref().get(turn)?;
    Some(text.get(..turn.span().start)?.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::error::Error as _;

    use super::*;

    fn problem(text: &str) -> String {
        let error = Script::from_toml("s.toml", text).unwrap_err();
        match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        }
    }

    #[test]
    fn a_bad_script_says_where_and_how_to_cure_it() {
        for (text, expected) in [
            ("", "s.toml: it holds no [[turn]]; add one"),
            ("[[turn]]\ntxt = \"a\"", "unknown field `txt`"),
            (
                "[[turn]]\n\n[[turn]]\nstop = \"calls\"",
                "s.toml, line 3: [[turn]] 2: stop = \"calls\" needs at least one [[turn.call]]",
            ),
            (
                "[[turn]]\n[[turn.call]]\ntool = \"a\"\narguments = {}\narguments_json = \"{}\"",
                "the call of a has both `arguments` and `arguments_json`; keep one",
            ),
            (
                "[[turn]]\n[[turn.call]]\nid = \"a\"",
                "a [[turn.call]] names no tool",
            ),
            (
                "[[turn]]\n[[turn.call]]\nid = \"a\"\ntool = \"t\"\n[[turn.call]]\nid = \"a\"\ntool = \"t\"",
                "two calls have the id a",
            ),
            (
                "[[turn]]\n[[turn.fault]]\nkind = \"meteor\"",
                "unknown variant `meteor`",
            ),
            (
                "[[turn]]\n[[turn.fault]]\nkind = \"close\"\ntimes = 0",
                "times = 0 is no fault",
            ),
            (
                "[[turn]]\nfallback_after = 2",
                "fallback_after counts calls, and there are only 0",
            ),
            (
                "[[turn]]\n[turn.delivery]\nwrite_bytes = 0",
                "write_bytes = 0 writes nothing",
            ),
            ("api_key = \"\"\n[[turn]]", "api_key = \"\" is none"),
            ("model = \"\"\n[[turn]]", "model = \"\" names none"),
        ] {
            let said = problem(text);
            assert!(said.contains(expected), "{said}\nlacks {expected}");
        }
    }

    #[test]
    fn json_is_the_same_script() {
        let toml = Script::from_toml(
            "a",
            "model = \"m\"\n[[turn]]\ntext = \"hi\"\nstop = \"max_tokens\"\n[[turn.fault]]\nkind = \"close\"",
        )
        .unwrap();
        let json = Script::from_json(
            "a",
            r#"{"model":"m","turn":[{"text":"hi","stop":"max_tokens","fault":[{"kind":"close"}]}]}"#,
        )
        .unwrap();
        assert_eq!(format!("{toml:?}"), format!("{json:?}"));
    }

    #[test]
    fn the_key_is_never_shown() {
        let script = Script::from_toml("a", "api_key = \"hush\"\n[[turn]]").unwrap();
        assert!(!format!("{script:?}").contains("hush"));
    }
}
