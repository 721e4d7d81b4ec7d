//! A folder of so many files that searching it takes seconds.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

/// Files in the forest.
pub const FILES: usize = FOLDERS * FILES_PER_FOLDER + NEEDLES.len();

const FOLDERS: usize = 200;
const FILES_PER_FOLDER: usize = 1000;

/// Other names of one file are quicker to make than files; ext4 allows 65,000 of them.
const NAMES_PER_FILE: usize = 50_000;

/// What every file but three holds: enough to read for the search to last some seconds in a debug build.
const HAY: &str = "the quick brown fox jumps over the lazy dog and goes home again\n";

/// The files that hold what is searched, in the order in which a search finds them.
const NEEDLES: [&str; 3] = ["d000/needle.txt", "d111/needle.txt", "d199/needle.txt"];

/// 200,003 files in 200 folders; three of them hold the word `needle`.
#[derive(Debug)]
pub struct Forest {
    folder: TempDir,
}

impl Forest {
    /// Grows it.
    ///
    /// # Errors
    /// The disk is full, or has no hard links.
    pub fn grow() -> anyhow::Result<Self> {
        let folder =
            TempDir::with_prefix("callboard-forest-").context("failed to make a folder")?;
        let root = folder.path();
        for number in 0..FOLDERS {
            let below = root.join(format!("d{number:03}"));
            fs::create_dir(&below)?;
            let seed = root.join(format!(
                ".seed-{}",
                number * FILES_PER_FOLDER / NAMES_PER_FILE
            ));
            if !seed.exists() {
                fs::write(&seed, HAY.repeat(16))?;
            }
            for number in 0..FILES_PER_FOLDER {
                fs::hard_link(&seed, below.join(format!("f{number:03}.txt")))?;
            }
        }
        for path in NEEDLES {
            fs::write(root.join(path), format!("{HAY}a needle in {path}\n"))?;
        }
        Ok(Self { folder })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file that holds a needle, and its text.
    ///
    /// # Errors
    /// It can't be read.
    pub fn needle(&self) -> anyhow::Result<(PathBuf, String)> {
        let text = fs::read_to_string(self.path().join(NEEDLES[0]))?;
        Ok((PathBuf::from(NEEDLES[0]), text))
    }

    /// What searching everything for `needle` must answer.
    #[must_use]
    pub fn found(&self) -> String {
        let lines: Vec<String> = NEEDLES
            .iter()
            .map(|path| format!("{path}:2: a needle in {path}\n"))
            .collect();
        let count = NEEDLES.len();
        format!(
            "{}\n[{count} matches in {count} of {FILES} files searched]",
            lines.concat()
        )
    }
}
