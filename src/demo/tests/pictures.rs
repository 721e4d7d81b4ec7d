//! What people see, at the widths that they have.

use std::time::Duration;

use callboard_coordinator::core::{CallEvent, EventKind};
use callboard_proto::{
    Attempt, CallKey, Executed, FailureKind, InstanceId, RunId, ToolName, ToolUseId, Turn,
    WorkerName,
};
use uuid::Uuid;

use crate::demo::paint::{Line, wrap};
use crate::demo::scene::{SCENES, SceneName};
use crate::demo::timeline::{Happening, Stamped, Timeline};
use crate::demo::{plain, render};

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn happening(act: usize, ms: u64, id: &str, kind: EventKind) -> Stamped {
    let call = CallKey {
        run: RunId::new(Uuid::nil()),
        turn: Turn(1),
        id: ToolUseId::new(id).unwrap(),
    };
    Stamped {
        act,
        at: at(ms),
        what: Happening::Call(CallEvent { call, kind }),
    }
}

fn opened(tool: &str) -> EventKind {
    EventKind::Opened {
        tool: Some(ToolName::new(tool).unwrap()),
    }
}

fn posted(attempt: u32, worker: &str) -> EventKind {
    EventKind::Posted {
        attempt: Attempt(attempt),
        worker: WorkerName::new(worker).unwrap(),
        instance: InstanceId::new(Uuid::nil()),
    }
}

fn running(attempt: u32) -> EventKind {
    let attempt = Attempt(attempt);
    EventKind::Running { attempt }
}

fn settled(kind: Option<FailureKind>, is_error: bool, executed: Executed, ms: u64) -> EventKind {
    EventKind::Settled {
        kind,
        is_error,
        message: String::new(),
        executed,
        worker: Some(WorkerName::new("stage-left").unwrap()),
        attempts: 1,
        elapsed: at(ms),
        queued: Duration::ZERO,
        ran_for: at(ms),
    }
}

fn cut(act: usize, ms: u64, call: &'static str, worker: &str) -> Stamped {
    Stamped {
        act,
        at: at(ms),
        what: Happening::Cut {
            worker: WorkerName::new(worker).unwrap(),
            call,
        },
    }
}

fn scene(name: SceneName, happenings: &[Stamped]) -> Timeline {
    let scene = SCENES.iter().find(|scene| scene.name == name).unwrap();
    let mut timeline = Timeline::new(scene);
    for stamped in happenings {
        timeline.apply(stamped);
    }
    timeline
}

fn slow() -> Vec<Stamped> {
    vec![
        happening(0, 0, "o-1040", opened("shipping_status")),
        happening(0, 0, "o-1036", opened("shipping_status")),
        happening(0, 0, "o-1035", opened("shipping_status")),
        happening(0, 1, "o-1040", posted(1, "stage-left")),
        happening(0, 1, "o-1036", posted(1, "stage-right")),
        happening(0, 3, "o-1040", running(1)),
        happening(0, 3, "o-1036", running(1)),
        happening(0, 120, "o-1035", posted(1, "stage-left")),
        happening(0, 122, "o-1035", running(1)),
        happening(0, 302, "o-1040", settled(None, false, Executed::Yes, 302)),
        happening(0, 424, "o-1035", settled(None, true, Executed::Yes, 424)),
        happening(
            0,
            781,
            "o-1036",
            settled(Some(FailureKind::TimedOut), false, Executed::Yes, 781),
        ),
    ]
}

fn lost_write() -> Vec<Stamped> {
    let granted = |attempt| EventKind::Granted {
        attempt: Attempt(attempt),
    };
    vec![
        happening(0, 0, "after-effect", opened("refund_order")),
        happening(0, 0, "after-effect", posted(1, "stage-right")),
        happening(0, 2, "after-effect", granted(1)),
        happening(1, 0, "before-grant", opened("refund_order")),
        happening(1, 0, "before-grant", posted(1, "stage-left")),
        happening(2, 0, "nobody-else", opened("refund_order")),
        happening(2, 0, "nobody-else", posted(1, "stage-left")),
        cut(1, 2, "before-grant", "stage-left"),
        cut(2, 2, "nobody-else", "stage-left"),
        cut(0, 303, "after-effect", "stage-right"),
        happening(
            1,
            2000,
            "before-grant",
            EventKind::Returned {
                attempt: Attempt(1),
                why: "unanswered",
                delay: Duration::ZERO,
            },
        ),
        happening(1, 2000, "before-grant", posted(2, "stage-right")),
        happening(1, 2002, "before-grant", granted(2)),
        happening(
            1,
            2303,
            "before-grant",
            settled(None, false, Executed::Yes, 2303),
        ),
        happening(
            2,
            3200,
            "nobody-else",
            settled(Some(FailureKind::NoWorker), false, Executed::No, 3200),
        ),
        happening(
            0,
            3900,
            "after-effect",
            settled(
                Some(FailureKind::WorkerLost),
                false,
                Executed::Unknown,
                3900,
            ),
        ),
    ]
}

fn pictures(timeline: &Timeline, now: Duration) -> String {
    let mut text = String::new();
    for width in [110, 79, 39] {
        let lines = render::picture(timeline, now, width);
        assert!(lines.iter().all(|line| line.width() <= width));
        let lines: Vec<String> = lines.iter().map(Line::text).collect();
        text.push_str(&format!("{width}:\n{}\n\n", lines.join("\n")));
    }
    text
}

#[test]
fn a_running_fan_out() {
    let so_far: Vec<Stamped> = slow().into_iter().filter(|one| one.at <= at(200)).collect();
    let timeline = scene(SceneName::Slow, &so_far);
    insta::assert_snapshot!(pictures(&timeline, at(210)));
}

#[test]
fn a_fan_out_with_one_too_late() {
    let timeline = scene(SceneName::Slow, &slow());
    insta::assert_snapshot!(pictures(&timeline, at(790)));
}

#[test]
fn lost_writes_with_a_second_attempt() {
    let timeline = scene(SceneName::LostWrite, &lost_write());
    insta::assert_snapshot!(pictures(&timeline, at(4000)));
}

#[test]
fn nothing_has_happened_yet() {
    let timeline = scene(SceneName::Chain, &[]);
    insta::assert_snapshot!(pictures(&timeline, Duration::ZERO));
}

#[test]
fn a_picture_stretches_beyond_its_span() {
    let timeline = scene(SceneName::Slow, &slow()[..6]);
    let lines = render::picture(&timeline, at(1800), 79);
    assert!(lines[3].text().ends_with("1800 ms"), "{}", lines[3].text());
}

#[test]
fn plain_lines() {
    let lines: Vec<String> = slow()
        .iter()
        .chain(&lost_write())
        .filter_map(|stamped| plain::line(stamped, 12))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn words_are_broken_only_where_they_must_and_lines_are_kept() {
    let text = "one two three\nfour-and-a-half five";
    assert_eq!(
        wrap(text, 9),
        ["one two", "three", "four-and-", "a-half", "five"]
    );
    assert_eq!(wrap("", 9), Vec::<String>::new());
}
