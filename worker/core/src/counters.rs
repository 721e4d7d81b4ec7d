//! What happened how often.

/// What happened in an instance's life, for metrics and for tests that must see rare arms taken.
/// All of them only grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Tools entered.
    pub started: u64,
    /// Tools that ended.
    pub finished: u64,
    /// Calls refused because no slot was free (P6).
    pub busy: u64,
    /// Calls refused because no slot of their tool was free (P6).
    pub tool_busy: u64,
    /// Calls refused because of their age (P13), or because they may be copies of one that was
    /// refused and is no longer remembered.
    pub stale: u64,
    /// Calls refused because the tool isn't here, or is another here (P10).
    pub wrong_digest: u64,
    /// Calls and ungranted writes refused because the instance drains.
    pub draining: u64,
    /// Calls that arrived again.
    pub duplicates: u64,
    /// Calls that arrived again with other arguments.
    pub conflicting: u64,
    /// Items that could not be decoded (P21).
    pub unreadable: u64,
    /// Answers `not_held`.
    pub not_held: u64,
    /// Answers `forgotten`.
    pub forgotten: u64,
    /// Grants that let a write run.
    pub grants: u64,
    /// Grants that arrived again.
    pub grants_repeated: u64,
    /// Grants ignored because the attempt already acted on another.
    pub grants_ignored: u64,
    /// Grants refused because of their age (P13).
    pub grants_stale: u64,
    /// Writes that lost their slot because no grant came in time (P17).
    pub grants_void: u64,
    /// Attempts cancelled before their tool was entered.
    pub cancelled_unstarted: u64,
    /// Attempts whose budget was over before their tool was entered.
    pub timed_out_unstarted: u64,
    /// Tools stopped because their budget was over.
    pub timed_out: u64,
    /// Tools stopped because their coordinator asked.
    pub cancelled: u64,
    /// Unstarted attempts dropped because their coordinator is silent (P20).
    pub orphans_dropped: u64,
    /// Tools stopped because their coordinator is silent (P20).
    pub orphans_stopped: u64,
    /// Tools stopped because the drain's grace was over.
    pub drained: u64,
    /// Slots held out to a coordinator (P6).
    pub offers: u64,
    /// Slots held out to a coordinator that didn't take them in time.
    pub offers_expired: u64,
    /// Messages that said only that slots are free.
    pub frees: u64,
    /// Results forgotten because of their age (P16).
    pub results_expired: u64,
    /// Results forgotten because of their size (P16).
    pub results_evicted: u64,
    /// Refused attempts that are no longer remembered one by one.
    pub tombstones_dropped: u64,
    /// Ends of attempts that don't run.
    pub finished_unknown: u64,
    /// Messages that named another instance (P2).
    pub other_instance: u64,
    /// Beats.
    pub beats: u64,
    /// `ack` messages.
    pub acks: u64,
    /// `result` messages.
    pub results: u64,
}
