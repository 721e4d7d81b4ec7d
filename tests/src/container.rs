//! A nats-server in a container of its own, by testcontainers.
//!
//! Where no image can be pulled, one is built around the nats-server binary that the machine has: from scratch, with
//! the libraries that the binary is linked to. The client's port is mapped to a fixed one, because Docker hands out
//! another with each start and a client would redial the old one for ever.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::{fs, io};

use anyhow::{Context as _, bail};
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage, ImageExt as _};
use tokio::process::Command;
use tokio::sync::Mutex;
use xtask::docker;
use xtask::nats::Source;

use crate::server::Options;

/// The port that every nats-server listens on inside its container.
const PORT: u16 = 4222;

/// Where a container finds its configuration; testcontainers copies it in.
const CONFIGURATION: &str = "/callboard.conf";

/// The name of the images that are built here.
const BUILT: &str = "callboard-tests/nats";

/// A nats-server in a container; dropping it removes the container.
#[derive(Debug)]
pub struct Container {
    inner: ContainerAsync<GenericImage>,
}

impl Container {
    /// Starts a container of `image` whose server is reached on loopback port `port`.
    ///
    /// # Errors
    /// The engine's own words: no such image, the port is taken, the server didn't say that it is ready.
    pub async fn start(image: &str, port: u16, options: &Options) -> anyhow::Result<Self> {
        let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let configuration = options.file(&format!("0.0.0.0:{PORT}"), "/data/jetstream");
        let inner = GenericImage::new(name, tag)
            .with_exposed_port(PORT.tcp())
            .with_wait_for(WaitFor::message_on_stderr("Server is ready"))
            .with_mapped_port(port, PORT.tcp())
            .with_copy_to(CONFIGURATION, configuration.into_bytes())
            .with_cmd(["-c", CONFIGURATION])
            .start()
            .await
            .with_context(|| format!("failed to start a container of {image}"))?;
        Ok(Self { inner })
    }

    /// Freezes every process in the container.
    ///
    /// # Errors
    /// The container isn't running.
    pub async fn pause(&self) -> anyhow::Result<()> {
        self.inner
            .pause()
            .await
            .context("failed to pause the container")
    }

    /// Lets a paused container go on.
    ///
    /// # Errors
    /// The container isn't paused.
    pub async fn resume(&self) -> anyhow::Result<()> {
        self.inner
            .unpause()
            .await
            .context("failed to resume the container")
    }

    /// Kills the container's process without a farewell and waits until it is gone.
    ///
    /// # Errors
    /// The container isn't running.
    pub async fn kill9(&self) -> anyhow::Result<()> {
        // testcontainers knows only `stop`, whose first signal is a polite one.
        docker(&["kill", "--signal", "KILL", self.inner.id()]).await?;
        docker(&["wait", self.inner.id()]).await
    }

    /// Starts the container again on the same port, killing it first if it still runs.
    ///
    /// # Errors
    /// The engine's own words.
    pub async fn restart(&self) -> anyhow::Result<()> {
        if self
            .inner
            .is_running()
            .await
            .context("failed to ask for the container")?
        {
            self.kill9().await?;
        }
        self.inner
            .start()
            .await
            .context("failed to start the container again")
    }
}

/// Returns the image to run for `source`: its own, else one that is built around its binary and kept for the next test.
///
/// # Errors
/// The binary or a library can't be copied, or the engine can't build.
pub async fn image(source: &Source) -> anyhow::Result<String> {
    let (binary, version) = match source {
        Source::Image { name } => return Ok(name.clone()),
        Source::Binary { path, version, .. } => (path, version),
    };
    let mut hasher = DefaultHasher::new();
    fs::read(binary)
        .with_context(|| format!("failed to read {}", binary.display()))?
        .hash(&mut hasher);
    let image = format!("{BUILT}:{version}-{:016x}", hasher.finish());
    // Tests of one process ask at the same moment; one of them builds.
    static BUILDING: Mutex<()> = Mutex::const_new(());
    let _building = BUILDING.lock().await;
    if docker::has_image(&image).is_err() {
        build(&image, binary)
            .await
            .with_context(|| format!("failed to build the image {image}"))?;
    }
    Ok(image)
}

async fn build(image: &str, binary: &Path) -> anyhow::Result<()> {
    let context = tempfile::TempDir::with_prefix("callboard-image-")?;
    let root = context.path().join("root");
    copy(binary, &root.join("nats-server"))?;
    for library in libraries(binary).await? {
        copy(
            &library,
            &root.join(library.strip_prefix("/").unwrap_or(&library)),
        )?;
    }
    fs::write(
        context.path().join("Dockerfile"),
        format!("FROM scratch\nCOPY root /\nEXPOSE {PORT}\nENTRYPOINT [\"/nats-server\"]\n"),
    )?;
    let folder = context
        .path()
        .to_str()
        .context("the temporary folder's name isn't UTF-8")?;
    docker(&["build", "--quiet", "--tag", image, folder]).await
}

/// Returns the absolute paths of the libraries that `ldd` names, none for a static binary.
async fn libraries(binary: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("ldd")
        .arg(binary)
        .stdin(Stdio::null())
        .output()
        .await;
    // It fails for a static binary, and is missing where there are no shared libraries at all.
    match output {
        Ok(output) => parse_ldd(&String::from_utf8_lossy(&output.stdout)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context("ldd can't be run"),
    }
}

fn parse_ldd(text: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.ends_with("not found") {
            bail!("a library of nats-server is missing: {line}");
        }
        let path = line.split_once("=> ").map_or(line, |(_, path)| path);
        if let Some(path) = path
            .split_whitespace()
            .next()
            .filter(|path| path.starts_with('/'))
        {
            found.push(PathBuf::from(path));
        }
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let folder = to.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder)?;
    fs::copy(from, to).with_context(|| format!("failed to copy {}", from.display()))?;
    Ok(())
}

async fn docker(arguments: &[&str]) -> anyhow::Result<()> {
    let Output { status, stderr, .. } = Command::new("docker")
        .args(arguments)
        // The builder that every engine has; the newer one is a plug-in that Debian doesn't install.
        .env("DOCKER_BUILDKIT", "0")
        .stdin(Stdio::null())
        .output()
        .await
        .context("docker can't be run")?;
    if !status.success() {
        bail!(
            "docker {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&stderr).trim()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{PathBuf, parse_ldd};

    #[test]
    fn libraries_are_read_from_ldd() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                    \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007fde)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007fde)\n";
        let expected = [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(parse_ldd(text).unwrap(), expected.map(PathBuf::from));
        assert!(
            parse_ldd("\tnot a dynamic executable\n")
                .unwrap()
                .is_empty()
        );
        assert!(parse_ldd("\tlibfoo.so => not found\n").is_err());
    }
}
