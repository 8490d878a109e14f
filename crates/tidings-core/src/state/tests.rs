//! Tests of the state machine: its whole table, and the promises that hold for every row of it.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const EARLIER: [EarlierAttempts; 2] = [EarlierAttempts::NoneTaken, EarlierAttempts::MaybeTaken];

/// Every event, with everything it can carry.
fn every_event() -> Vec<MessageEvent> {
    let mut events: Vec<MessageEvent> = HeldReason::ALL
        .iter()
        .copied()
        .map(MessageEvent::Held)
        .collect();
    events.extend([
        MessageEvent::Released,
        MessageEvent::Leased,
        MessageEvent::LeaseReturned,
        MessageEvent::LeaseLost,
        MessageEvent::AttemptBegan,
        MessageEvent::AttemptEnded(AttemptEnd::Taken),
        MessageEvent::AttemptEnded(AttemptEnd::NotTaken),
    ]);
    events.extend(EARLIER.map(|earlier| MessageEvent::AttemptEnded(AttemptEnd::Failed(earlier))));
    events.push(MessageEvent::AttemptEnded(AttemptEnd::NoVerdict));
    events.extend(
        ReportedState::ALL
            .iter()
            .copied()
            .map(MessageEvent::Reported),
    );
    events.extend(
        ReportedState::ALL
            .iter()
            .copied()
            .map(MessageEvent::EarlierReported),
    );
    events.push(MessageEvent::ResendDue);
    events.extend(EARLIER.map(MessageEvent::CancelRequested));
    events.extend(EARLIER.map(MessageEvent::ValidityEnded));
    events
}

/// Every pair of a state and an event.
fn every_pair() -> impl Iterator<Item = (MessageState, MessageEvent)> {
    let events = every_event();
    MessageState::ALL
        .iter()
        .flat_map(move |&state| events.clone().into_iter().map(move |event| (state, event)))
}

fn is_evidence(event: MessageEvent) -> bool {
    match event {
        MessageEvent::AttemptEnded(_)
        | MessageEvent::Reported(_)
        | MessageEvent::EarlierReported(_) => true,
        MessageEvent::Held(_)
        | MessageEvent::Released
        | MessageEvent::Leased
        | MessageEvent::LeaseReturned
        | MessageEvent::LeaseLost
        | MessageEvent::AttemptBegan
        | MessageEvent::ResendDue
        | MessageEvent::CancelRequested(_)
        | MessageEvent::ValidityEnded(_) => false,
    }
}

/// The state after `event`, which must not be refused.
#[track_caller]
fn after(state: MessageState, event: MessageEvent) -> MessageState {
    state.on(event).moved().unwrap().unwrap_or(state)
}

fn after_all(start: MessageState, events: &[MessageEvent]) -> MessageState {
    events
        .iter()
        .fold(start, |state, &event| after(state, event))
}

/// The table as `transitions.md` shows it, made from the function.
fn table() -> String {
    let columns: Vec<MessageState> = MessageState::ALL
        .iter()
        .copied()
        .filter(
            |state| !matches!(state, MessageState::Held(reason) if *reason != HeldReason::Schedule),
        )
        .collect();
    let mut rows = vec![
        std::iter::once("event".to_owned())
            .chain(columns.iter().map(ToString::to_string))
            .collect::<Vec<_>>(),
    ];
    for event in every_event() {
        if matches!(event, MessageEvent::Held(reason) if reason != HeldReason::Paused) {
            continue;
        }
        let cells = columns.iter().map(|state| match state.on(event) {
            Transition::Moved { to } => to.to_string(),
            Transition::Stale => "·".to_owned(),
            Transition::Refused(refused) => {
                assert_eq!((refused.state, refused.event), (*state, event));
                "refused".to_owned()
            }
        });
        rows.push(std::iter::once(format!("`{event}`")).chain(cells).collect());
    }
    let widths: Vec<usize> = (0..=columns.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max())
        .map(Option::unwrap)
        .collect();
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells
                .map(|(cell, &width)| format!("{cell:width$}"))
                .collect();
            format!("| {} |", cells.join(" | "))
        })
        .collect();
    let dashes: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    lines.insert(1, format!("| {} |", dashes.join(" | ")));
    lines.join("\n") + "\n"
}

