//! What became of a message whose answer was lost: its session is listed, and what is found there is
//! judged.
//!
//! Called by `submit.rs`. It sends nothing. In a session that was made for one message, the text alone
//! decides; in one that is shared by all texts to a phone, text and time do. That a message is not
//! there is said only of a list that is whole, of this session, and holds nothing that may be the
//! message with a text that the server has changed.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use futures_util::stream::StreamExt as _;
use http::Method;
use http::header::DATE;
use tidings_core::{ClientRef, E164, ProviderRef, Timestamp};

use super::client::Client;
use super::map::{conversation, number};
use super::paging;
use super::send::text_beside;
use super::session_id::SessionId;
use super::sessions::{MESSAGES, checked, is_message, message_key};
use super::verdict::{self, Call};
use super::wire::{self, time};
use crate::answer::{Answer, HttpMetadata};
use crate::conversations::Page;
use crate::error::{ErrorKind, Result};
use crate::http::HttpResponse;
use crate::provider::{AttemptRef, Receipt, Reconciled};

const RECONCILE: Call = Call::asks("reconcile");

/// How long a call may have lasted of which this client does not know when it ended: the longest that
/// a client waits for an answer, with room.
const LONGEST_CALL: Duration = Duration::from_mins(2);

/// How far the time in a `Date` header may lie behind the server's clock: it is cut to a second, and
/// servers make it anew once in a second.
const DATE_LAG: Duration = Duration::from_secs(2);

/// How far the time of a message may lie behind the moment when it was taken: it is cut to a second.
const ROW_LAG: Duration = Duration::from_secs(1);

impl Client {
    /// What became of an attempt.
    pub(super) async fn look_for(&self, attempt: &AttemptRef) -> Result<Reconciled> {
        let Some(sought) = self.sought(attempt) else {
            return Ok(Reconciled::CannotTell);
        };
        let (mut found, mut http) = self.look(&sought).await?;
        let choices = &self.shared().choices;
        if found == Found::Absent {
            let elapsed = self.shared().clock.now().since(attempt.started);
            let rest = choices.settle_time.saturating_sub(elapsed);
            if !rest.is_zero() {
                // The call may still be under way: what is not there yet may come.
                tokio::time::sleep(rest).await;
                (found, http) = self.look(&sought).await?;
            }
        }
        Ok(match found {
            Found::There(id) => {
                let mut about = attempt.provider_ref.clone().unwrap_or_default();
                about.session = Some(sought.session.clone());
                about.reference = Some(attempt.outbound.reference.clone());
                about.recipient = Some(sought.to);
                about.message = id.or(about.message);
                let receipt = Receipt::new(about);
                let receipt = match http {
                    Some(http) => receipt.with_http(Arc::new(http)),
                    None => receipt,
                };
                Reconciled::Taken(Box::new(receipt))
            }
            Found::Absent => Reconciled::NotTaken,
            Found::Unclear => Reconciled::CannotTell,
        })
    }

