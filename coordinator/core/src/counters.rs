//! What a dispatcher counts: every arm of the reply matrix, and every rare turn of a call's life.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counts since the dispatcher began.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            /// Every counter with its name, in a fixed order.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Calls opened.
    calls,
    /// Attempts posted.
    attempts,
    /// Call messages posted.
    messages,
    /// Results that settled their call.
    results_used,
    /// Results of attempts that had ended already.
    results_duplicate,
    /// Results of calls that were settled or reported already (P15).
    results_late,
    /// Replies that name no attempt of this coordinator.
    replies_unknown,
    /// Replies that came under a token that their attempt was not sent under (P3).
    replies_wrong_token,
    /// Replies of another instance than the one that holds the attempt (P2).
    replies_wrong_instance,
    /// Replies of another epoch.
    replies_wrong_epoch,
    /// Items of replies that could not be decoded.
    replies_unreadable,
    /// Calls answered `busy`.
    busy,
    /// Calls answered `busy` because their tool has no slot left there.
    tool_busy,
    /// Calls answered `stale`.
    stale,
    /// Calls answered `wrong_digest`.
    wrong_digest,
    /// Calls answered `draining`.
    draining,
    /// Attempts of which a worker bound itself to know nothing.
    not_held,
    /// Attempts whose end a worker forgot.
    forgotten,
    /// Messages that nobody listened to.
    no_responders,
    /// Messages that were too large.
    too_large,
    /// Messages that the link did not take.
    link_down,
    /// Whole messages that a worker could not read.
    refusals,
    /// Call messages without an answer in time (P7).
    accept_timeouts,
    /// Attempts given up after the worker was asked and said nothing.
    asked_in_vain,
    /// Grants sent.
    grants,
    /// Grants sent again, unchanged (P17).
    grants_again,
    /// Cancels sent.
    cancels,
    /// Acks that matched nothing and were answered by a cancel (P15).
    strays_cancelled,
    /// Questions for status sent.
    status,
    /// Instances whose lease ended.
    leases_ended,
    /// Instances that a new one of the same name replaced (P2).
    instances_replaced,
    /// Instances that were replaced and beat on all the same.
    instances_revived,
    /// Gaps of the coordinator's own link (P14).
    link_gaps,
    /// Deliveries that the way lost, and that were made again.
    moves,
    /// Failed attempts that were tried again.
    retries,
    /// Retries that the budget refused.
    retries_refused,
    /// Strikes towards poison (P8).
    strikes,
    /// Calls that became poison.
    poison,
    /// Suspensions of an (instance, tool) (P9).
    suspensions,
    /// Calls that a deadline ended.
    call_deadlines,
    /// Turns that their deadline ended.
    turn_deadlines,
    /// Calls refused or given up for want of room (P5).
    overloaded,
    /// Calls for which there is no worker.
    no_worker,
    /// Slots held out by `free` (P6).
    free,
}