#[test]
fn the_documented_table_is_what_the_function_does() {
    let table = table();
    assert!(
        table == include_str!("transitions.md"),
        "transitions.md should read:\n{table}"
    );
}

#[test]
fn the_reason_for_holding_changes_nothing_else() {
    for event in every_event() {
        for &reason in HeldReason::ALL {
            let expected = match event {
                MessageEvent::Held(same) if same == reason => Transition::Stale,
                MessageEvent::Held(other) => to(MessageState::Held(other)),
                MessageEvent::Leased | MessageEvent::AttemptBegan => {
                    refused(MessageState::Held(reason), event)
                }
                other => MessageState::Held(HeldReason::Schedule).on(other),
            };
            assert_eq!(
                MessageState::Held(reason).on(event),
                expected,
                "{reason} {event}"
            );
        }
    }
}

fn to(to: MessageState) -> Transition {
    Transition::Moved { to }
}

fn refused(state: MessageState, event: MessageEvent) -> Transition {
    Transition::Refused(RefusedEvent { state, event })
}

#[test]
fn ranks_are_those_of_the_life_cycle() {
    let ranks: Vec<String> = MessageState::ALL
        .iter()
        .map(|state| format!("{state} {} {}", state.rank(), state.is_final()))
        .collect();
    let expected = [
        "held:schedule 20 false",
        "held:window 20 false",
        "held:quiet_hours 20 false",
        "held:paused 20 false",
        "held:approval 20 false",
        "held:no_route 20 false",
        "queued 20 false",
        "leased 20 false",
        "sending 30 false",
        "unknown 35 false",
        "submitted 40 false",
        "sent 50 false",
        "failed 80 true",
        "expired 81 true",
        "canceled 82 true",
        "undelivered 83 true",
        "delivered 90 true",
    ];
    assert_eq!(ranks, expected);
}

#[test]
fn a_move_changes_the_state() {
    for (state, event) in every_pair() {
        assert_ne!(state.on(event), to(state), "{state} {event}");
    }
}

#[test]
fn rank_falls_only_on_proof_by_policy_and_never_after_submission() {
    let falls: Vec<String> = every_pair()
        .filter_map(|(state, event)| match state.on(event) {
            Transition::Moved { to } if to.rank() < state.rank() => {
                Some(format!("{state} -> {to} on {event}"))
            }
            Transition::Moved { .. } | Transition::Stale | Transition::Refused(_) => None,
        })
        .collect();
    let listed = [
        "sending -> queued on attempt_ended:not_taken",
        "unknown -> queued on attempt_ended:not_taken",
        "unknown -> queued on resend_due",
    ];
    assert_eq!(falls, listed);
}

#[test]
fn a_final_state_changes_only_by_evidence_and_into_a_final_one() {
    for (state, event) in every_pair().filter(|(state, _)| state.is_final()) {
        if let Transition::Moved { to } = state.on(event) {
            assert!(is_evidence(event), "{state} moved on {event}");
            assert!(
                to.is_final() && to.rank() > state.rank(),
                "{state} -> {to} on {event}"
            );
        }
    }
    for &event in &every_event() {
        assert!(
            !matches!(MessageState::Delivered.on(event), Transition::Moved { .. }),
            "delivered moved on {event}"
        );
    }
}

#[test]
fn only_a_leased_message_begins_an_attempt() {
    for (state, event) in every_pair() {
        if state.on(event) == to(MessageState::Sending) {
            assert_eq!(
                (state, event),
                (MessageState::Leased, MessageEvent::AttemptBegan)
            );
        }
    }
    assert_eq!(
        MessageState::Leased.on(MessageEvent::AttemptBegan),
        to(MessageState::Sending)
    );
}