    /// What is looked for. `None` when it is not known from which number the message was to go out.
    fn sought<'a>(&self, attempt: &'a AttemptRef) -> Option<Sought<'a>> {
        let message = &attempt.outbound.message;
        let from = self.number_of(message.from.as_ref()).ok()?;
        let media = message.media.as_ref();
        let own = SessionId::of_message(&attempt.outbound.reference, &from, &message.to);
        let told: Option<&ProviderRef> = attempt.provider_ref.as_ref();
        let session = match told.and_then(|about| about.session.clone()) {
            Some(session) => session,
            None => self
                .session_of(&attempt.outbound.reference, &from, &message.to)
                .to_string(),
        };
        let is_shared = session != own.as_str();
        let choices = &self.shared().choices;
        let text = text_beside(&message.text, media)?;
        let sent = choices
            .recent
            .about(&session, text, attempt, choices.settle_time);
        Some(Sought {
            session,
            is_shared,
            from,
            to: message.to,
            text,
            media_bytes: media.map(|media| media.content().len()),
            started: attempt.started,
            ended: sent.ended,
            others: sent.others,
            other_texts: sent.other_texts,
        })
    }

    /// Lists the session until all that may be the message has been seen.
    async fn look(&self, sought: &Sought<'_>) -> Result<(Found, Option<HttpMetadata>)> {
        let reading: Mutex<Option<Reading>> = Mutex::default();
        let get = |page| self.dated_messages(&sought.session, page, &reading);
        let size = self.shared().choices.page_size;
        let mut pages = pin!(paging::pages(RECONCILE, size, message_key, get));
        let mut rows = Vec::new();
        let mut http = None;
        let mut is_cut = false;
        while let Some(page) = pages.next().await {
            let page = match page {
                Ok(page) => page,
                // The server does not give the rest of the list.
                Err(error) if http.is_some() && error.kind() == ErrorKind::Protocol => {
                    is_cut = true;
                    break;
                }
                Err(error) => return Err(error.during(super::map::PROVIDER, RECONCILE.operation)),
            };
            http = Some(page.http);
            let is_enough = sought.is_past(&page.value, *lock(&reading));
            is_cut = !is_enough && may_be_cut(page.value.len(), size);
            rows.extend(page.value);
            if is_enough {
                break;
            }
        }
        let reading = *lock(&reading);
        Ok((sought.judge(&rows, reading, is_cut), http))
    }

    /// A part of the messages of a session; notes what time the server's clock showed with the first.
    async fn dated_messages(
        &self,
        session: &str,
        page: Page,
        reading: &Mutex<Option<Reading>>,
    ) -> Result<Answer<Vec<wire::Message>>> {
        let path = self.messages_path(session).map(|path| path.page(page));
        let clock = &*self.shared().clock;
        let asked = clock.now();
        let read = |call: Call, response: &HttpResponse| {
            if verdict::says_it_is_not_there(response) {
                return Ok(Answer::new((Vec::new(), None), response.metadata()));
            }
            let rows = verdict::read_list(call, response)?;
            Ok(rows.map(|rows| (rows, date(response))))
        };
        let answer = self.call(RECONCILE, Method::GET, path, None, read).await?;
        let answered = clock.now();
        let (rows, date) = answer.value;
        if let Some(date) = date {
            lock(reading).get_or_insert(Reading {
                asked,
                answered,
                date,
            });
        }
        checked(MESSAGES, Answer::new(rows, answer.http), is_message)
    }
}

/// What servers give at the most where they do not do as `limit` says, or a multiple of it.
const ROUND: usize = 100;

/// Whether a page that is not as long as was asked for may be a part of the list all the same: its
/// length is one at which servers stop.
fn may_be_cut(n_rows: usize, asked_for: u32) -> bool {
    let is_as_asked = usize::try_from(asked_for) == Ok(n_rows);
    !is_as_asked && n_rows > 0 && n_rows.is_multiple_of(ROUND)
}

/// What the server's clock showed at a moment between two of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) asked: Timestamp,
    pub(super) answered: Timestamp,
    pub(super) date: Timestamp,
}

impl Reading {
    /// How far apart the two moments of [`Self::by_our_clock`] are.
    fn error(self) -> Duration {
        DATE_LAG + ROW_LAG + self.answered.since(self.asked)
    }

    /// Between which moments of our clock something happened that the server gives this time: three
    /// seconds, because both its times are cut to seconds, and as long as the answer took.
    fn by_our_clock(self, at: Timestamp) -> (i64, i64) {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        // By how much the server's clock is ahead of ours, at the least and at the most.
        let least = self.date.as_millis() - self.answered.as_millis();
        let most = self.date.as_millis() + millis(DATE_LAG) - self.asked.as_millis();
        let at = at.as_millis();
        (at - most, at + millis(ROW_LAG) - least)
    }
}

/// The time of an answer by the server's clock.
fn date(response: &HttpResponse) -> Option<Timestamp> {
    let value = response.headers.get(DATE)?.to_str().ok()?;
    let since_epoch = httpdate::parse_http_date(value)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    Some(Timestamp::UNIX_EPOCH.plus(since_epoch))
}

/// A message that may be in a session.
#[derive(Debug)]
pub(super) struct Sought<'a> {
    pub(super) session: String,
    /// Whether other messages go into the session too.
    pub(super) is_shared: bool,
    pub(super) from: E164,
    pub(super) to: E164,
    /// The text as it was written.
    pub(super) text: &'a str,
    pub(super) media_bytes: Option<usize>,
    pub(super) started: Timestamp,
    /// When its call was under way no more.
    pub(super) ended: Timestamp,
    /// When the calls were under way with which this client has sent the same text into the session.
    pub(super) others: Vec<(Timestamp, Timestamp)>,
    /// The other texts that this client has sent into the session.
    pub(super) other_texts: Vec<Arc<str>>,
}

