//! Which event of a text is the first: in any order, with either model alone, and with everything that
//! servers post besides.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tidings_core::{Clock, Timestamp};

use super::{MESSAGE, SESSION, one_event};
use crate::netsapiens::callback::{Event, EventMemory, MessageEvent, Recognised, SessionEvent};

/// A clock that goes when it is told.
#[derive(Debug, Default)]
struct HandClock(AtomicI64);

impl HandClock {
    fn forward(&self, time: Duration) {
        let by = i64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

fn memory() -> (EventMemory, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    (
        EventMemory::new(Arc::clone(&clock) as Arc<dyn Clock>),
        clock,
    )
}

fn message(change: impl FnOnce(&mut MessageEvent)) -> Event {
    let Event::Message(mut message) = one_event(MESSAGE) else {
        panic!("expected a message");
    };
    change(&mut message);
    Event::Message(message)
}

fn session(change: impl FnOnce(&mut SessionEvent)) -> Event {
    let Event::Session(mut session) = one_event(SESSION) else {
        panic!("expected a session");
    };
    change(&mut session);
    Event::Session(session)
}

#[track_caller]
fn check(events: &[Event], expected: &[Recognised]) {
    let (mut memory, _) = memory();
    let recognised: Vec<Recognised> = events.iter().map(|it| memory.recognise(it)).collect();
    assert_eq!(recognised, expected);
}

use Recognised::{Echo, New, NoText, ReadMark, Repeated};

#[test]
fn a_text_is_new_once_in_either_order() {
    let (message, session) = (message(|_| ()), session(|_| ()));
    check(&[message.clone(), session.clone()], &[New, Repeated]);
    check(&[session.clone(), message.clone()], &[New, Repeated]);
    check(&[message.clone(), message], &[New, Repeated]);
    check(&[session.clone(), session], &[New, Repeated]);
}

#[test]
fn the_same_text_sent_twice_is_two() {
    let again = message(|it| it.id = "m-2".to_owned());
    let (message, first) = (message(|_| ()), session(|_| ()));
    let second = session(|it| it.last_timestamp = "2026-01-02 03:04:09".to_owned());
    check(&[message.clone(), again.clone()], &[New, New]);
    check(&[first.clone(), second.clone()], &[New, New]);
    let all = [
        message.clone(),
        first.clone(),
        again.clone(),
        second.clone(),
    ];
    check(&all, &[New, Repeated, New, Repeated]);
    let all = [
        first.clone(),
        second.clone(),
        message.clone(),
        again.clone(),
    ];
    check(&all, &[New, New, Repeated, Repeated]);
    check(
        &[message, again, second, first],
        &[New, New, Repeated, Repeated],
    );
}

#[test]
fn another_session_sender_or_text_is_another_text() {
    for other in [
        session(|it| it.session_id = "s2".to_owned()),
        session(|it| it.last_message = "hello!".to_owned()),
        session(|it| {
            it.remote = "15550105678".to_owned();
            it.last_sender = "15550105678".to_owned();
        }),
    ] {
        check(&[message(|_| ()), other], &[New, New]);
    }
    // The two models write numbers differently.
    let plus = session(|it| it.last_sender = "+15550101234".to_owned());
    check(&[message(|_| ()), plus], &[New, Repeated]);
}

#[test]
fn what_we_sent_is_an_echo() {
    let sent = message(|it| {
        it.direction = "term".to_owned();
        it.from_number = "15550109876".to_owned();
        it.dialed = "15550101234".to_owned();
    });
    let by_number = session(|it| it.last_sender = "15550109876".to_owned());
    let by_user = session(|it| {
        it.last_sender = "200@example.test".to_owned();
        it.last_status = "read".to_owned();
    });
    check(&[sent, by_number, by_user], &[Echo, Echo, Echo]);
    // Our own words, said back to us, are a text.
    let heard = message(|_| ());
    let ours = message(|it| it.direction = "term".to_owned());
    check(&[ours, heard], &[Echo, New]);
    let chat = message(|it| {
        it.direction = String::new();
        it.kind = "chat".to_owned();
        it.from_number = String::new();
        it.from_user_id = "200@example.test".to_owned();
    });
    check(&[chat], &[Echo]);
}

#[test]
fn reading_is_no_text() {
    let read = session(|it| it.last_status = "read".to_owned());
    let all = [message(|_| ()), session(|_| ()), read.clone(), read];
    check(&all, &[New, Repeated, ReadMark, ReadMark]);
}

#[test]
fn an_event_without_text_is_none_and_a_file_is_one() {
    let empty = message(|it| it.text = String::new());
    let other = one_event(r#"{"object":"cdr"}"#);
    let no_last = session(|it| {
        it.last_message = String::new();
        it.last_status = String::new();
    });
    check(&[empty, other, no_last], &[NoText, NoText, NoText]);
    let picture = message(|it| {
        it.text = String::new();
        it.media_type = "image/png".to_owned();
    });
    let in_session = session(|it| {
        it.last_message = String::new();
        it.last_kind = "mms".to_owned();
    });
    check(&[picture, in_session], &[New, Repeated]);
}

#[test]
fn after_the_window_the_same_text_is_another() {
    let (mut memory, clock) = memory();
    assert_eq!(memory.recognise(&message(|_| ())), New);
    clock.forward(EventMemory::DEFAULT_WINDOW);
    assert_eq!(memory.recognise(&session(|_| ())), Repeated);
    // The message whose session event never came does not swallow a later text.
    let (mut memory, clock) = self::memory();
    assert_eq!(memory.recognise(&message(|_| ())), New);
    clock.forward(EventMemory::DEFAULT_WINDOW + Duration::from_millis(1));
    assert_eq!(memory.recognise(&session(|_| ())), New);
}

#[test]
fn the_memory_is_bounded_and_forgets_the_oldest() {
    let (memory, _) = memory();
    let mut memory = memory.capacity(6);
    for id in 0..1_000 {
        let text = message(|it| {
            it.id = format!("m-{id}");
            it.text = format!("text {id}");
        });
        assert_eq!(memory.recognise(&text), New);
    }
    // Those of the latest event are kept besides.
    assert!(format!("{memory:?}").contains("entries: 8"), "{memory:?}");
    let last = session(|it| it.last_message = "text 999".to_owned());
    let first = session(|it| it.last_message = "text 0".to_owned());
    assert_eq!(
        (memory.recognise(&last), memory.recognise(&first)),
        (Repeated, New)
    );
}

/// One text of a made-up conversation.
#[derive(Clone, Debug)]
struct Text {
    session: usize,
    words: &'static str,
    second: u8,
    is_ours: bool,
}

fn conversation() -> impl Strategy<Value = Vec<Text>> {
    let words = prop_oneof![Just("ok"), Just("yes"), Just("5"), Just("see you")];
    let text = (0_usize..2, words, 0_u8..50, any::<bool>());
    let texts = proptest::collection::vec(text, 1..12);
    texts.prop_map(|texts| {
        let mut texts: Vec<Text> = texts
            .into_iter()
            .map(|(session, words, second, is_ours)| Text {
                session,
                words,
                second,
                is_ours,
            })
            .collect();
        texts.sort_by_key(|text| text.second);
        texts
    })
}

fn events_of(index: usize, text: &Text) -> [Event; 3] {
    let at = format!("2026-01-02 03:04:{:02}", text.second);
    let (theirs, ours) = ("15550101234".to_owned(), "15550109876".to_owned());
    let of_message = message(|it| {
        it.id = format!("m-{index}");
        it.session_id = format!("s{}", text.session);
        it.text = text.words.to_owned();
        it.timestamp.clone_from(&at);
        if text.is_ours {
            it.direction = "term".to_owned();
            it.from_number.clone_from(&ours);
            it.dialed.clone_from(&theirs);
        }
    });
    let of_session = |status: &str| {
        session(|it| {
            it.session_id = format!("s{}", text.session);
            it.last_message = text.words.to_owned();
            it.last_sender = if text.is_ours {
                ours.clone()
            } else {
                theirs.clone()
            };
            it.last_timestamp.clone_from(&at);
            it.last_status = status.to_owned();
        })
    };
    [of_message, of_session("unread"), of_session("read")]
}

fn n_new(events: &[Event]) -> usize {
    let (mut memory, _) = memory();
    let recognised = events.iter().map(|event| memory.recognise(event));
    recognised.filter(|it| *it == New).count()
}

fn shuffled(n_texts: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..n_texts * 4).collect::<Vec<_>>()).prop_shuffle()
}

fn conversation_and_order() -> impl Strategy<Value = (Vec<Text>, Vec<usize>)> {
    conversation().prop_flat_map(|texts| {
        let order = shuffled(texts.len());
        (Just(texts), order)
    })
}

proptest! {
    /// Both models, with marks of reading, in any interleaving at all, and one of the posts twice.
    #[test]
    fn each_text_is_new_exactly_once((texts, order) in conversation_and_order()) {
        let mut posts = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let [message, session, read] = events_of(index, text);
            let again = if index % 2 == 0 { message.clone() } else { session.clone() };
            posts.extend([message, session, read, again]);
        }
        let events: Vec<Event> = order.iter().map(|at| posts[*at].clone()).collect();
        let n_texts = texts.iter().filter(|text| !text.is_ours).count();
        prop_assert_eq!(n_new(&events), n_texts);
    }

    #[test]
    fn each_text_is_new_exactly_once_with_the_message_model_alone(texts in conversation()) {
        let events: Vec<Event> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| events_of(index, text)[0].clone())
            .collect();
        let n_texts = texts.iter().filter(|text| !text.is_ours).count();
        prop_assert_eq!(n_new(&events), n_texts);
        prop_assert_eq!(n_new(&[events.clone(), events].concat()), n_texts);
    }

    /// This model does not tell two equal texts of one second apart.
    #[test]
    fn each_text_is_new_exactly_once_with_the_session_model_alone(texts in conversation()) {
        let mut texts = texts;
        texts.dedup_by_key(|text| (text.second, text.session, text.words, text.is_ours));
        let mut seen = std::collections::BTreeSet::new();
        texts.retain(|text| seen.insert((text.second, text.session, text.words, text.is_ours)));
        let mut events = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let [_, session, read] = events_of(index, text);
            events.extend([session.clone(), read, session]);
        }
        let n_texts = texts.iter().filter(|text| !text.is_ours).count();
        prop_assert_eq!(n_new(&events), n_texts);
    }
}
