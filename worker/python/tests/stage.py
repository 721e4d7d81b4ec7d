"""The worker core on a stage of its own: what a scenario says it hears, and what it says then. The format is that of
``tests/scenarios/worker/README.md``."""

from __future__ import annotations

from typing import Any

from callboard_worker.core import (
    CallInput,
    CancelInput,
    Config,
    Drained,
    DrainInput,
    Finished,
    GrantInput,
    Identity,
    OfferedTool,
    SendAck,
    SendBeat,
    SendFree,
    SendResult,
    Start,
    StatusInput,
    Stop,
    Worker,
)
from callboard_worker.core.clock import MS
from callboard_worker.proto import codec, schema
from callboard_worker.proto.content import Completed, Failed, Outcome, Text
from callboard_worker.proto.ids import AttemptKey, CoordinatorId, Digest, GrantId, InstanceId, ReplyTo, RunId, Token
from callboard_worker.proto.message import (
    Batch,
    CallHead,
    CallItem,
    GrantHead,
    GrantItem,
    InquiryHead,
    InquiryItem,
    Unreadable,
)
from callboard_worker.proto.words import Effect, Executed, FailureKind

Says = dict[str, Any]


def filled(label: str, count: int = 16) -> bytes:
    return label.encode().ljust(count, b"\0")


def label_of(data: bytes) -> str:
    return data.rstrip(b"\0").decode()


def reply_to(text: str) -> ReplyTo:
    coordinator, token = text.split("/")
    return ReplyTo(CoordinatorId(filled(coordinator)), Token(filled(token)))


def reply_label(to: ReplyTo) -> str:
    return f"{label_of(to.coordinator)}/{label_of(to.token)}"


def attempt(text: str) -> AttemptKey:
    text, _, epoch = text.partition("@")
    call, _, number = text.partition("#")
    run, turn, name = call.split("/", 2)
    return AttemptKey(RunId(filled(run)), int(turn), name, int(number), int(epoch or 0))


def attempt_label(of: AttemptKey) -> str:
    return f"{label_of(of.run)}/{of.turn}/{of.id}#{of.attempt}" + (f"@{of.epoch}" if of.epoch else "")


def end_of(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Failed):
        return {"failed": outcome.kind.value, "executed": outcome.executed.value}
    (part,) = outcome.content
    assert isinstance(part, Text)
    return {"completed": part.text}


