//! Plays a scene: all its acts at the same time, each event shown as it comes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callboard_coordinator::core::{CallReport, CancelReason};
use callboard_coordinator::run::{RunEvent, RunHandle, RunReport};
use callboard_proto::WorkerName;
use tokio::sync::{mpsc, oneshot, watch};

use super::interrupt::Interrupt;
use super::measure::{ActMeasurement, Measurement};
use super::scene::Scene;
use super::screen::Screen;
use super::stage::Stage;
use super::timeline::{Happening, Stamped, Timeline};
use crate::config::Config;

/// Events on their way to the screen: more than any scene has.
const EVENTS: usize = 1024;
/// Time between two pictures: thirty a second.
const FRAME: Duration = Duration::from_millis(33);

/// Plays a scene to its end, or to an interruption, and says what came of it.
pub(crate) async fn play(
    scene: &'static Scene,
    config: &Config,
    screen: &mut Screen,
    interrupt: &mut Interrupt,
) -> anyhow::Result<Measurement> {
    let mut stages = Vec::new();
    for act in scene.acts {
        stages.push(Stage::set(scene, act, config).await?);
    }
    screen.begin(scene)?;
    let began = Instant::now();
    let (sender, mut happenings) = mpsc::channel(EVENTS);
    let (cancel, _) = watch::channel(false);
    let mut acts = Vec::new();
    for (act, stage) in stages.into_iter().enumerate() {
        let reporter = Reporter {
            act,
            began,
            sender: sender.clone(),
        };
        acts.push(tokio::spawn(perform(stage, reporter, cancel.subscribe())));
    }
    drop(sender);
    let mut timeline = Timeline::new(scene);
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            happening = happenings.recv() => match happening {
                Some(stamped) => {
                    timeline.apply(&stamped);
                    screen.happened(&stamped)?;
                }
                None => break,
            },
            _ = frames.tick() => screen.draw(&timeline, began.elapsed())?,
            asked = interrupt.wait() => {
                asked?;
                screen.interrupted();
                // An act that has ended needs no cancel.
                let _ = cancel.send(true);
            }
        }
    }
    let mut performed = Vec::new();
    for act in acts {
        match act.await {
            Ok(act) => performed.push(act),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => return Err(error.into()),
            },
        }
    }
    let measurement = Measurement::new(scene, performed, interrupt.came());
    screen.end(&timeline, &measurement)?;
    Ok(measurement)
}

/// Stamps what happens in one act.
struct Reporter {
    act: usize,
    began: Instant,
    sender: mpsc::Sender<Stamped>,
}

impl Reporter {
    async fn tell(&self, what: Happening) {
        let stamped = Stamped {
            act: self.act,
            at: self.began.elapsed(),
            what,
        };
        // Whoever watched has gone; the act goes on.
        let _ = self.sender.send(stamped).await;
    }
}

async fn perform(
    stage: Stage,
    reporter: Reporter,
    mut cancel: watch::Receiver<bool>,
) -> ActMeasurement {
    let Stage {
        session,
        shop,
        model,
        options,
        cut_call: call,
        mut cut,
    } = stage;
    let mut events = session.dispatch.events();
    let reported: Arc<Mutex<Vec<CallReport>>> = Arc::default();
    let reports = Arc::clone(&reported);
    let observe = move |event: &RunEvent<'_>| {
        if let RunEvent::Reported(report) = event {
            lock(&reports).extend(report.calls.iter().cloned());
        }
    };
    let mut run = RunHandle::start(options, model, session.dispatch.clone(), observe);
    let mut is_cancelled = false;
    let report: RunReport = loop {
        tokio::select! {
            biased;
            Ok(event) = events.recv() => reporter.tell(Happening::Call(event)).await,
            worker = cut_line(&mut cut) => reporter.tell(Happening::Cut { worker, call }).await,
            report = run.finished() => break report,
            changed = cancel.changed(), if !is_cancelled => {
                // Without a sender the scene is given up, which is a cancel, too.
                let _ = changed;
                is_cancelled = true;
                run.cancel(CancelReason::Asked);
            }
        }
    };
    while let Ok(event) = events.try_recv() {
        reporter.tell(Happening::Call(event)).await;
    }
    session.close().await;
    let calls = lock(&reported).clone();
    ActMeasurement {
        report,
        calls,
        refunds: shop.refunds().len(),
    }
}

/// Waits for the cut; for ever where there is none, or none any more.
async fn cut_line(cut: &mut Option<oneshot::Receiver<WorkerName>>) -> WorkerName {
    if let Some(receiver) = cut {
        let told = receiver.await;
        *cut = None;
        if let Ok(worker) = told {
            return worker;
        }
    }
    std::future::pending().await
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Only whole values are put in.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
