//! Sets an act up: its shop, its workers, its coordinator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_coordinator::catalogue::Catalogue;
use callboard_coordinator::core::run::{Budgets, Eager};
use callboard_coordinator::model::script::ScriptedModel;
use callboard_coordinator::provider::{Parallel, ToolChoice};
use callboard_coordinator::run::RunOptions;
use callboard_proto::{Epoch, RunId, WorkerName};
use callboard_worker::builtin::shop::{Shop, ShopOptions};
use callboard_worker::executor;
use callboard_worker::tool::Tools;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::cut::{Scissors, Watched};
use super::scene::{Act, Scene};
use crate::config::Config;
use crate::embedded;
use crate::exit::bad_input;
use crate::session::{Session, new_coordinator, wanted};
use crate::telemetry::Watch;

/// Time for a whole act; no scene comes near it.
const ACT_TIME: Duration = Duration::from_secs(30);

/// An act that is ready to begin.
pub(super) struct Stage {
    pub(super) session: Session,
    pub(super) shop: Shop,
    pub(super) model: ScriptedModel,
    pub(super) options: RunOptions,
    /// The call during which a line is cut.
    pub(super) cut_call: &'static str,
    /// Hears which worker's line was cut.
    pub(super) cut: Option<oneshot::Receiver<WorkerName>>,
}

impl Stage {
    pub(super) async fn set(scene: &Scene, act: &Act, config: &Config) -> anyhow::Result<Self> {
        let model = ScriptedModel::from_toml(scene.name.as_str(), act.script)?;
        let shop = Shop::new(ShopOptions::default());
        let (scissors, cut) = act
            .cut
            .map(|moment| Scissors::new(moment, shop.clone()))
            .unzip();
        let mut workers = Vec::new();
        for name in act.workers {
            let name = WorkerName::new(*name).map_err(bad_input)?;
            let options = executor::Options::new(name, config.pool()?);
            workers.push((options, Tools::new(shop.tools())?));
        }
        let session = Session::embedded(
            config,
            new_coordinator(),
            workers,
            Watch::off(),
            |board, announce| {
                embedded::join_through(board, announce, |way| {
                    Watched::new(way, board, announce, scissors.clone())
                })
            },
        )?;
        let tools: Vec<String> = model.tools().map(str::to_owned).collect();
        let catalogue = session
            .catalogue(wanted(tools.iter().map(String::as_str)))
            .await?;
        all_known(&session, act.workers.len(), config).await?;
        let options = options(act, catalogue, scene.call_deadline);
        Ok(Self {
            session,
            shop,
            model,
            options,
            cut_call: act.expected.first().map_or("", |first| first.call),
            cut,
        })
    }
}

/// Waits until the coordinator knows the tools of every worker, so that calls meet all of them.
async fn all_known(session: &Session, workers: usize, config: &Config) -> anyhow::Result<()> {
    let until = Instant::now() + config.coordinator.discovery_timeout;
    loop {
        let known = session.dispatch.workers().await?;
        let ready = known.iter().filter(|(_, tools)| !tools.is_empty()).count();
        if ready >= workers || Instant::now() > until {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

fn options(act: &Act, catalogue: Arc<Catalogue>, call_deadline: Duration) -> RunOptions {
    RunOptions {
        run: RunId::new(Uuid::new_v4()),
        task: act.task.into(),
        catalogue,
        budgets: Budgets {
            turns: 8,
            calls: 16,
            tokens: None,
            time: ACT_TIME,
            turn_time: ACT_TIME,
        },
        call_deadline: Some(call_deadline),
        parallel: Parallel::Auto,
        eager: Eager::Off,
        tool_choice: ToolChoice::Auto,
        epoch: Epoch(0),
        trace: None,
        is_watched: false,
    }
}