/// What a listing says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The message is there, perhaps with an id.
    There(Option<String>),
    Absent,
    Unclear,
}

impl Sought<'_> {
    /// What the rows of a session say. `is_cut` is whether older ones may be missing.
    pub(super) fn judge(
        &self,
        rows: &[wire::Message],
        reading: Option<Reading>,
        is_cut: bool,
    ) -> Found {
        let is_elsewhere = |row: &wire::Message| {
            let told = row.messagesession_id.get();
            told.is_some_and(|told| told != self.session)
        };
        let absent = if is_cut || rows.iter().any(is_elsewhere) {
            Found::Unclear
        } else {
            Found::Absent
        };
        let of_the_session = rows.iter().filter(|row| !is_elsewhere(row));
        let ours = of_the_session.filter(|row| self.is_ours(row));
        let id = |row: &wire::Message| row.id.get().map(str::to_owned);
        if !self.is_shared {
            let mut alike = ours.filter(|row| self.has_the_content(row));
            return match alike.next() {
                Some(row) => Found::There(id(row)),
                None if rows.is_empty() => absent,
                // The message alone begins this session, so something has become of it: perhaps the
                // server has changed its text.
                None => Found::Unclear,
            };
        }
        let (alike, different): (Vec<&wire::Message>, Vec<_>) =
            ours.partition(|row| self.has_the_content(row));
        let places = alike.iter().map(|row| self.place(row, reading));
        let may_be = |place: &Place| *place != Place::Elsewhere;
        if places.clone().any(|place| place == Place::Nowhere) {
            return Found::Unclear;
        }
        match places.clone().filter(may_be).count() {
            // A row whose text nobody here has written may be the message with another text.
            0 if different
                .iter()
                .any(|row| may_be(&self.place(row, reading)) && !self.is_another(row)) =>
            {
                Found::Unclear
            }
            0 => absent,
            // As many as were sent: all of them were taken.
            n_found if n_found == self.n_repeats(reading) + 1 => {
                let found = alike.iter().zip(places);
                let mut found = found.filter(|(_, place)| may_be(place));
                let only = found.next().filter(|_| n_found == 1);
                Found::There(only.and_then(|(row, _)| id(row)))
            }
            _ => Found::Unclear,
        }
    }

    /// Whether a row has one of the other texts that this client has sent into the session.
    fn is_another(&self, row: &wire::Message) -> bool {
        let mut texts = self.other_texts.iter();
        texts.any(|text| is_same_text(text, &row.text.0))
    }

    /// How many others with this text may have a row that is taken for this message's.
    fn n_repeats(&self, reading: Option<Reading>) -> usize {
        let error = reading.map_or(Duration::ZERO, Reading::error);
        let meets_it = |(started, ended): &&(Timestamp, Timestamp)| {
            *started <= self.ended.plus(error) && ended.plus(error) >= self.started
        };
        self.others.iter().filter(meets_it).count()
    }

    /// Whether a row is a message from our number to the phone.
    fn is_ours(&self, row: &wire::Message) -> bool {
        let is_from_us = || number::is_same_party(&row.from_number.0, self.from.as_str());
        let is_outbound = match row.direction.0.as_str() {
            conversation::OUTBOUND => true,
            conversation::INBOUND => false,
            // A row that does not say.
            _ => is_from_us(),
        };
        is_outbound && conversation::is_to(row, &self.to)
    }

    /// Whether a row has the text, or the file.
    fn has_the_content(&self, row: &wire::Message) -> bool {
        let size = row.media_size.0.and_then(|size| usize::try_from(size).ok());
        match (self.media_bytes, size.filter(|size| *size > 0)) {
            (Some(sent), Some(listed)) => sent == listed,
            (Some(_) | None, None) => is_same_text(self.text, &row.text.0),
            (None, Some(_)) => false,
        }
    }

    /// Whether a row was written in the time of the attempt.
    fn place(&self, row: &wire::Message, reading: Option<Reading>) -> Place {
        let (Some(at), Some(reading)) = (time::parse(&row.timestamp.0), reading) else {
            return Place::Nowhere;
        };
        let (earliest, latest) = reading.by_our_clock(at);
        if latest < self.started.as_millis() || earliest > self.ended.as_millis() {
            Place::Elsewhere
        } else {
            Place::Here
        }
    }

    /// Whether no later page can hold the message: this one goes from later to earlier rows, and its
    /// last is from before the attempt.
    fn is_past(&self, page: &[wire::Message], reading: Option<Reading>) -> bool {
        let at = |row: &wire::Message| time::parse(&row.timestamp.0);
        let (Some(first), Some(last)) = (page.first().and_then(at), page.last().and_then(at))
        else {
            return false;
        };
        let is_before = reading.is_some_and(|reading| {
            let (_, latest) = reading.by_our_clock(last);
            latest < self.started.as_millis()
        });
        self.is_shared && first > last && is_before
    }
}

