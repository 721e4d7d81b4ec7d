//! The task of a run: performs what the run loop wants, one thing at a time.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;

use callboard_coordinator_core::run::{Answer, Effect, Input, RunEnd, RunLoop};
use callboard_coordinator_core::{CancelReason, NewCall, Report, TurnOptions};
use callboard_proto::TurnKey;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::handle::RunOptions;
use super::message::Message;
use super::ports::{Gather, Observe, RunEvent};
use super::report::RunReport;
use crate::model::{Conversation, EarlyCalls, Exchange, Model, ModelAnswer, ModelError};

pub(super) struct Actor<M, G> {
    model: M,
    gather: G,
    observer: Box<dyn Observe>,
    options: RunOptions,
    conversation: Conversation,
    started: Instant,
    inner: Inner,
}

/// What is needed while the model or the gathering is waited for.
struct Inner {
    core: RunLoop,
    mailbox: mpsc::Receiver<Message>,
    /// What the core wants done next, in order.
    effects: VecDeque<Effect>,
}

impl<M: Model, G: Gather> Actor<M, G> {
    pub(super) fn new(
        options: RunOptions,
        model: M,
        gather: G,
        observer: Box<dyn Observe>,
        mailbox: mpsc::Receiver<Message>,
    ) -> Self {
        let started = Instant::now();
        let core = RunLoop::new(options.run, options.budgets.clone(), started.into_std());
        Self {
            model,
            gather,
            observer,
            conversation: Conversation {
                task: options.task.clone(),
                catalogue: std::sync::Arc::clone(&options.catalogue),
                exchanges: Vec::new(),
            },
            options,
            started,
            inner: Inner {
                core,
                mailbox,
                effects: VecDeque::new(),
            },
        }
    }

    pub(super) async fn drive(mut self) -> RunReport {
        loop {
            match self.inner.next_effect() {
                Effect::AskModel { turn } => self.ask(turn).await,
                Effect::OpenTurn {
                    turn,
                    calls,
                    deadline,
                } => {
                    let options = TurnOptions {
                        deadline,
                        call_deadline: self.options.call_deadline,
                        parallel_max: self.options.parallel_max,
                        epoch: self.options.epoch,
                    };
                    self.gather(turn, options, calls).await;
                }
                Effect::CancelTurn { turn, reason } => self.gather.cancel(turn, reason),
                Effect::FeedBack(report) => self.feed_back(report),
                Effect::End(end) => return self.end(&end),
            }
        }
    }

    async fn ask(&mut self, turn: TurnKey) {
        let turn = turn.turn;
        self.observer.observe(&RunEvent::Asked { turn });
        let mut early = EarlyCalls::none();
        let question = self.model.answer(&self.conversation, &mut early);
        let answer = self.inner.wait_for(question, |_, _| {}).await;
        let input = match answer {
            None => return,
            Some(Ok(answer)) => {
                let input = Input::ModelAnswered {
                    turn,
                    answer: Answer {
                        calls: self.conversation.catalogue.check_all(&answer.calls),
                        stop: answer.stop.clone(),
                        usage: answer.usage,
                    },
                };
                self.answered(turn, answer);
                input
            }
            Some(Err(error)) => Input::ModelFailed {
                turn,
                message: with_causes(&error),
            },
        };
        self.inner.handle(input);
    }

    fn answered(&mut self, turn: callboard_proto::Turn, answer: ModelAnswer) {
        self.observer.observe(&RunEvent::Answered {
            turn,
            text: &answer.text,
            calls: answer.calls.len(),
            usage: answer.usage,
        });
        self.conversation.exchanges.push(Exchange {
            turn,
            answer,
            report: None,
        });
    }

    async fn gather(&mut self, turn: TurnKey, options: TurnOptions, calls: Vec<NewCall>) {
        let gathering = self.gather.gather(turn, options, calls);
        let cancel = |turn, reason| self.gather.cancel(turn, reason);
        let input = match self.inner.wait_for(gathering, cancel).await {
            None => return,
            Some(Ok(report)) => Input::Reported(report),
            Some(Err(lost)) => {
                tracing::error!(run = %turn.run, turn = turn.turn.0, "{lost}");
                Input::ReportLost { turn: turn.turn }
            }
        };
        self.inner.handle(input);
    }

    fn feed_back(&mut self, report: Report) {
        self.observer.observe(&RunEvent::Reported(&report));
        let exchange = self
            .conversation
            .exchanges
            .iter_mut()
            .rfind(|exchange| exchange.turn == report.turn.turn)
            .expect("a turn is opened only after its answer was kept");
        exchange.report = Some(report);
    }

    fn end(mut self, end: &RunEnd) -> RunReport {
        self.observer.observe(&RunEvent::Ended(end));
        self.gather.end_run(self.options.run);
        RunReport::new(
            self.options.run,
            self.model.name(),
            end,
            &self.conversation.exchanges,
            self.inner.core.usage(),
            self.started.elapsed(),
        )
    }
}

impl Inner {
    fn handle(&mut self, input: Input) {
        self.core.handle_input(input, Instant::now().into_std());
    }

    fn next_effect(&mut self) -> Effect {
        self.effects
            .pop_front()
            .or_else(|| self.core.poll_effect())
            .expect("a run that waits for nothing has ended")
    }

    /// Waits for work and tells the core meanwhile what else happens. `None`: the core wants
    /// something else done, so the work is given up.
    async fn wait_for<T>(
        &mut self,
        work: impl Future<Output = T>,
        cancel_turn: impl Fn(TurnKey, CancelReason),
    ) -> Option<T> {
        let mut work = pin!(work);
        let mut is_open = true;
        loop {
            let deadline = self
                .core
                .poll_timeout()
                .expect("a run that waits has a deadline");
            tokio::select! {
                // What has arrived counts, even at the very deadline.
                biased;
                value = &mut work => return Some(value),
                message = self.mailbox.recv(), if is_open => match message {
                    Some(Message::Cancel(reason)) => self.handle(Input::Cancel(reason)),
                    None => {
                        is_open = false;
                        self.handle(Input::Cancel(CancelReason::Asked));
                    }
                },
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.core.handle_timeout(Instant::now().into_std());
                }
            }
            while let Some(effect) = self.core.poll_effect() {
                match effect {
                    Effect::CancelTurn { turn, reason } => cancel_turn(turn, reason),
                    effect @ (Effect::AskModel { .. }
                    | Effect::OpenTurn { .. }
                    | Effect::FeedBack(_)
                    | Effect::End(_)) => self.effects.push_back(effect),
                }
            }
            if !self.effects.is_empty() {
                return None;
            }
        }
    }
}

/// An error with all its causes, in one line.
fn with_causes(error: &ModelError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
