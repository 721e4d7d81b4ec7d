//! Programs from Debian's packages, fetched with apt's own tools and unpacked beside the build.
//!
//! apt gets its own configuration, sources, lists and cache under `target/tools/debian`, so that the system's
//! are neither read for packages nor written. The mirror is the one that the machine is configured for, as are
//! proxies and time-outs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use xtask::nats::Source;
use xtask::paths;

use crate::say;

/// The suites that carry a nats-server new enough, the newest release line that settles first (2026-11: forky
/// and sid 2.15.1, trixie 2.10.27; bookworm's 2.9.10 is too old).
const SUITES: [&str; 3] = ["forky", "sid", "trixie"];

/// Where the package `debian-archive-keyring` puts the keys that sign every suite.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

pub(super) fn install() -> anyhow::Result<Source> {
    let places = ["usr/sbin/nats-server", "usr/bin/nats-server"];
    fetch("nats-server", &SUITES, &places, super::adopt)
}

/// Fetches a package from the first suite whose program, at one of these places, `adopt` takes; what it leaves of the
/// package is deleted.
pub(crate) fn fetch<T>(
    package: &str,
    suites: &[&str],
    places: &[&str],
    adopt: impl Fn(&Path) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    for tool in ["apt-get", "dpkg-deb"] {
        paths::on_path(tool)
            .with_context(|| format!("no {tool} on the PATH: not a Debian machine"))?;
    }
    let mirrors = configured_mirrors()?;
    let mut failures = Vec::new();
    for mirror in &mirrors {
        for suite in suites {
            match from_suite(mirror, suite, package, places, &adopt) {
                Ok(adopted) => {
                    say::line(&format!(
                        "xtask: installed the {package} package of Debian {suite}"
                    ));
                    return Ok(adopted);
                }
                Err(error) => failures.push(format!("{suite}: {error:#}")),
            }
        }
    }
    bail!("{}", failures.join("; "))
}

fn from_suite<T>(
    mirror: &str,
    suite: &str,
    package: &str,
    places: &[&str],
    adopt: &impl Fn(&Path) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let apt = Apt::new(super::workshop("debian")?, mirror, suite)?;
    apt.get(&["update"])?;
    apt.get(&["download", package])?;
    let file = apt.downloaded()?;
    let unpacked = apt.folder.join("unpacked");
    quiet(Command::new("dpkg-deb").arg("-x").arg(&file).arg(&unpacked))?;
    let binary = places
        .iter()
        .map(|place| unpacked.join(place))
        .find(|file| file.is_file())
        .with_context(|| format!("the package holds none of {}", places.join(", ")))?;
    let adopted = adopt(&binary)?;
    fs::remove_dir_all(&apt.folder).context("failed to clear apt's folder")?;
    Ok(adopted)
}

/// apt with a state of its own.
struct Apt {
    folder: PathBuf,
    configuration: PathBuf,
}

impl Apt {
    fn new(folder: PathBuf, mirror: &str, suite: &str) -> anyhow::Result<Self> {
        for part in ["parts", "lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(part)).context("failed to make apt's folders")?;
        }
        fs::write(folder.join("status"), "").context("failed to write apt's status file")?;
        fs::write(
            folder.join("sources.list"),
            source_line(mirror, suite, Path::new(KEYRING).exists()),
        )
        .context("failed to write apt's sources")?;
        let configuration = folder.join("apt.conf");
        fs::write(&configuration, configuration_text(&folder))
            .context("failed to write apt's configuration")?;
        Ok(Self {
            folder,
            configuration,
        })
    }

    fn get(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("apt-get");
        // `-c` is read after the system's configuration and so wins over it; `download` writes to the current folder.
        command
            .arg("-c")
            .arg(&self.configuration)
            .arg("-q")
            .args(arguments)
            .current_dir(&self.folder);
        quiet(&mut command)
    }

    fn downloaded(&self) -> anyhow::Result<PathBuf> {
        let entries = fs::read_dir(&self.folder).context("failed to read apt's folder")?;
        entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt-get download left no package")
    }
}

fn source_line(mirror: &str, suite: &str, keyring: bool) -> String {
    let signed = if keyring {
        format!("signed-by={KEYRING} ")
    } else {
        String::new()
    };
    // Packages alone: the lists for graphical software centres are half of what apt would fetch.
    format!("deb [{signed}targets=Packages] {mirror} {suite} main\n")
}

fn configuration_text(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Dir::Etc::SourceList \"{folder}/sources.list\";\n\
         Dir::Etc::SourceParts \"{folder}/parts\";\n\
         Dir::Etc::Preferences \"/dev/null\";\n\
         Dir::Etc::PreferencesParts \"{folder}/parts\";\n\
         Dir::State::Lists \"{folder}/lists\";\n\
         Dir::State::Status \"{folder}/status\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::Retries \"2\";\n\
         #clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         #clear DPkg::Post-Invoke;\n"
    )
}

/// Returns the mirrors of the machine's own sources, without the one for security updates.
fn configured_mirrors() -> anyhow::Result<Vec<String>> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)"])
        .stdin(Stdio::null())
        .output()
        .context("apt-get can't be run")?;
    let mirrors = mirrors(&String::from_utf8_lossy(&output.stdout));
    if mirrors.is_empty() {
        bail!("apt has no Debian mirror configured");
    }
    Ok(mirrors)
}

/// Picks the mirrors out of one URI per line: a Debian archive first, others only when there is none.
fn mirrors(lines: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in lines.lines().map(str::trim) {
        let uri = line.trim_end_matches('/');
        let other = uri.is_empty() || uri.ends_with("-security") || uri.starts_with("cdrom:");
        if !other && !all.iter().any(|known| known == uri) {
            all.push(uri.to_owned());
        }
    }
    let debian: Vec<String> = all
        .iter()
        .filter(|uri| uri.ends_with("/debian"))
        .cloned()
        .collect();
    if debian.is_empty() { all } else { debian }
}

/// Runs a command and shows what it printed only when it failed.
fn quiet(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} can't be run"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed: {}", said.trim().replace('\n', ", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{mirrors, source_line};

    #[test]
    fn the_debian_archive_is_picked_once_and_security_never() {
        let lines = "http://mirror.test/debian/\nhttp://mirror.test/debian/\n\
                     http://mirror.test/debian-security/\nhttp://other.test/postgres/\n";
        assert_eq!(mirrors(lines), ["http://mirror.test/debian"]);
    }

    #[test]
    fn an_archive_under_another_name_is_better_than_none() {
        assert_eq!(
            mirrors("http://mirror.test/archive/\ncdrom:[disc]/\n"),
            ["http://mirror.test/archive"]
        );
        assert!(mirrors("").is_empty());
    }

    #[test]
    fn the_source_is_signed_where_the_keys_are_known() {
        let line = source_line("http://mirror.test/debian", "forky", true);
        assert!(
            line.starts_with("deb [signed-by=/usr/share/keyrings/"),
            "{line}"
        );
        assert!(
            line.ends_with("targets=Packages] http://mirror.test/debian forky main\n"),
            "{line}"
        );
        assert!(!source_line("http://mirror.test/debian", "sid", false).contains("signed-by"));
    }
}
