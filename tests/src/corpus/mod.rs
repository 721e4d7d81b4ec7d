//! The wire corpus: what each released version said on a real server, kept so that later versions are tested against it.
//!
//! A recording is one session of real workers, coordinators and a foreign client, heard by a client that takes part in
//! nothing. `tests/corpus/{version}/*.jsonl` holds one [`Message`] a line, in the order in which the server passed them on.

mod body;
mod cast;
mod coverage;
mod foreign;
mod message;
mod play;
mod recorder;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use callboard_proto::InstanceId;
use callboard_proto::server::ServerOptions;
use semver::Version;

pub use body::Body;
pub use coverage::lacks;
pub use message::{Direction, Message};
pub use play::record;

/// Set to `write`, this variable makes the corpus test keep what it records as the corpus of this version.
pub const RECORD_VARIABLE: &str = "CALLBOARD_RECORD_CORPUS";

/// The version that this build is, and that it records.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One version's recording.
#[derive(Debug)]
pub struct Corpus {
    /// The version that spoke.
    pub version: Version,
    /// What it said, in order.
    pub messages: Vec<Message>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Reads all recordings, oldest version first.
///
/// # Errors
/// When a folder is named by no version, or a file can't be read as messages; the text names it.
pub fn load() -> anyhow::Result<Vec<Corpus>> {
    let mut all = Vec::new();
    for path in entries(&folder())? {
        if !path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let version =
            Version::parse(&name).with_context(|| format!("{} is no version", path.display()))?;
        let mut messages = Vec::new();
        for file in entries(&path)? {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("failed to read {}", file.display()))?;
            for (index, line) in text.lines().enumerate() {
                let message = serde_json::from_str(line)
                    .with_context(|| format!("{}, line {}", file.display(), index + 1))?;
                messages.push(message);
            }
        }
        all.push(Corpus { version, messages });
    }
    all.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(all)
}

/// Keeps a recording as the corpus of this version.
///
/// # Errors
/// When this version has a corpus already (what was released is never recorded again), or it can't be written.
pub fn save(messages: &[Message]) -> anyhow::Result<PathBuf> {
    let folder = folder().join(VERSION);
    ensure!(
        !folder.exists(),
        "{} exists; a released version's corpus stays as it is: raise the version, or remove the folder if {VERSION} \
         was never released",
        folder.display()
    );
    fs::create_dir_all(&folder)?;
    let mut text = String::new();
    for message in messages {
        text.push_str(&serde_json::to_string(message)?);
        text.push('\n');
    }
    let file = folder.join("session.jsonl");
    fs::write(&file, text)?;
    Ok(file)
}

/// A worker of today that has the tools and the instance of a recorded one; none of its tools waits.
#[derive(Debug)]
pub struct StandIn(cast::Worker);

/// Starts one.
///
/// # Errors
/// When the server can't be used.
pub async fn stand_in(url: &str, instance: InstanceId) -> anyhow::Result<StandIn> {
    let server = ServerOptions::new(url.parse()?);
    let worker = cast::Worker::ensemble_as(&server, instance).await?;
    worker.gate.set(true);
    Ok(StandIn(worker))
}

impl StandIn {
    /// Ends it; what it had to say is said.
    ///
    /// # Errors
    /// When its link could not be closed in order.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.0.stop().await
    }
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed =
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let mut paths = listed
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
