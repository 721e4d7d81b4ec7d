//! The task of a run: performs what the run loop wants, one thing at a time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use callboard_coordinator_core::run::{Answer, Gathered, Input, RunEnd, RunLoop, Terms};
use callboard_proto::{Turn, TurnKey};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::desk::{Desk, Event, Next, Stream};
use super::handle::RunOptions;
use super::message::Message;
use super::ports::{Gather, Observe, RunEvent};
use super::record::Record;
use super::report::{EndSummary, RunReport};
use crate::model::{
    Conversation, EarlyCalls, Exchange, FailureDetails, Model, ModelAnswer, ModelError, Question,
};
use crate::provider::ToolChoice;

/// How long a run waits before it asks the same again, where the provider doesn't say. Chosen, not
/// measured: long enough for a connection that was cut to be made anew.
const RETRY_DELAY: Duration = Duration::from_secs(1);

pub(super) struct Actor<M, G: Gather> {
    model: M,
    conversation: Conversation,
    options: RunOptions,
    started: Instant,
    desk: Desk<G>,
    record: Record,
    /// The tools that the last response named while it streamed, and why it broke off, if it did.
    streamed: Vec<String>,
    broken: Option<String>,
    /// How far the question was when the run gave it up, if it did.
    failure: Option<String>,
    /// The same for programs, or why the model gave no answer that the run could go on with.
    details: Option<FailureDetails>,
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
        let terms = Terms {
            budgets: options.budgets.clone(),
            eager: options.eager,
            refuses_calls: options.tool_choice == ToolChoice::None,
        };
        let core = RunLoop::new(options.run, terms, started.into_std());
        Self {
            model,
            conversation: Conversation {
                task: options.task.clone(),
                catalogue: Arc::clone(&options.catalogue),
                exchanges: Vec::new(),
            },
            desk: Desk::new(core, gather, observer, &options, mailbox),
            options,
            started,
            record: Record::default(),
            streamed: Vec::new(),
            broken: None,
            failure: None,
            details: None,
        }
    }

    pub(super) async fn drive(mut self) -> RunReport {
        loop {
            match self.desk.next() {
                None => self.wait().await,
                Some(Next::Ask(turn)) => self.ask(turn).await,
                Some(Next::FeedBack(gathered)) => self.feed_back(gathered),
                Some(Next::Discard(gathered)) => self.discard(&gathered),
                Some(Next::End(end)) => return self.end(end),
            }
        }
    }

    /// Waits for the report of the open turn, or for time to pass.
    async fn wait(&mut self) {
        let work = pin!(std::future::pending::<Infallible>());
        let mut stream = Stream::new(Turn(0), None);
        match self.desk.wait(work, &mut stream).await {
            Event::Done(never) => match never {},
            Event::Other => {}
        }
    }

    async fn ask(&mut self, turn: TurnKey) {
        let turn = turn.turn;
        self.broken = None;
        self.desk.observer.observe(&RunEvent::Asked { turn });
        let (early, offers) = if self.desk.core.takes_early() {
            let (early, offers) = EarlyCalls::channel();
            (early, Some(offers))
        } else {
            (EarlyCalls::none(), None)
        };
        let deadline = self.desk.core.deadline().into();
        let mut question = Question::new(early, Some(deadline));
        let mut stream = Stream::new(turn, offers);
        let answer = {
            let mut answer = pin!(self.model.answer(&self.conversation, &mut question));
            loop {
                let event = self.desk.wait(answer.as_mut(), &mut stream).await;
                if let Event::Done(answer) = event {
                    break Some(answer);
                }
                self.desk.perform();
                if !self.desk.core.is_asking() {
                    break None;
                }
            }
        };
        self.streamed = stream.names;
        self.desk.handle(Input::Discarded(question.discarded()));
        match answer {
            Some(Ok(answer)) => self.answered(turn, answer),
            Some(Err(error)) => self.failed(turn, &error, question.taken() > 0),
            None => {
                self.failure = question.account();
                self.details = question.details();
            }
        }
    }

    fn answered(&mut self, turn: Turn, answer: ModelAnswer) {
        self.details = answer
            .account
            .as_ref()
            .map(|account| account.details.clone());
        self.desk.observer.observe(&RunEvent::Answered {
            turn,
            text: &answer.text,
            calls: &answer.calls,
            stop_reason: &answer.stop_reason,
            usage: answer.usage,
        });
        let input = Input::ModelAnswered {
            turn,
            answer: Answer {
                calls: self.conversation.catalogue.check_all(&answer.calls),
                stop: answer.stop.clone(),
                usage: answer.usage,
                account: answer
                    .account
                    .as_ref()
                    .map(|account| account.message.clone()),
            },
        };
        self.record.answered(turn, &answer);
        self.conversation.exchanges.push(Exchange {
            turn,
            answer,
            report: None,
        });
        self.desk.handle(input);
    }

    /// The adapter has had its own retries, unless calls that it gave away early forbade them.
    fn failed(&mut self, turn: Turn, error: &ModelError, gave_early: bool) {
        let mut message = error.told();
        tracing::info!(run = %self.options.run, turn = turn.0, "{message}");
        self.desk.observer.observe(&RunEvent::Failed {
            turn,
            message: &message,
        });
        let may_retry = gave_early && error.is_retryable();
        self.details = error.details();
        self.broken = Some(message.clone());
        // Where the run asked again before, as often as it does, somebody has to do something.
        if let Some(cure) = error.cure() {
            message = format!("{message}; {cure}");
        }
        self.desk.handle(Input::ModelFailed {
            turn,
            message,
            retry_after: may_retry.then(|| error.retry_after().unwrap_or(RETRY_DELAY)),
        });
    }

    fn feed_back(&mut self, gathered: Gathered) {
        let turn = gathered.report.turn.turn;
        let observer = &mut self.desk.observer;
        observer.observe(&RunEvent::Reported(&gathered.report));
        if gathered.early_calls > 0 {
            observer.observe(&RunEvent::Hidden {
                turn,
                early_calls: gathered.early_calls,
                hidden: gathered.hidden,
            });
        }
        let exchange = self
            .conversation
            .exchanges
            .last_mut()
            .expect("a turn is fed back only after its answer was kept");
        assert_eq!(exchange.turn, turn, "it is the last one");
        let names = exchange.answer.calls.iter().map(|call| call.name.as_str());
        self.record.fed_back(&gathered, names);
        exchange.report = Some(gathered.report);
    }

    fn discard(&mut self, gathered: &Gathered) {
        let discarded = RunEvent::Discarded(&gathered.report);
        self.desk.observer.observe(&discarded);
        let names = self.streamed.iter().map(String::as_str);
        self.record.discarded(gathered, names, self.broken.take());
    }

    fn end(mut self, mut end: RunEnd) -> RunReport {
        if let RunEnd::TimeExhausted { failure } = &mut end {
            *failure = self.failure.take();
        }
        self.desk.observer.observe(&RunEvent::Ended(&end));
        self.desk.end_run(self.options.run);
        let details = match end {
            RunEnd::ModelFailed { .. } | RunEnd::TimeExhausted { .. } => self.details,
            RunEnd::Answered
            | RunEnd::TurnsExhausted
            | RunEnd::CallsExhausted
            | RunEnd::TokensExhausted
            | RunEnd::Cancelled(_)
            | RunEnd::Truncated
            | RunEnd::Declined => None,
        };
        self.record.into_report(
            self.options.run,
            self.model.name(),
            EndSummary::with(&end, details),
            self.desk.core.usage(),
            self.started.elapsed(),
            self.options.trace,
        )
    }
}
