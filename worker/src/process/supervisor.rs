//! The process between a worker and a program: it confines the program, and leaves nothing behind.
//!
//! It makes itself the one to which orphans go ([`rustix::process::set_child_subreaper`]), so a program
//! that forks twice to get away is still below it. When the program has ended, or the worker says so, or
//! the worker is gone (its end of the pipe closes, however it died), everything below is ended: SIGTERM,
//! the grace, SIGKILL until nobody is left. A program may do the same to its supervisor; the worker then finds
//! what is left by its [`super::mark::Mark`].

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpid, getppid, set_child_subreaper,
    setrlimit, setsid, wait,
};

use super::limits::Limits;
use super::order::{End, Order};
use super::tree;

/// How often survivors of SIGKILL are looked for again: those that were born meanwhile.
const KILL_INTERVAL: Duration = Duration::from_millis(5);

enum Event {
    /// The worker wants the end, or is gone.
    Stop,
    /// A process below ended.
    Ended(Pid, WaitStatus),
    /// Nobody is left below.
    Empty,
}

/// Runs as a supervisor: reads an order from standard input, carries it out, and returns when nobody is
/// left. To be called by the program that [`super::Host`] names, before anything else.
#[must_use]
pub fn supervise() -> ExitCode {
    close_inherited();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "callboard: supervisor: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Closes what whoever started the worker left open in it: a program below gets its three pipes alone.
/// Nothing of this process's own is open yet.
fn close_inherited() {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
    let open: Vec<i32> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|descriptor| *descriptor > 2)
        .collect();
    for descriptor in open {
        // The folder that was read is among them, and closed already.
        let _ = nix::unistd::close(descriptor);
    }
}

fn run() -> io::Result<()> {
    // A terminal's Ctrl-C and a service manager's SIGTERM are for the worker, which drains; a handler,
    // and not "ignore", for that would be inherited by the program.
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    // Fails where it leads a session already.
    let _ = setsid();
    set_child_subreaper(Some(getpid()))?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let (events, inbox) = mpsc::channel();
    if order.is_relayed {
        watch_pipe(events.clone());
    } else {
        watch_worker(events.clone());
    }
    let _folder = Folder(&order);
    let end = match start(&order) {
        Ok(child) => match follow(child, &order, events, &inbox) {
            Some(end) => end,
            // It ran, and nobody knows how it ended: without an end file the worker says just that.
            None => return Err(io::Error::other("the program's end was not seen")),
        },
        Err(why) => End::NotStarted(why),
    };
    let text = serde_json::to_string(&end)?;
    std::fs::write(&order.end_file, text)
}

/// The call's folder, which goes with the worker that made it; where that is gone, with the supervisor.
struct Folder<'a>(&'a Order);

impl Drop for Folder<'_> {
    fn drop(&mut self) {
        let parent = getppid().and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
        if parent != Some(self.0.worker)
            && let Some(folder) = self.0.end_file.parent()
        {
            // Nobody is left to be told.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Starts the program on a thread of its own: what confines it is a property of the thread that starts it.
fn start(order: &Order) -> Result<Child, String> {
    let marked = order.mark.set().and_then(|()| limit(&order.limits));
    marked.map_err(|error| format!("its limits can't be set: {error}"))?;
    let starting = thread::scope(|scope| {
        let thread = scope.spawn(|| {
            rustix::thread::set_no_new_privs(true)
                .map_err(|error| format!("new privileges can't be ruled out: {error}"))?;
            if let Some(sandbox) = &order.sandbox {
                sandbox
                    .enter(&order.scratch)
                    .map_err(|error| error.to_string())?;
            }
            let stdin = if order.is_relayed || order.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            };
            Command::new(&order.program)
                .args(&order.arguments)
                .env_clear()
                .envs(&order.env)
                .current_dir(&order.cwd)
                // What it sends to its own group isn't for its supervisor.
                .process_group(0)
                .stdin(stdin)
                .spawn()
                .map_err(|error| format!("{} can't be started: {error}", order.program.display()))
        });
        thread.join()
    });
    let mut child = starting.unwrap_or_else(|_| Err("the supervisor panicked".to_owned()))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that doesn't read it closes the pipe in the end.
        match order.stdin.clone() {
            Some(text) => thread::spawn(move || pipe.write_all(text.as_bytes())),
            None => thread::spawn(move || relay(&mut pipe)),
        };
    }
    Ok(child)
}

