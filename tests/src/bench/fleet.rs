//! The measured processes, as the driver holds them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command as Program, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::protocol::{Answer, Command};
use super::raw::Variant;
use super::{proc, process, signed};

/// Longest wait for an answer; chosen: ten times the longest workload.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// Answers that may wait to be read; a process gives one per command.
const ANSWERS_MAX: usize = 4;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The baseline.
    Raw(Variant),
    /// Callboard over NATS.
    Nats,
    /// Callboard with its worker in the same process; there is one process and no server.
    Embedded,
    /// Callboard over NATS, each turn a run of its own, with so much of it traced.
    Traced(Sampling),
    /// Callboard over NATS, all messages that can be signed being so, and asked to be.
    Signed,
}

/// Which traces are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sampling {
    /// None.
    Nothing,
    /// One of a hundred.
    Hundredth,
    /// All.
    Everything,
}

impl Sampling {
    /// The argument of the sampler.
    const fn ratio(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Hundredth => Some("0.01"),
            Self::Everything => Some("1"),
        }
    }
}

/// Which processes a measurement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spec {
    /// Who is measured.
    pub kind: Kind,
    /// Processes that post.
    pub coordinators: u32,
    /// Processes that execute.
    pub workers: u32,
    /// Slots of each worker, where workers have slots.
    pub slots: u32,
}

impl Spec {
    /// One coordinator, some workers.
    #[must_use]
    pub const fn new(kind: Kind, workers: u32, slots: u32) -> Self {
        Self {
            kind,
            coordinators: 1,
            workers,
            slots,
        }
    }

    /// The same with another number of coordinators.
    #[must_use]
    pub const fn coordinators(self, coordinators: u32) -> Self {
        Self {
            coordinators,
            ..self
        }
    }

    /// A name for the fleet, unique among the specs and fit for a subject.
    fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Raw(variant) => variant.name(),
            Kind::Nats => "callboard",
            Kind::Embedded => "embedded",
            Kind::Signed => "signed",
            Kind::Traced(Sampling::Nothing) => "untraced",
            Kind::Traced(Sampling::Hundredth) => "sampled",
            Kind::Traced(Sampling::Everything) => "exported",
        };
        format!(
            "{kind}-{}-{}-{}",
            self.coordinators, self.workers, self.slots
        )
    }

    fn arguments(&self, role: &str, number: u32, url: &str) -> Vec<String> {
        let (fleet, number) = (self.name(), number.to_string());
        let (workers, slots) = (self.workers.to_string(), self.slots.to_string());
        let words: &[&str] = match self.kind {
            Kind::Raw(variant) => &["raw", role, variant.name(), url, &fleet],
            Kind::Nats | Kind::Signed => &["ours", role, &number, url, &fleet, &workers, &slots],
            Kind::Embedded => &["ours", "embedded", &slots],
            Kind::Traced(_) if role == "worker" => {
                &["ours", role, &number, url, &fleet, &workers, &slots]
            }
            Kind::Traced(_) => &[
                "ours",
                "single-turns",
                &number,
                url,
                &fleet,
                &workers,
                &slots,
            ],
        };
        let all = std::iter::once(&process::WORD).chain(words);
        all.map(|&word| word.to_owned()).collect()
    }
}

/// One measured process; ended when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    commands: ChildStdin,
    answers: Receiver<String>,
}

impl Process {
    fn start(
        name: String,
        arguments: &[String],
        variables: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let path = std::env::current_exe()?;
        let mut child = Program::new(&path)
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", path.display()))?;
        let commands = child.stdin.take().context("the child has no input")?;
        let output = child.stdout.take().context("the child has no output")?;
        let (sender, answers) = sync_channel(ANSWERS_MAX);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let process = Self {
            name,
            child,
            commands,
            answers,
        };
        let answer = process.answer()?;
        if !matches!(answer, Answer::Ready) {
            bail!("{} began with {answer:?}", process.name);
        }
        Ok(process)
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// When the process fails, ends or does not answer in time.
    pub fn ask(&mut self, command: &Command) -> anyhow::Result<Answer> {
        self.tell(command)?;
        self.answer()
    }

    /// Asks without waiting; [`Process::answer`] must follow.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn tell(&mut self, command: &Command) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(command)?;
        line.push(b'\n');
        let told = self.commands.write_all(&line);
        told.with_context(|| format!("{} takes no command", self.name))
    }