#[test]
fn after_a_crash_an_open_attempt_is_unknown_and_never_queued() {
    assert_eq!(
        MessageState::Sending.on(MessageEvent::LeaseLost),
        to(MessageState::Unknown)
    );
    assert_eq!(
        MessageState::Leased.on(MessageEvent::LeaseLost),
        to(MessageState::Queued)
    );
    for &state in MessageState::ALL {
        let once = after(state, MessageEvent::LeaseLost);
        assert_eq!(
            after(once, MessageEvent::LeaseLost),
            once,
            "repair repeated on {state}"
        );
    }
}

#[test]
fn evidence_is_never_refused() {
    for (state, event) in every_pair().filter(|(_, event)| is_evidence(*event)) {
        assert!(
            !matches!(state.on(event), Transition::Refused(_)),
            "{state} {event}"
        );
    }
}

#[test]
fn who_does_not_know_changes_nothing() {
    for &state in MessageState::ALL {
        for event in [MessageEvent::Reported, MessageEvent::EarlierReported] {
            assert_eq!(
                state.on(event(ReportedState::Unknown)),
                Transition::Stale,
                "{state}"
            );
        }
    }
}

#[test]
fn delivered_is_believed_in_every_state() {
    for event in [MessageEvent::Reported, MessageEvent::EarlierReported] {
        for &state in MessageState::ALL {
            assert_eq!(
                after(state, event(ReportedState::Delivered)),
                MessageState::Delivered
            );
        }
    }
}

#[test]
fn a_late_report_takes_a_message_out_of_the_queue_again() {
    let sent_again = [
        MessageEvent::LeaseLost,
        MessageEvent::ResendDue,
        MessageEvent::Reported(ReportedState::Sent),
    ];
    let state = after_all(MessageState::Sending, &sent_again);
    assert_eq!(state, MessageState::Sent);
    assert_eq!(
        state.on(MessageEvent::Leased),
        refused(state, MessageEvent::Leased)
    );
}

#[test]
fn the_failure_of_a_replaced_attempt_does_not_end_the_message() {
    let failure = MessageEvent::EarlierReported(ReportedState::Failed);
    assert_eq!(MessageState::Sending.on(failure), Transition::Stale);
    let success = MessageEvent::EarlierReported(ReportedState::Sent);
    assert_eq!(MessageState::Sending.on(success), to(MessageState::Sent));
}

#[test]
fn a_message_that_may_be_out_is_not_called_canceled_expired_or_failed() {
    let doubtful = EarlierAttempts::MaybeTaken;
    for event in [
        MessageEvent::CancelRequested(doubtful),
        MessageEvent::ValidityEnded(doubtful),
        MessageEvent::AttemptEnded(AttemptEnd::Failed(doubtful)),
    ] {
        for state in [MessageState::Queued, MessageState::Leased] {
            assert_eq!(
                state.on(event),
                to(MessageState::Unknown),
                "{state} {event}"
            );
        }
    }
}

#[test]
fn a_refused_event_names_itself_and_the_state() {
    let error = MessageState::Canceled
        .on(MessageEvent::AttemptBegan)
        .moved()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a message that is canceled cannot take the event attempt_began"
    );
    assert_eq!(
        MessageState::Canceled.on(MessageEvent::ResendDue).moved(),
        Ok(None)
    );
    assert_eq!(
        MessageState::Queued.on(MessageEvent::Leased).moved(),
        Ok(Some(MessageState::Leased))
    );
}

#[test]
fn words_are_read_back_and_equal_those_of_serde() {
    for &state in MessageState::ALL {
        let word = state.to_string();
        assert_eq!(word.parse(), Ok(state));
        let json = serde_json::to_string(&state).unwrap();
        assert_eq!(json, format!("\"{word}\""));
        assert_eq!(serde_json::from_str::<MessageState>(&json).unwrap(), state);
        assert_eq!(word.split(':').next(), Some(state.as_str()));
    }
    for &reason in HeldReason::ALL {
        assert_eq!(reason.as_str().parse(), Ok(reason));
        let json = serde_json::to_string(&reason).unwrap();
        assert_eq!(json, format!("\"{reason}\""));
    }
}

