//! Workers in this process: joins the worker's local link to the coordinators' switchboard, which
//! can't see each other.

use bytes::Bytes;
use callboard_coordinator::link::local::{Instance, Port, Request, Switchboard};
use callboard_proto::Kind;
use callboard_proto::message::Announce;
use callboard_worker::link::local::{Entrance, Exit, LocalLink, ReplyTo, entrance};

/// Connects an instance to a switchboard, until its link is dropped.
pub(crate) fn join(board: &Switchboard, announce: &Announce) -> LocalLink {
    join_through(board, announce, |way| way)
}

/// The same, with something in the instance's way out.
pub(crate) fn join_through<E: Exit>(
    board: &Switchboard,
    announce: &Announce,
    gate: impl FnOnce(Way<Port>) -> E,
) -> LocalLink {
    let (entrance, link) = entrance();
    let port = board.join(announce, Way(entrance));
    link.connect(gate(Way(port)))
}

/// One direction between the two sides.
pub(crate) struct Way<T>(T);

impl Instance for Way<Entrance> {
    fn deliver(&self, request: Request) -> bool {
        let reply = ReplyTo {
            coordinator: request.coordinator,
            token: request.token,
        };
        self.0.deliver(reply, request.kind, request.body)
    }

    fn line_changed(&self, is_up: bool) {
        self.0.line_changed(is_up);
    }
}

impl Exit for Way<Port> {
    fn answer(&self, to: ReplyTo, kind: Kind, body: Bytes) {
        self.0.answer(to.coordinator, to.token, kind, body);
    }

    fn beat(&self, body: Bytes) {
        self.0.beat(&body);
    }

    fn announce(&self, announce: &Announce) {
        self.0.announce(announce);
    }
}