    /// Waits for the answer to what was told.
    ///
    /// # Errors
    /// When the process fails, ends or does not answer in time.
    pub fn answer(&self) -> anyhow::Result<Answer> {
        let line = match self.answers.recv_timeout(ANSWER_WITHIN) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => {
                bail!("{} did not answer within {ANSWER_WITHIN:?}", self.name)
            }
            Err(RecvTimeoutError::Disconnected) => bail!("{} has ended", self.name),
        };
        let answer = serde_json::from_str(&line)
            .with_context(|| format!("{} answered {line:?}", self.name))?;
        if let Answer::Failed(reason) = answer {
            bail!("{} failed: {reason}", self.name);
        }
        Ok(answer)
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The processes of one [`Spec`].
#[derive(Debug)]
pub struct Fleet {
    /// Processes that post.
    pub coordinators: Vec<Process>,
    /// Processes that execute; none where the coordinator's own process does.
    pub workers: Vec<Process>,
    server: Option<u32>,
    /// The collector, where something is exported.
    sink: Option<Process>,
    /// The keys, where messages are signed.
    _keys: Option<TempDir>,
}

impl Fleet {
    fn start(spec: &Spec, server: &ServerAt) -> anyhow::Result<Self> {
        let mut variables = Vec::new();
        let mut keys = None;
        let sink = match spec.kind {
            Kind::Traced(sampling) => match sampling.ratio() {
                Some(ratio) => {
                    let (sink, url) = sink(&spec.name())?;
                    variables = vec![
                        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url),
                        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned()),
                        ("OTEL_TRACES_SAMPLER_ARG", ratio.to_owned()),
                    ];
                    Some(sink)
                }
                None => None,
            },
            Kind::Signed => {
                let folder = signed::keys()?;
                variables = vec![(signed::KEYS_VARIABLE, folder.path().display().to_string())];
                keys = Some(folder);
                None
            }
            Kind::Raw(_) | Kind::Nats | Kind::Embedded => None,
        };
        let start = |role: &str, number: u32| {
            let name = format!("{role} {number} of {}", spec.name());
            let arguments = spec.arguments(role, number, &server.url);
            Process::start(name, &arguments, &variables)
        };
        let embedded = spec.kind == Kind::Embedded;
        let workers = if embedded { 0 } else { spec.workers };
        let workers = (0..workers)
            .map(|n| start("worker", n))
            .collect::<Result<_, _>>()?;
        let coordinators = (0..spec.coordinators)
            .map(|n| start("coordinator", n))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            coordinators,
            workers,
            server: server.pid.filter(|_| !embedded),
            sink,
            _keys: keys,
        })
    }

    /// The collector.
    ///
    /// # Errors
    /// When nothing is exported.
    pub fn sink(&mut self) -> anyhow::Result<&mut Process> {
        self.sink.as_mut().context("the fleet exports nothing")
    }

    /// The first coordinator; most workloads have only that.
    ///
    /// # Errors
    /// When the spec asked for none.
    pub fn coordinator(&mut self) -> anyhow::Result<&mut Process> {
        let first = self.coordinators.first_mut();
        first.context("the fleet has no coordinator")
    }

    /// The process that executes: the first worker, or the coordinator where that has it inside.
    ///
    /// # Errors
    /// When the spec asked for no process.
    pub fn worker(&mut self) -> anyhow::Result<&mut Process> {
        let mut processes = self.workers.iter_mut().chain(&mut self.coordinators);
        processes.next().context("the fleet has no worker")
    }

    /// Processor time used so far by coordinators, workers and server.
    ///
    /// # Errors
    /// When one of them has ended.
    pub fn processor_time(&self) -> anyhow::Result<Cpu> {
        let sum = |processes: &[Process]| {
            processes
                .iter()
                .map(|process| proc::processor_time(process.pid()))
                .sum::<anyhow::Result<Duration>>()
        };
        Ok(Cpu {
            coordinators: sum(&self.coordinators)?,
            workers: sum(&self.workers)?,
            server: self
                .server
                .map_or(Ok(Duration::ZERO), proc::processor_time)?,
        })
    }
}

/// A collector and its address.
fn sink(fleet: &str) -> anyhow::Result<(Process, String)> {
    let free = TcpListener::bind("127.0.0.1:0").context("there is no free port")?;
    let address = free.local_addr()?.to_string();
    drop(free);
    let words = [process::WORD, "sink", &address].map(str::to_owned);
    let sink = Process::start(format!("sink of {fleet}"), &words, &[])?;
    Ok((sink, format!("http://{address}")))
}

/// Processor time by role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Of the processes that post; with an embedded worker, of that too.
    pub coordinators: Duration,
    /// Of the processes that execute.
    pub workers: Duration,
    /// Of the nats-server.
    pub server: Duration,
}

impl Cpu {
    /// Adds what was used between two readings.
    pub fn add(&mut self, before: &Self, after: &Self) {
        self.coordinators += after.coordinators.saturating_sub(before.coordinators);
        self.workers += after.workers.saturating_sub(before.workers);
        self.server += after.server.saturating_sub(before.server);
    }
}

/// Where the nats-server is.
#[derive(Clone, Debug)]
pub struct ServerAt {
    /// Its address, as a client takes it.
    pub url: String,
    /// Its process; `None` in a container, whose processor time is then not told.
    pub pid: Option<u32>,
}

/// All fleets of a workload, each started when it is first needed.
#[derive(Debug)]
pub struct Fleets {
    server: ServerAt,
    running: BTreeMap<Spec, Fleet>,
}

impl Fleets {
    /// None yet.
    #[must_use]
    pub fn new(server: ServerAt) -> Self {
        Self {
            server,
            running: BTreeMap::new(),
        }
    }

    /// The fleet of a spec.
    ///
    /// # Errors
    /// When a process does not start.
    pub fn of(&mut self, spec: &Spec) -> anyhow::Result<&mut Fleet> {
        match self.running.entry(*spec) {
            Entry::Occupied(fleet) => Ok(fleet.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(Fleet::start(spec, &self.server)?)),
        }
    }

    /// Ends all processes, so that the next workload has the machine for itself.
    pub fn end(&mut self) {
        self.running.clear();
    }
}
