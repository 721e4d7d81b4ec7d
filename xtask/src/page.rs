//! `cargo xtask page`: the live page of `callboard serve`, in a browser and before it.
//!
//! Its pure modules are tried by node alone. The page as a whole is tried in the system's own Chromium, driven by
//! playwright, against a real service. playwright and axe are Python packages: they go into a virtual environment under
//! `target/page`, once for each state of `tests/page/requirements.txt`. No browser is downloaded.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};
use semver::Version;
use xtask::paths;
use xtask::venv::{Python, Venv};

use crate::say;
use crate::steps::{Steps, cargo};

/// The oldest Python that playwright takes.
const OLDEST: Version = Version::new(3, 10, 0);
/// `required` makes a missing browser, node or Python a failure; else it is noted, and the proof not run. `none` leaves
/// it out.
const WISH: &str = "CALLBOARD_BROWSER";
/// Names a Chromium; unset, it is looked for on the `PATH`.
const CHROMIUM: &str = "CALLBOARD_CHROMIUM";
/// Chromium by the names that systems give it.
const CHROMIUMS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// What the proof needs.
struct Found {
    chromium: PathBuf,
    node: PathBuf,
    python: Python,
}

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let found = find().map_err(anyhow::Error::msg)?;
    steps.run(
        "build",
        &mut cargo(&["build", "--workspace", "--bin", "callboard"]),
    )?;
    prove(&mut steps, &found)?;
    say::line(&format!("xtask: page passed: {}", steps.summary()));
    Ok(())
}

/// Runs the proof as further steps of a longer task, or notes why it isn't run.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    let wish = env::var_os(WISH).unwrap_or_default();
    if wish == "none" {
        steps.note(format!("live page NOT RUN: {WISH} is \"none\""));
        return Ok(());
    }
    match find() {
        Ok(found) => prove(steps, &found),
        Err(missing) if wish == "required" => {
            bail!("live page: {missing} ({WISH} is \"required\")")
        }
        Err(missing) => {
            steps.note(format!("live page NOT RUN: {missing}"));
            Ok(())
        }
    }
}

fn find() -> Result<Found, String> {
    let chromium = match env::var_os(CHROMIUM).map(PathBuf::from) {
        Some(named) if named.is_file() => named,
        Some(named) => {
            return Err(format!(
                "{CHROMIUM} names {}, which isn't there",
                named.display()
            ));
        }
        None => CHROMIUMS
            .iter()
            .find_map(|name| paths::on_path(name))
            .ok_or("no Chromium on the PATH; install it (Debian: `apt-get install chromium`)")?,
    };
    let node = paths::on_path("node").ok_or(
        "no node on the PATH; install Node 18 or newer (Debian: `apt-get install nodejs`)",
    )?;
    let python = Python::find(&OLDEST)?;
    Ok(Found {
        chromium,
        node,
        python,
    })
}

fn prove(steps: &mut Steps, found: &Found) -> anyhow::Result<()> {
    let tests = paths::root().join("tests").join("page");
    steps.run(
        "page units",
        Command::new(&found.node)
            .current_dir(tests.join("unit"))
            .arg("--test"),
    )?;
    let venv = Venv::at(paths::target().join("page"));
    install(steps, &venv, &found.python)?;
    steps.run(
        "live page",
        Command::new(venv.python())
            .current_dir(&tests)
            .args(["-B", "-m", "pytest"])
            .env(CHROMIUM, &found.chromium)
            .env(
                "CALLBOARD_BIN",
                paths::target().join("debug").join("callboard"),
            ),
    )
}

fn install(steps: &mut Steps, venv: &Venv, python: &Python) -> anyhow::Result<()> {
    let requirements = paths::root()
        .join("tests")
        .join("page")
        .join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("failed to read {}", requirements.display()))?;
    let made_from = format!("{} {}\n{wanted}", python.path.display(), python.version);
    if venv.is_made_from(&made_from) {
        say::line("xtask: playwright is installed already");
        return Ok(());
    }
    steps.run("page venv", &mut venv.make(python))?;
    steps
        .run(
            "playwright",
            venv.install()
                .args(["--only-binary", ":all:", "--requirement"])
                .arg(&requirements),
        )
        .context(
            "playwright can't be installed: pip needs its package index once (PIP_INDEX_URL names another one); \
             CALLBOARD_BROWSER=none leaves the live page out",
        )?;
    venv.set_made_from(&made_from)
        .with_context(|| format!("failed to write into {}", venv.folder().display()))
}