/// When a row was written, seen from the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Here,
    Elsewhere,
    /// It cannot be told when.
    Nowhere,
}

/// Whether a text is the one that was sent. Servers turn texts that look like numbers into numbers,
/// and blanks at the ends get lost.
fn is_same_text(sent: &str, listed: &str) -> bool {
    let (sent, listed) = (sent.trim(), listed.trim());
    if sent == listed {
        return true;
    }
    let number = |text: &str| -> Option<f64> {
        let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        text.parse().ok().filter(|_| is_number)
    };
    matches!((number(sent), number(listed)), (Some(one), Some(other)) if one.total_cmp(&other).is_eq())
}

/// The messages that this client has lately sent into sessions that are shared: of two with one text,
/// only who knows of both can say which of them a server has taken.
#[derive(Default)]
pub(super) struct Recent(Mutex<VecDeque<Written>>);

/// How many are remembered.
const REMEMBERED: usize = 10_000;

struct Written {
    session: String,
    text: Arc<str>,
    reference: ClientRef,
    started: Timestamp,
    /// When its call ended. `None` while it is under way, and when it was given up.
    ended: Option<Timestamp>,
}

/// What is remembered about an attempt.
struct Remembered {
    /// When its call was under way no more.
    ended: Timestamp,
    /// The times of the others with its text.
    others: Vec<(Timestamp, Timestamp)>,
    /// The texts of those with another one.
    other_texts: Vec<Arc<str>>,
}

impl Recent {
    /// Remembers a message that is about to be sent.
    pub(super) fn begin(&self, session: &str, text: &str, reference: &ClientRef, at: Timestamp) {
        let mut written = lock(&self.0);
        if written.len() == REMEMBERED {
            written.pop_front();
        }
        written.push_back(Written {
            session: session.to_owned(),
            text: text.into(),
            reference: reference.clone(),
            started: at,
            ended: None,
        });
    }

    /// Remembers when its call ended.
    pub(super) fn end(&self, session: &str, reference: &ClientRef, at: Timestamp) {
        let mut written = lock(&self.0);
        let mut latest_first = written.iter_mut().rev();
        let is_it = |written: &&mut Written| {
            written.ended.is_none() && written.session == session && written.reference == *reference
        };
        if let Some(written) = latest_first.find(is_it) {
            written.ended = Some(at);
        }
    }

    fn about(
        &self,
        session: &str,
        text: &str,
        attempt: &AttemptRef,
        settle_time: Duration,
    ) -> Remembered {
        let written = lock(&self.0);
        let of_the_session = written.iter().filter(|written| written.session == session);
        let (alike, different): (Vec<&Written>, Vec<_>) =
            of_the_session.partition(|written| *written.text == *text);
        let reference = &attempt.outbound.reference;
        // Whoever asks has read the clock a moment before.
        let is_itself = |written: &&&Written| {
            written.reference == *reference && written.started.plus(ROW_LAG) >= attempt.started
        };
        let itself = alike.iter().find(is_itself).copied();
        let end_of = |started: Timestamp, ended: Option<Timestamp>| {
            let ended = ended.unwrap_or_else(|| started.plus(LONGEST_CALL));
            ended.plus(settle_time)
        };
        let is_other =
            |written: &&&Written| itself.is_none_or(|itself| !std::ptr::eq(**written, itself));
        let others = alike.iter().filter(is_other);
        let others = others.map(|other| (other.started, end_of(other.started, other.ended)));
        Remembered {
            ended: end_of(attempt.started, itself.and_then(|itself| itself.ended)),
            others: others.collect(),
            other_texts: different
                .iter()
                .map(|other| Arc::clone(&other.text))
                .collect(),
        }
    }
}

impl std::fmt::Debug for Recent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