class Stage:
    """A worker, and what it said since somebody listened."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        worker = dict(scenario["worker"])
        identity = Identity(InstanceId(filled(worker.pop("instance"))), "worker", "main")
        tools = [
            OfferedTool(name, Digest(filled(tool["digest"], 32)), Effect(tool["effect"]), tool.get("slots"))
            for name, tool in scenario["tools"].items()
        ]
        self.now = 0
        self.core = Worker(identity, Config(**worker), tools, 0)
        self.told: list[Says] = []
        self.beat: dict[str, Any] = {}
        self.listen()

    def run_until(self, at_ms: int) -> None:
        """Lets time pass: timers fire when they are due, and what they cause is said then."""
        until = at_ms * MS
        while (due := self.core.poll_timeout()) <= until:
            self.core.handle_timeout(due)
            self.listen()
        self.now = until

    def hear(self, hear: dict[str, Any]) -> None:
        """Lets one thing happen."""
        ((what, found),) = hear.items()
        if what == "message":
            self._message(found)
        elif what == "finished":
            self._finished(found)
        else:
            self.core.handle_input(DrainInput(found["grace_ms"] * MS), self.now)

    def _finished(self, found: dict[str, Any]) -> None:
        end = found["end"]
        outcome: Outcome
        if "completed" in end:
            outcome = Completed((Text(end["completed"]),))
        else:
            outcome = Failed(FailureKind(end["failed"]), "as the scenario says", Executed(end["executed"]))
        self.core.handle_input(Finished(attempt(found["of"]), outcome, 0), self.now)

    def _message(self, message: dict[str, Any]) -> None:
        reply = reply_to(message["reply"])
        named = InstanceId(filled(message["instance"])) if "instance" in message else None
        if not self.core.names_us(named):
            # A shell refuses it before the core sees it (P2).
            self.told.append({"refusal": {"to": message["reply"], "code": "instance"}})
            return
        instance = named or self.core.identity.instance
        seen = message.get("seen")
        kind = message["kind"]
        if kind == "call":
            head = CallHead(reply.coordinator, named, seen, message.get("waiting", 0))
            self.core.handle_input(CallInput(reply, Batch(head, items(message, call_item))), self.now)
        elif kind == "grant":
            grant = GrantHead(reply.coordinator, instance, seen)
            self.core.handle_input(GrantInput(reply, Batch(grant, items(message, grant_item))), self.now)
        else:
            asked = InquiryHead(reply.coordinator, instance)
            batch = Batch(asked, items(message, lambda of, item: InquiryItem(of, item.get("seen"))))
            made = CancelInput(reply, batch) if kind == "cancel" else StatusInput(reply, batch)
            self.core.handle_input(made, self.now)

    def listen(self) -> None:
        """Writes down what is said now."""
        while (act := self.core.poll_effect()) is not None:
            if isinstance(act, Start):
                self.told.append({"start": attempt_label(act.of)})
            elif isinstance(act, Stop):
                self.told.append({"stop": {"of": attempt_label(act.of), "reason": act.reason.value}})
            elif isinstance(act, SendAck):
                states = [
                    {
                        "of": attempt_label(item.of),
                        "state": item.state.value,
                        "grant": label_of(item.grant) if item.grant else None,
                        **({"tool_full": True} if item.tool_full else {}),
                    }
                    for item in act.items
                ]
                bad = [item.index for item in act.head.bad]
                to, free = reply_label(act.to), act.head.load.free
                self.told.append({"ack": {"to": to, "items": states, "bad": bad, "free": free}})
            elif isinstance(act, SendResult):
                results = [codec.decode(schema.RESULT_ITEM, item) for item in act.items]
                ends = [{"of": attempt_label(item.of), "end": end_of(item.outcome)} for item in results]
                to, free = reply_label(act.to), act.head.load.free
                self.told.append({"result": {"to": to, "items": ends, "free": free}})
            elif isinstance(act, SendFree):
                self.told.append({"free": {"to": reply_label(act.to), "free": act.free.load.free}})
            elif isinstance(act, SendBeat):
                load = act.beat.load
                self.beat = {
                    "seq": act.beat.seq,
                    "free": load.free,
                    "slots": load.slots,
                    "draining": act.beat.draining,
                }
            else:
                assert isinstance(act, Drained)
                self.told.append({"drained": True})

    def take_told(self) -> list[Says]:
        """What was said since the last look."""
        told, self.told = self.told, []
        return told


def items(message: dict[str, Any], make: Any) -> list[Any]:
    found = []
    for item in message["items"]:
        of = attempt(item["of"])
        bad = item.get("bad", "no")
        if bad == "no":
            found.append(make(of, item))
        else:
            # As long as the Rust stage's: it counts towards `results_bytes_max`.
            reason = "the body isn't the MessagePack that its kind asks for: torn"
            found.append(Unreadable(of if bad == "but_of" else None, reason))
    return found


def call_item(of: AttemptKey, item: dict[str, Any]) -> CallItem:
    return CallItem(
        of=of,
        tool=item["tool"],
        effect=Effect(item["effect"]),
        budget_ms=item["budget_ms"],
        arguments=item.get("arguments", "{}").encode(),
        digest=Digest(filled(item["digest"], 32)) if "digest" in item else None,
    )


def grant_item(of: AttemptKey, item: dict[str, Any]) -> GrantItem:
    return GrantItem(of, GrantId(filled(item["grant"])), item["budget_ms"])
