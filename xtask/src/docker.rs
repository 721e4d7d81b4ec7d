//! Asks the Docker engine what it can do, through its own command.

use std::path::Path;
use std::process::Command;

/// Returns the version of the running Docker engine.
///
/// # Errors
/// One line that says why there is none: no `docker` command, or no engine that answers it.
pub fn engine() -> Result<String, String> {
    ask(&["version", "--format", "{{.Server.Version}}"])
}

/// Tells whether the engine holds `image`, without asking a registry.
///
/// # Errors
/// The engine's last line when it holds no such image, or when there is no engine.
pub fn has_image(image: &str) -> Result<(), String> {
    ask(&["image", "inspect", "--format", "{{.Id}}", image]).map(drop)
}

/// Pulls `image` from the registry that the engine is configured for.
///
/// # Errors
/// The engine's last line when the image can't be pulled.
pub fn pull(image: &str) -> Result<(), String> {
    ask(&["pull", "--quiet", image]).map(drop)
}

/// Copies a file out of `image` to `to`.
///
/// # Errors
/// The engine's last line when there is no such image, or no such file in it.
pub fn copy_out(image: &str, file: &str, to: &Path) -> Result<(), String> {
    let container = ask(&["create", image])?;
    let from = format!("{container}:{file}");
    let copied = ask(&["cp", &from, &to.to_string_lossy()]);
    // It was never started; one that stays behind costs its layer's metadata.
    let _ = ask(&["rm", &container]);
    copied.map(drop)
}

fn ask(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("docker")
        .args(arguments)
        .output()
        .map_err(|error| format!("no docker command can be run: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(last
        .unwrap_or("docker failed and said nothing")
        .trim()
        .to_owned())
}
