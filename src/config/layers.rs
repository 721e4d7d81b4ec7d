//! Reads the layers and lays them over each other.

use std::path::Path;

use serde::Deserialize as _;

use super::Config;
use crate::exit::{BadInput, bad_input};

const PREFIX: &str = "CALLBOARD_";

/// This process's variables, those that are text: others are nobody's setting.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Reads the file, if there is one, and the environment, and lays one over the other.
pub(crate) fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<Config> {
    let mut table = match file {
        Some(path) => read(path)?,
        None => toml::Table::new(),
    };
    let mut variables: Vec<(String, String)> = environment
        .filter(|(name, _)| name.starts_with(PREFIX) && name.contains("__"))
        .collect();
    variables.sort();
    for (name, value) in variables {
        lay_over(&mut table, &name, &value)?;
    }
    let config = Config::deserialize(table).map_err(|error| {
        let origin = file.map_or_else(
            || "the environment".to_owned(),
            |path| path.display().to_string(),
        );
        bad_input(anyhow::anyhow!(
            "the configuration ({origin}) can't be used: {error}"
        ))
    })?;
    Ok(Config {
        file: file.map(Path::to_owned),
        ..config
    })
}

/// Variables that would set something if their first underscore were two, each with how it is spelled: nobody
/// may take the wrong server for the want of one. What else begins like ours isn't ours: Kubernetes sets
/// `CALLBOARD_NATS_PORT` where a service has that name.
pub(crate) fn misspelt(
    environment: impl Iterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    let spelled = |name: &str, value: &str| {
        let (section, key) = name.strip_prefix(PREFIX)?.split_once('_')?;
        let meant = format!("{PREFIX}{section}__{key}");
        let mut table = toml::Table::new();
        lay_over(&mut table, &meant, value).ok()?;
        Config::deserialize(table).is_ok().then_some(meant)
    };
    let ours = environment.filter(|(name, _)| name.starts_with(PREFIX) && !name.contains("__"));
    let mut misspelt: Vec<(String, String)> = ours
        .filter_map(|(name, value)| Some((spelled(&name, &value)?, name)))
        .map(|(meant, name)| (name, meant))
        .collect();
    misspelt.sort();
    misspelt
}

fn read(path: &Path) -> anyhow::Result<toml::Table> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        BadInput(format!(
            "the configuration file {} can't be read: {error}",
            path.display()
        ))
    })?;
    // Read once as what it must be, so that an error names line and column.
    toml::from_str::<Config>(&text).map_err(|error| {
        BadInput(format!(
            "the configuration file {} can't be used: {error}",
            path.display()
        ))
    })?;
    text.parse().map_err(bad_input)
}

/// `CALLBOARD_WORKER__SLOTS=8` is `worker.slots = 8`, `CALLBOARD_PROVIDER__OPENAI__RETRIES=0` is
/// `provider.openai.retries = 0`. A value that is no TOML is a string.
fn lay_over(table: &mut toml::Table, name: &str, value: &str) -> anyhow::Result<()> {
    let path = name[PREFIX.len()..].to_ascii_lowercase();
    let Some((sections, key)) = path.rsplit_once("__") else {
        return Ok(());
    };
    let value = format!("value = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut table = table;
    for section in sections.split("__") {
        // Variables have no hyphens in their names, and some sections have.
        let hyphenated = section.replace('_', "-");
        let section = if table.contains_key(&hyphenated) {
            hyphenated
        } else {
            section.to_owned()
        };
        let found = table
            .entry(section)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let toml::Value::Table(found) = found else {
            return Err(BadInput(format!("{name}: {path} names no section")).into());
        };
        table = found;
    }
    table.insert(key.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("callboard.toml");
        std::fs::write(&path, "[worker]\nslots = 4\npool = \"blue\"\n").expect("it can be written");
        let config = load(
            Some(&path),
            variables(&[
                ("CALLBOARD_WORKER__SLOTS", "8"),
                ("CALLBOARD_COORDINATOR__DEADLINE", "3s"),
                ("HOME", "/nowhere"),
            ]),
        )
        .expect("the layers fit");
        assert_eq!(
            (config.worker.slots, config.worker.pool.as_str()),
            (8, "blue")
        );
        assert_eq!(config.coordinator.deadline.as_secs(), 3);
    }

    #[test]
    fn a_variable_that_lacks_an_underscore_is_noticed_and_others_are_nobodys() {
        let misspelt = misspelt(variables(&[
            ("CALLBOARD_NATS_URL", "nats://127.0.0.1:4222"),
            ("CALLBOARD_WORKER_SLOTS", "8"),
            ("CALLBOARD_NATS__URL", "nats://127.0.0.1:4222"),
            ("CALLBOARD_NATS_PORT", "tcp://10.0.0.1:4222"),
            ("CALLBOARD_NATS_SERVICE_HOST", "10.0.0.1"),
            ("CALLBOARD_BIN", "/bin/callboard"),
            ("NATS_URL", "nats://127.0.0.1:4222"),
        ]));
        let pairs = [
            ("CALLBOARD_NATS_URL", "CALLBOARD_NATS__URL"),
            ("CALLBOARD_WORKER_SLOTS", "CALLBOARD_WORKER__SLOTS"),
        ];
        let expected = pairs.map(|(name, meant)| (name.to_owned(), meant.to_owned()));
        assert_eq!(misspelt, expected);
    }

    #[test]
    fn sections_within_sections_have_variables_too() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("callboard.toml");
        std::fs::write(&path, "[provider.openai-chat]\nretries = 1\n").expect("it can be written");
        let set = [
            ("CALLBOARD_PROVIDER__OPENAI_CHAT__BASE_URL", "http://h"),
            ("CALLBOARD_PROVIDER__GEMINI__VERSION", "v1beta"),
        ];
        for file in [Some(path.as_path()), None] {
            let config = load(file, variables(&set)).expect("the layers fit");
            let chat = &config.provider.openai_chat;
            assert_eq!(chat.base_url.as_deref(), Some("http://h"));
            assert_eq!(chat.retries, file.map(|_| 1));
            assert_eq!(config.provider.gemini.version.as_deref(), Some("v1beta"));
        }
        load(
            None,
            variables(&[
                ("CALLBOARD_NATS__URL__X", "1"),
                ("CALLBOARD_NATS__URL", "u"),
            ]),
        )
        .expect_err("a value is no section");
    }

    #[test]
    fn what_is_unknown_is_refused_with_its_place() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("callboard.toml");
        std::fs::write(&path, "[worker]\nslot = 4\n").expect("it can be written");
        let error = load(Some(&path), variables(&[])).expect_err("slot is unknown");
        let text = error.to_string();
        assert!(text.contains("line 2") && text.contains("slot"), "{text}");
        let error =
            load(None, variables(&[("CALLBOARD_WORKER__SLOT", "4")])).expect_err("slot is unknown");
        assert!(
            error.to_string().contains("unknown field `slot`"),
            "{error}"
        );
    }
}
