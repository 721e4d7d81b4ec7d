//! `cargo xtask api`: the service, tried with requests that schemathesis draws from its own description.
//!
//! schemathesis is a Python package. It goes into a virtual environment under `target/api`, once for each state of
//! `tests/api`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use semver::Version;
use xtask::paths;
use xtask::venv::{Python, Venv};

use crate::steps::{Steps, cargo};
use crate::{python, say};

/// The oldest Python that schemathesis 4 takes.
const OLDEST: Version = Version::new(3, 10, 0);
/// Left out: a body may fit its schema and still name a model or tool that isn't there, and a run that was cancelled is
/// still there to be looked at.
const EXCLUDED: &str = "positive_data_acceptance,use_after_free";
/// A model for the runs that are drawn.
const SCRIPT: &str = "[[turn]]\n[[turn.call]]\ntool = \"echo\"\n[[turn]]\ntext = \"done\"\n";

pub(crate) fn run() -> anyhow::Result<()> {
    let mut steps = Steps::new();
    let python = Python::find(&OLDEST).map_err(anyhow::Error::msg)?;
    // With a test: one choice of features, so that nothing is compiled twice.
    let targets = ["--bin", "callboard", "--test", "service"];
    steps.run("build", cargo(&["build", "--workspace"]).args(targets))?;
    prove(&mut steps, &python)?;
    say::line(&format!("xtask: api passed: {}", steps.summary()));
    Ok(())
}

/// Runs the proof as further steps of a longer task, or notes why it isn't run.
pub(crate) fn run_in(steps: &mut Steps) -> anyhow::Result<()> {
    match python::unless_missing("API proof", &OLDEST, steps)? {
        Some(python) => prove(steps, &python),
        None => Ok(()),
    }
}

fn prove(steps: &mut Steps, python: &Python) -> anyhow::Result<()> {
    let venv = Venv::at(paths::target().join("api"));
    install(steps, &venv, python)?;
    let service = Service::start()?;
    steps.run(
        "API proof",
        Command::new(venv.folder().join("bin").join("schemathesis"))
            // What it keeps of its work stays out of the repository.
            .current_dir(venv.folder())
            .arg("run")
            .arg(format!("{}/openapi.json", service.url))
            .args(["--checks", "all", "--exclude-checks", EXCLUDED])
            .args(["--max-examples", "30", "--no-color"]),
    )
}

fn install(steps: &mut Steps, venv: &Venv, python: &Python) -> anyhow::Result<()> {
    let requirements = paths::root()
        .join("tests")
        .join("api")
        .join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .with_context(|| format!("failed to read {}", requirements.display()))?;
    let made_from = format!("{} {}\n{wanted}", python.path.display(), python.version);
    if venv.is_made_from(&made_from) {
        say::line("xtask: schemathesis is installed already");
        return Ok(());
    }
    steps.run("API venv", &mut venv.make(python))?;
    steps
        .run(
            "schemathesis",
            venv.install()
                .args(["--only-binary", ":all:", "--requirement"])
                .arg(&requirements),
        )
        .context(
            "schemathesis can't be installed: pip needs its package index once (PIP_INDEX_URL names another one); \
             `cargo test --workspace` runs everything else without it",
        )?;
    venv.set_made_from(&made_from)
        .with_context(|| format!("failed to write into {}", venv.folder().display()))
}

/// A service for the proof; it ends with the value.
struct Service {
    child: Child,
    url: String,
}

impl Service {
    fn start() -> anyhow::Result<Self> {
        let script = paths::target().join("api").join("script.toml");
        fs::write(&script, SCRIPT)
            .with_context(|| format!("failed to write {}", script.display()))?;
        let named = format!("quick={}", script.display());
        let mut child = Command::new(paths::target().join("debug").join("callboard"))
            .args(["serve", "--listen", "127.0.0.1:0", "--tools", "basic"])
            .args(["--script", &named, "--model", "script/quick"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("callboard serve can't be started")?;
        let errors = child.stderr.take().context("standard error is a pipe")?;
        let mut said = String::new();
        BufReader::new(errors).read_line(&mut said)?;
        let mut service = Self {
            child,
            url: String::new(),
        };
        match said
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
        {
            Some(url) => service.url = url.to_owned(),
            None => bail!("callboard serve says no address, but: {}", said.trim()),
        }
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended already has no more to lose.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