/// Passes on what the worker writes, as it comes, until it stops or the program reads no more.
fn relay(pipe: &mut ChildStdin) -> io::Result<()> {
    let mut stdin = io::stdin().lock();
    loop {
        let bytes = stdin.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        let count = bytes.len();
        pipe.write_all(bytes)?;
        stdin.consume(count);
    }
}

fn limit(limits: &Limits) -> io::Result<()> {
    let all = [
        (Resource::As, limits.memory_bytes_max),
        (Resource::Nproc, limits.processes_max),
        (Resource::Fsize, limits.file_bytes_max),
        (Resource::Nofile, limits.open_files_max),
        (Resource::Cpu, limits.cpu_seconds_max),
        (Resource::Core, 0),
    ];
    for (resource, max) in all {
        // Never above what the worker itself is held to.
        let ceiling = rustix::process::getrlimit(resource).maximum;
        let bound = |max: u64| Some(ceiling.map_or(max, |ceiling| ceiling.min(max)));
        // At both bounds at once the kernel kills without the signal that says why.
        let is_cpu = resource == Resource::Cpu;
        let maximum = max.saturating_add(u64::from(is_cpu));
        setrlimit(
            resource,
            Rlimit {
                current: bound(max),
                maximum: bound(maximum),
            },
        )?;
    }
    Ok(())
}

/// Waits for the program's end and sees everybody off; `None` where its end was not seen.
fn follow(
    child: Child,
    order: &Order,
    events: Sender<Event>,
    inbox: &Receiver<Event>,
) -> Option<End> {
    let main = Pid::from_child(&child);
    watch_children(events);
    let mut end = None;
    // When SIGTERM turns into SIGKILL; `None`: nobody was told to end yet.
    let mut kill_at: Option<Instant> = None;
    loop {
        let event = match kill_at {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => {
                let now = Instant::now();
                if now >= at {
                    tree::signal_all(Signal::KILL);
                }
                inbox.recv_timeout(at.saturating_duration_since(now).max(KILL_INTERVAL))
            }
        };
        match event {
            Ok(Event::Stop) => {
                if kill_at.is_none() {
                    tree::signal_all(Signal::TERM);
                    kill_at = Some(Instant::now() + order.limits.grace());
                }
            }
            Ok(Event::Ended(pid, status)) if pid == main => {
                end = Some(ended(status));
                // Its answer is complete; whoever stays behind isn't waited for.
                kill_at = Some(Instant::now());
            }
            Ok(Event::Ended(..)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Empty) | Err(RecvTimeoutError::Disconnected) => return end,
        }
    }
}

fn ended(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (None, signal) => End::Signalled(signal.unwrap_or_default()),
    }
}

/// Tells when the worker's end of the pipe is closed.
fn watch_worker(events: Sender<Event>) {
    thread::spawn(move || {
        let mut byte = [0];
        // Nothing is ever sent after the order: whatever comes, and an error too, means the end.
        let _ = io::stdin().lock().read(&mut byte);
        let _ = events.send(Event::Stop);
    });
}

/// The same where the pipe is relayed: a program that doesn't read holds up the relay, and must not hold
/// up the end.
fn watch_pipe(events: Sender<Event>) {
    thread::spawn(move || {
        let stdin = io::stdin();
        // No event is asked for: a hang-up is told unasked.
        let mut hung_up = [PollFd::new(&stdin, PollFlags::empty())];
        while poll(&mut hung_up, None) == Err(rustix::io::Errno::INTR) {}
        let _ = events.send(Event::Stop);
    });
}

/// Reaps everybody below, orphans included.
fn watch_children(events: Sender<Event>) {
    thread::spawn(move || {
        loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => {
                    if events.send(Event::Ended(pid, status)).is_err() {
                        return;
                    }
                }
                Ok(None) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => {
                    // ECHILD: nobody below.
                    let _ = events.send(Event::Empty);
                    return;
                }
            }
        }
    });
}
