//! What signatures cost: the same load without them, and with all of them made and asked for.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use callboard_proto::Pool;
use callboard_proto::server::{ServerOptions, Signing};
use callboard_proto::signature::PublicKey;
use nkeys::KeyPair;
use tempfile::TempDir;

use super::campaign::Campaign;
use super::fleet::{Kind, Spec};
use super::plan::{SIGNED, SLOTS_PLENTY, Signed};
use super::protocol::{Command, Tool};
use super::report::{Measure, Row};
use super::rounds::{self, Contender};

/// Names the folder with the keys, for a process that signs.
pub const KEYS_VARIABLE: &str = "CALLBOARD_BENCH_SIGNING_KEYS";
/// The pool of the measured workers.
const POOL: &str = "bench";

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The process that posts.
    Coordinator,
    /// The process that executes.
    Worker,
}

impl Signer {
    fn file(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::Coordinator => "coordinator.nk",
            Self::Worker => "worker.nk",
        })
    }
}

/// Makes the keys of both sides.
///
/// # Errors
/// When they can't be written.
pub fn keys() -> anyhow::Result<TempDir> {
    let folder = TempDir::new()?;
    for signer in [Signer::Coordinator, Signer::Worker] {
        let seed = KeyPair::new_user().seed()?;
        std::fs::write(signer.file(folder.path()), seed)?;
    }
    Ok(folder)
}

/// A server's options for a measured process; with [`KEYS_VARIABLE`], one that signs and asks for signatures.
///
/// # Errors
/// When the keys can't be read.
pub fn server(url: &str, who: Signer) -> anyhow::Result<ServerOptions> {
    let mut options = ServerOptions::new(url.parse()?);
    let Some(folder) = std::env::var_os(KEYS_VARIABLE).map(PathBuf::from) else {
        return Ok(options);
    };
    let public = |signer: Signer| -> anyhow::Result<PublicKey> {
        let seed = std::fs::read_to_string(signer.file(&folder))?;
        Ok(PublicKey::new(KeyPair::from_seed(&seed)?.public_key())?)
    };
    options.nkey_file = Some(who.file(&folder));
    options.signing = Signing {
        sign: true,
        require: true,
        coordinators: vec![public(Signer::Coordinator)?],
        workers: [(Pool::new(POOL)?, vec![public(Signer::Worker)?])].into(),
    };
    Ok(options)
}

/// Measures all loads.
///
/// # Errors
/// When a process fails or a call does not complete.
pub fn measure(campaign: &mut Campaign) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for load in &SIGNED {
        rows.push(one(campaign, load)?);
        campaign.fleets.end();
    }
    Ok(rows)
}

fn one(campaign: &mut Campaign, plan: &Signed) -> anyhow::Result<Row> {
    let measure = Measure::Signed {
        in_flight: plan.load.in_flight,
        turns: plan.load.turns,
        is_write: plan.tool == Tool::Write,
    };
    writeln!(std::io::stderr(), "measuring {measure:?}")?;
    let command = Command::Sustained(plan.load.load(&campaign.effort, plan.tool));
    let contender = |label, kind| {
        let spec = Spec::new(kind, plan.load.workers, SLOTS_PLENTY);
        Contender::new(label, spec, command.clone())
    };
    let mut contenders = [
        contender("unsigned", Kind::Nats),
        contender("signed", Kind::Signed),
    ];
    rounds::run(
        &mut contenders,
        campaign.effort.rounds,
        campaign.effort.settling,
        &mut campaign.fleets,
    )?;
    let [unsigned, signed] = &contenders;
    Ok(Row {
        measure,
        trial: Vec::new(),
        baseline: unsigned.row(None, None).context("it was measured")?,
        sides: signed.row(Some(unsigned), None).into_iter().collect(),
    })
}
