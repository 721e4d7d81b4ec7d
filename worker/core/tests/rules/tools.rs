//! Tools that come and go while the worker lives (P10).

use callboard_worker_core::{Config, Input, OfferedTool};

use crate::bench::{Bench, config, look, pay, tools};

fn without(name: &str) -> Vec<OfferedTool> {
    let mut tools = tools();
    tools.retain(|tool| tool.name.as_str() != name);
    tools
}

/// The tool of that name with the digest of another.
fn changed(name: &str) -> Vec<OfferedTool> {
    let mut all = tools();
    let digest = all[0].digest;
    for tool in all.iter_mut().filter(|tool| tool.name.as_str() == name) {
        tool.digest = digest;
    }
    all
}

#[test]
fn other_tools_change_the_catalogue_and_beat_at_once() {
    let mut bench = Bench::new(2);
    bench.input(Input::Tools(without("look")));
    assert_eq!(bench.worker.catalogue(), 2);
    assert_eq!(bench.effects(), ["beat 2 #2 2/2 catalogue 2"]);
    bench.call("A1", [look("a")]);
    assert_eq!(bench.effects(), ["ack A1 #3 2/2: a wrong_digest"]);
    bench.input(Input::Tools(tools())).skip();
    bench.call("A2", [look("b")]);
    assert_eq!(bench.effects(), ["start look b read within 5000"]);
}

#[test]
fn what_runs_goes_on_when_its_tool_is_withdrawn() {
    let mut bench = Bench::new(2);
    bench.call("A1", [look("a")]).skip();
    bench.input(Input::Tools(without("look"))).skip();
    bench.at(7).finish("a");
    assert_eq!(
        bench.effects(),
        [
            "ack A1 #3 1/2: a running",
            "result A1 #4 2/2: a completed 0+3"
        ]
    );
}

#[test]
fn a_waiting_write_is_let_go_when_its_tool_is_withdrawn_or_changed() {
    for other in [without("pay"), changed("pay")] {
        let mut bench = Bench::new(3);
        bench.call("A1", [pay("a"), pay("b")]).skip();
        bench.call("B1", [pay("c")]).skip();
        bench.at(10).input(Input::Tools(other));
        assert_eq!(
            bench.effects(),
            [
                "beat 2 #4 3/3 catalogue 2",
                "ack A1 #5 3/3: a wrong_digest, b wrong_digest",
                "ack B1 #6 3/3: c wrong_digest",
            ]
        );
        // Binding: a grant that was on its way finds nothing.
        bench.grant("A2", "a", 8);
        assert_eq!(bench.effects(), ["ack A2 #7 3/3: a not_held"]);
        assert_eq!(bench.worker.counters().wrong_digest, 3);
    }
}

#[test]
fn a_call_that_has_not_entered_its_tool_is_let_go_with_it() {
    let mut bench = Bench::new(2);
    // In the same round, before the shell asks what to start.
    bench.call("A1", [look("a")]);
    bench.input(Input::Tools(changed("pay")));
    bench.call("A2", [pay("b")]);
    bench.input(Input::Tools(without("look")));
    let effects = bench.effects();
    assert!(
        !effects.iter().any(|effect| effect.starts_with("start")),
        "{effects:?}"
    );
    assert_eq!(bench.worker.slots_free(), 2);
    assert_eq!(bench.worker.counters().wrong_digest, 2);
}

#[test]
fn a_waiting_write_stays_when_another_tool_changes() {
    let mut bench = Bench::new(2);
    bench.call("A1", [pay("a")]).skip();
    bench.input(Input::Tools(without("look"))).skip();
    bench.grant("A2", "a", 8);
    assert_eq!(bench.effects(), ["start pay a write within 5000"]);
}

#[test]
fn nothing_binding_is_said_of_what_is_let_go_and_may_have_run() {
    let mut bench = Bench::with(Config {
        results_bytes_max: 0,
        ..config(2)
    });
    bench.call_seen("A1", 1, look("a")).skip();
    bench.finish("a").skip();
    // Its copy is let in, being a read, and before it starts its tool is gone.
    bench.call_seen("A1", 1, look("a"));
    bench.input(Input::Tools(without("look")));
    let said = bench.effects().join("; ");
    assert!(said.contains("a forgotten"), "{said}");
}
