//! This machine: what its kernel can do for the sandbox, its limits, and what else is installed.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::check::Check;
use crate::config::Config;

/// How long a Python may take to say what it has. Chosen, not measured.
const PYTHON_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn checks(config: &Config) -> Vec<Check> {
    let mut checks = sandbox(config);
    checks.push(python().await);
    checks
}

#[cfg(target_os = "linux")]
fn sandbox(config: &Config) -> Vec<Check> {
    use callboard_worker::process::SandboxSupport;

    let processes = config.tool.iter().filter_map(|tool| tool.get("process"));
    let is_wanted = (processes.chain(&config.mcp)).any(|it| it.get("sandbox").is_some());
    let support = match SandboxSupport::of_this_kernel() {
        Ok(support) => support,
        Err(error) => {
            return vec![Check::warning(
                "sandbox",
                format!("can't be tried: {error}"),
                "mend the machine's temporary folder, or its limit of threads",
            )];
        }
    };
    let landlock = format!("Landlock's interface is version {}", support.landlock);
    let check = match support.tightest {
        Ok(()) => Check::ok(
            "sandbox",
            format!("{landlock}; seccomp and no_new_privs apply: [tool.process.sandbox] works"),
        ),
        Err(error) => {
            let finding = format!("{landlock}; {error}");
            let cure = "run the worker on Linux 6.7 or newer with Landlock in lsm=, and where a container's profile allows seccomp";
            if is_wanted {
                Check::failed("sandbox", finding, cure)
            } else {
                Check::warning("sandbox", finding, cure)
            }
        }
    };
    vec![check, limits()]
}

#[cfg(not(target_os = "linux"))]
fn sandbox(_config: &Config) -> Vec<Check> {
    vec![Check::warning(
        "sandbox",
        "none on this system, and no tools that are programs",
        "run workers with [tool.process] on Linux",
    )]
}

/// The limits that a process tool's own can't exceed.
#[cfg(target_os = "linux")]
fn limits() -> Check {
    use rustix::process::{Resource, getrlimit};

    /// Below it many connections and programs at once run out of descriptors (chosen, not measured).
    const FILES_LOW: u64 = 1024;
    let hard = |resource| getrlimit(resource).maximum;
    let shown =
        |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let files = hard(Resource::Nofile);
    let finding = format!(
        "open files {}, processes {}, address space {}: tools get less, by their own limits",
        shown(files),
        shown(hard(Resource::Nproc)),
        shown(hard(Resource::As))
    );
    if files.is_some_and(|files| files < FILES_LOW) {
        Check::warning(
            "limits",
            finding,
            "raise the hard limit of open files (LimitNOFILE=, ulimit -Hn)",
        )
    } else {
        Check::ok("limits", finding)
    }
}

/// The Python worker is one of several ways to have tools: that it isn't here is no fault.
async fn python() -> Check {
    let asked = Command::new("python3")
        .args(["-c", "import callboard_worker as w; print(w.__version__)"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = match timeout(PYTHON_WITHIN, asked).await {
        Ok(Ok(output)) if output.status.success() => {
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(Ok(_) | Err(_)) | Err(_) => None,
    };
    match said {
        Some(version) => Check::ok("python", format!("callboard-worker {version} is installed")),
        None => Check::ok(
            "python",
            "the Python worker isn't installed here; it is optional",
        ),
    }
}