#[test]
fn other_words_are_refused() {
    for word in [
        "",
        "held",
        "held:",
        "held:never",
        "queued:paused",
        "Queued",
        "queued ",
        "paused",
    ] {
        let error = word.parse::<MessageState>().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("expected one of these words: ")
        );
    }
    assert_eq!(
        "held:never".parse::<MessageState>().unwrap_err().expected,
        "schedule window quiet_hours paused approval no_route"
    );
    let expected = "never".parse::<MessageState>().unwrap_err().expected;
    for &state in MessageState::ALL {
        assert!(expected.contains(state.as_str()), "{state} in {expected}");
    }
}

#[test]
fn all_holds_every_state_once() {
    for (position, state) in MessageState::ALL.iter().enumerate() {
        assert_eq!(
            MessageState::ALL.iter().position(|other| other == state),
            Some(position)
        );
    }
    // A new state does not compile here until it is counted.
    let n_others = |state| match state {
        MessageState::Held(_)
        | MessageState::Queued
        | MessageState::Leased
        | MessageState::Sending
        | MessageState::Unknown
        | MessageState::Submitted
        | MessageState::Sent
        | MessageState::Failed
        | MessageState::Expired
        | MessageState::Canceled
        | MessageState::Undelivered
        | MessageState::Delivered => 11,
    };
    assert_eq!(
        MessageState::ALL.len(),
        HeldReason::ALL.len() + n_others(MessageState::Queued)
    );
}

fn any_report() -> impl Strategy<Value = MessageEvent> {
    (select(ReportedState::ALL), any::<bool>()).prop_map(|(said, earlier)| {
        if earlier {
            MessageEvent::EarlierReported(said)
        } else {
            MessageEvent::Reported(said)
        }
    })
}

/// Reports, and the same reports again in another order with some of them repeated.
fn reports_and_a_reordering() -> impl Strategy<Value = (Vec<MessageEvent>, Vec<MessageEvent>)> {
    proptest::collection::vec(any_report(), 0..8).prop_flat_map(|reports| {
        let repeated = match reports.len() {
            0 => Just(Vec::new()).boxed(),
            _ => proptest::collection::vec(select(reports.clone()), 0..8).boxed(),
        };
        let reordered = repeated.prop_flat_map({
            let reports = reports.clone();
            move |repeated| Just([reports.clone(), repeated].concat()).prop_shuffle()
        });
        (Just(reports), reordered)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The promise of the life-cycle: late, repeated and shuffled reports all end the same, from
    /// whatever state they find the message in.
    #[test]
    fn any_order_and_repetition_of_reports_ends_in_the_same_state(
        (reports, reordered) in reports_and_a_reordering(),
        start in select(MessageState::ALL),
    ) {
        prop_assert_eq!(after_all(start, &reports), after_all(start, &reordered));
    }

    /// Reports before the answer end where the answer before the reports ends, unless the answer
    /// proves that the message is to be sent again.
    #[test]
    fn a_report_may_overtake_the_answer(
        (reports, reordered) in reports_and_a_reordering(),
        end in select(vec![
            AttemptEnd::Taken,
            AttemptEnd::Failed(EarlierAttempts::NoneTaken),
            AttemptEnd::Failed(EarlierAttempts::MaybeTaken),
            AttemptEnd::NoVerdict,
        ]),
        place in any::<proptest::sample::Index>(),
    ) {
        let answer = MessageEvent::AttemptEnded(end);
        let first = after(MessageState::Sending, answer);
        let mut mixed = reordered;
        mixed.insert(place.index(mixed.len() + 1), answer);
        prop_assert_eq!(
            after_all(first, &reports),
            after_all(MessageState::Sending, &mixed)
        );
    }

    /// Whatever happens, in whatever order: a message that its provider has never goes back to
    /// where it could be sent again, and what was delivered stays delivered.
    #[test]
    fn nothing_leads_back_from_the_provider(
        events in proptest::collection::vec(select(every_event()), 0..40),
    ) {
        let mut state = MessageState::Queued;
        for event in events {
            let before = state;
            if let Transition::Moved { to } = state.on(event) {
                state = to;
            }
            if before.rank() >= MessageState::Submitted.rank() {
                prop_assert!(state.rank() >= before.rank(), "{} -> {} on {}", before, state, event);
            }
        }
    }
}
