//! The configuration, what it declares, and the keys that it names; never their values.

use callboard_coordinator::provider::Format;

use super::check::Check;
use crate::config::Config;
use crate::hosting::Hosting;
use crate::offer;

pub(super) fn checks(config: &Config) -> Vec<Check> {
    let mut checks = vec![match &config.file {
        Some(path) => Check::ok("configuration", format!("{} is good", path.display())),
        None => Check::ok("configuration", "no file; defaults, variables and flags"),
    }];
    match offer::declared(config, None) {
        Ok(tools) if tools.is_empty() => {}
        Ok(tools) => {
            let names: Vec<&str> = tools.iter().map(|tool| tool.spec().name.as_str()).collect();
            checks.push(Check::ok(
                "tools",
                format!("{} declared: {}", names.len(), names.join(" ")),
            ));
        }
        Err(error) => checks.push(Check::failed(
            "tools",
            error.to_string(),
            "mend the entry; docs/worker-file.md explains every key",
        )),
    }
    match Hosting::check(config) {
        Ok(names) if names.is_empty() => {}
        Ok(names) => checks.push(Check::ok(
            "mcp",
            format!("{} declared: {}", names.len(), names.join(" ")),
        )),
        Err(error) => checks.push(Check::failed(
            "mcp",
            error.to_string(),
            "mend the entry; docs/worker-file.md explains every key",
        )),
    }
    checks.extend(Format::ALL.iter().map(|format| key(config, *format)));
    checks
}

fn key(config: &Config, format: Format) -> Check {
    let provider = config.provider.of(format);
    let name = format.as_str();
    let chosen = config.model.name.as_deref();
    let is_chosen = chosen.is_some_and(|model| model.split('/').next() == Some(name));
    match provider.key_origin(format) {
        Ok(Some(origin)) => Check::ok("key", format!("{name}: there, from {origin}")),
        Ok(None) => Check::ok(
            "key",
            format!("{name}: none, and its base_url may want none"),
        ),
        Err(reason) if is_chosen => Check::warning(
            "key",
            format!("{name}: none, and the configured model is asked there: {reason}"),
            "set the variable, or name a file: api_key_file in the provider's section (docs/models.md)",
        ),
        Err(_) => Check::ok("key", format!("{name}: none")),
    }
}
