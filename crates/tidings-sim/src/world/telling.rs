//! What a customer is told by calls to his server: ends of messages and texts from phones. And where
//! texts from phones come from.
//!
//! Called by `server::callbacks`, which makes the calls, by the control server and by tests. What has
//! not been acknowledged is due again after a restart: it is told at least once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tidings::Account;
use tidings::backend::Refusal;
use tidings::callback::Callback;
use tidings_core::{
    DeliveryReport, E164, InboundMessage, Media, ProviderRef, ReportedState, SenderId, Timestamp,
};

use super::exchange::{FileTaken, Heard, draw_conversation};
use super::ids::Kind;
use super::intake::DEFAULT_SHORT_NUMBER;
use super::open::credential_settings;
use super::state::{Change, InboundTaken, Item, State};
use super::{Shared, World, lock};
use crate::operation::Operation;
use crate::scenario::rules::ScriptedText;
use crate::scenario::{Action, Scenario};

/// A text that a phone is to send.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PhoneText {
    /// Whose phone.
    pub from: E164,
    /// The number of ours that it is sent to. `None`: the one that the latest text to this phone
    /// came from, or the number of its account, and where there is none the first account's.
    pub to: Option<String>,
    /// The text.
    pub text: Arc<str>,
    /// The conversation that it belongs to, by its id; goes before `to`.
    pub session: Option<String>,
    /// The file that comes with it. Lost where the vendor keeps no conversations.
    pub media: Option<Media>,
}

impl PhoneText {
    /// An answer to the latest text that this phone got.
    pub fn new(from: E164, text: impl Into<Arc<str>>) -> Self {
        Self {
            from,
            to: None,
            text: text.into(),
            session: None,
            media: None,
        }
    }

    /// Sets the number that it is sent to.
    #[must_use]
    pub fn to(mut self, number: Option<String>) -> Self {
        self.to = number;
        self
    }

    /// Sets the conversation that it belongs to.
    #[must_use]
    pub fn session(mut self, id: Option<String>) -> Self {
        self.session = id;
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn media(mut self, media: Media) -> Self {
        self.media = Some(media);
        self
    }
}

/// Shows the length of the text, never the text, and the number without its middle.
impl fmt::Debug for PhoneText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A short number is nobody's secret; a whole one is shown without its middle.
        let to = self
            .to
            .as_deref()
            .map(|to| match E164::parse_possible(to, None) {
                Ok(number) => format!("{number:?}"),
                Err(_) => to.to_owned(),
            });
        f.debug_struct("PhoneText")
            .field("from", &self.from)
            .field("to", &to)
            .field("text_bytes", &self.text.len())
            .field("session", &self.session)
            .field("media", &self.media)
            .finish()
    }
}

/// Texts that a scenario has phones send, the next one first.
#[derive(Default)]
pub(super) struct Planned(VecDeque<(Timestamp, ScriptedText)>);

impl Planned {
    pub(super) fn new(scenario: &Scenario, begin: Timestamp) -> Self {
        let texts = scenario.inbound.iter();
        let mut planned: Vec<_> = texts
            .map(|text| (begin.plus(text.after), text.clone()))
            .collect();
        planned.sort_by_key(|(at, _)| *at);
        Self(planned.into())
    }
}

/// What there is to tell in one round, for one account.
pub(crate) struct ToTell {
    pub(crate) ends: Vec<Told>,
    pub(crate) inbound: Vec<Told>,
}

/// One thing to tell, and under which name it is known here.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) item: ItemKey,
    pub(crate) callback: Callback,
}

/// Something that a customer is told of, as others than the world know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ItemKey(Item);

impl World {
    /// A phone sends a text. Returns it as the customer will be told of it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a conversation that is unknown or has ended,
    /// [`Refusal::Unavailable`] when the state file cannot be written.
    pub async fn receive(&self, text: PhoneText) -> Result<InboundMessage, Refusal> {
        let (received, ticket) = {
            let mut state = self.0.state_now();
            let taken = self.0.address(&state, text)?;
            let index = state.inbound.len();
            let ticket = self.0.change(&mut state, Change::Inbound(taken))?;
            let received = state.inbound_message(index).expect("the change added it");
            (received, ticket)
        };
        self.0.on_disk(ticket).await?;
        Ok(received)
    }

    /// Every text from a phone, in the order of arrival.
    pub fn inbound(&self) -> Vec<InboundMessage> {
        let state = self.0.state_now();
        (0..state.inbound.len())
            .filter_map(|index| state.inbound_message(index))
            .collect()
    }

    /// How many accounts there are.
    pub(crate) fn n_accounts(&self) -> usize {
        self.0.state().accounts.len()
    }

    /// What a vendor may repeat of an account when he calls its owner: every setting that is no
    /// secret.
    pub(crate) fn known_of(&self, account: usize) -> Account {
        let state = self.0.state();
        let credentials = state.accounts.get(account).map(|it| &it.credentials);
        let shown = credential_settings(self.0.spec).filter(|setting| !setting.is_secret);
        shown.fold(self.0.served_as.clone(), |known, setting| match credentials
            .and_then(|credentials| credentials.get(setting.name))
        {
            Some(value) => known.with(setting.name, value.as_str()),
            None => known,
        })
    }

    /// Takes out what an account has to be told by now, at most `limit` of it. What is taken out is
    /// in the caller's hands: he says when it is told, or puts it back.
    pub(crate) fn take_what_is_due(&self, account: usize, limit: usize) -> ToTell {
        let scenario = self.0.scenario();
        let mut state = self.0.state_now();
        let late = i64::try_from(scenario.reports.late.as_millis()).unwrap_or(i64::MAX);
        let by = Timestamp::from_millis(state.now.as_millis().saturating_sub(late));
        let by = by.unwrap_or(Timestamp::UNIX_EPOCH);
        let now = state.now;
        let is_due = |(at, item): &&(Timestamp, Item)| match item {
            Item::End(_) => *at <= by,
            Item::Inbound(_) => *at <= now,
        };
        let Some(found) = state.accounts.get_mut(account) else {
            return ToTell {
                ends: Vec::new(),
                inbound: Vec::new(),
            };
        };
        let due = found.to_tell.iter().take_while(|(at, _)| *at <= now);
        let due: Vec<_> = due.filter(is_due).take(limit).copied().collect();
        for entry in &due {
            found.to_tell.remove(entry);
        }
        let mut round = ToTell {
            ends: Vec::new(),
            inbound: Vec::new(),
        };
        for (_, item) in due {
            let (told, callback) = match item {
                Item::End(index) => (&mut round.ends, self.0.report(&state, index)),
                Item::Inbound(index) => {
                    let text = state.inbound_message(index);
                    (&mut round.inbound, text.map(Callback::Inbound))
                }
            };
            told.extend(callback.map(|callback| Told {
                item: ItemKey(item),
                callback,
            }));
        }
        if scenario.reports.shuffle {
            lock(&self.0.random).shuffle(&mut round.ends);
        }
        round
    }

    /// How the customer is told, by the present scenario.
    pub(crate) fn doubles_reports(&self) -> bool {
        self.0.scenario().reports.duplicate
    }

    /// These need not be told any more.
    pub(crate) async fn told(&self, items: &[ItemKey]) -> Result<(), Refusal> {
        let ticket = {
            let mut state = self.0.state_now();
            let (mut ends, mut inbound) = (Vec::new(), Vec::new());
            for ItemKey(item) in items {
                match item {
                    Item::End(index) => ends.push(*index),
                    Item::Inbound(index) => inbound.push(*index),
                }
            }
            let at = state.now;
            let change = Change::Told { at, ends, inbound };
            self.0.change(&mut state, change)?
        };
        self.0.on_disk(ticket).await?;
        lock(&self.0.traffic).count_told(items.len());
        Ok(())
    }

    /// These are to be told after this time.
    pub(crate) fn tell_again(&self, items: &[ItemKey], after: Duration) {
        let mut state = self.0.state_now();
        let at = state.now.plus(after);
        for ItemKey(item) in items {
            let account = match item {
                Item::End(index) => state.messages.get(*index).map(|sms| sms.account),
                Item::Inbound(index) => state.inbound.get(*index).map(|text| text.account),
            };
            if let Some(account) = account.and_then(|account| state.accounts.get_mut(account)) {
                account.to_tell.insert((at, *item));
            }
        }
    }

    /// Counts a call to the customer's server.
    pub(crate) fn count_callback(&self, is_acknowledged: bool) {
        lock(&self.0.traffic).count_callback(is_acknowledged);
    }
}

impl Shared {
    /// Lets phones send what the scenario has them send by now.
    pub(super) fn play_script(&self, state: &mut State) {
        let mut planned = lock(&self.planned);
        while let Some((_, text)) = planned.0.pop_front_if(|(at, _)| *at <= state.now) {
            let text = PhoneText::new(text.from, text.text).to(text.to);
            if let Ok(taken) = self.address(state, text) {
                // A carrier whose state file cannot be written refuses every call that would tell.
                self.change(state, Change::Inbound(taken)).ok();
            }
        }
    }

    /// Finds out whom a text from a phone is for.
    fn address(&self, state: &State, text: PhoneText) -> Result<InboundTaken, Refusal> {
        if self.spec.capabilities.conversations {
            return self.address_to_user(state, text);
        }
        let at = state.now;
        let unknown = Refusal::NotFound {
            what: "conversation",
        };
        let (writer, to) = match (&text.session, text.to) {
            (Some(id), _) => {
                let index = state.session_ids.get(id.as_str());
                let session = index.and_then(|index| state.sessions.get(*index));
                (None, session.ok_or(unknown.clone())?.number.to_string())
            }
            (None, Some(to)) => (None, to),
            (None, None) => {
                let (account, number) = state.latest_sender(&text.from).unwrap_or_default();
                let number = number.unwrap_or_else(|| self.number_of(account));
                (Some(account), number)
            }
        };
        let session = match state.session_at(&to) {
            Some((index, session)) => match state.session(session.account, &session.id, at) {
                Some(_) => Some((index, session.account)),
                // A number that nobody answers any more.
                None => return Err(unknown),
            },
            None => None,
        };
        let owner = || (0..state.accounts.len()).find(|account| self.number_of(*account) == to);
        let account = session
            .map(|(_, account)| account)
            .or(writer)
            .or_else(owner);
        Ok(InboundTaken {
            account: account.unwrap_or(0),
            at,
            from: text.from.as_str().to_owned(),
            to,
            text: text.text,
            session: session.map(|(index, _)| index),
            heard: None,
        })
    }

    /// Finds out which user a text from a phone is for, and in which of his conversations it is.
    fn address_to_user(&self, state: &State, text: PhoneText) -> Result<InboundTaken, Refusal> {
        let kept = &state.exchange.conversations;
        let unknown_number = Refusal::NotFound { what: "number" };
        let (account, number, conversation) = match (&text.session, &text.to) {
            (Some(id), _) => {
                let found = kept.anybodys(id);
                let unknown = Refusal::NotFound {
                    what: "conversation",
                };
                let (account, number) = found.ok_or(unknown)?;
                (account, number, Some(id.as_str().into()))
            }
            (None, Some(to)) => {
                let plus = if to.starts_with('+') { "" } else { "+" };
                let number = format!("{plus}{to}").parse();
                let number: E164 = number.map_err(|_| unknown_number.clone())?;
                let account = state.account_with_number(number);
                (account.ok_or(unknown_number)?, number, None)
            }
            (None, None) => {
                let latest = state.latest_sender(&text.from);
                let latest =
                    latest.and_then(|(account, number)| Some((account, number?.parse().ok()?)));
                let first = || Some((0, state.number_of_user(0)?));
                let (account, number) = latest.or_else(first).ok_or(unknown_number)?;
                (account, number, None)
            }
        };
        let conversation = conversation
            .or_else(|| kept.with_phone(account, number, text.from))
            .unwrap_or_else(|| draw_conversation(&mut lock(&self.random)));
        Ok(InboundTaken {
            account,
            at: state.now,
            from: text.from.as_str().to_owned(),
            to: number.as_str().to_owned(),
            text: text.text,
            session: None,
            heard: Some(Heard {
                conversation,
                id: state.ids.message_id(kept.n_texts()),
                media: text.media.as_ref().map(FileTaken::of),
            }),
        })
    }

    /// The number of an account that phones send texts to.
    fn number_of(&self, account: usize) -> String {
        match &self.rules(account).sender {
            Some(SenderId::ShortCode(number)) => number.to_string(),
            Some(SenderId::International(number)) => number.as_str().to_owned(),
            _ => DEFAULT_SHORT_NUMBER.to_owned(),
        }
    }

    /// The report on a message that has ended.
    fn report(&self, state: &State, index: usize) -> Option<Callback> {
        let sms = state.messages.get(index)?;
        let (reported, reason, at) = sms.at(state.now);
        let mut about = ProviderRef::message(state.ids.id(Kind::Message, index));
        about.batch = sms.batch.map(|batch| state.batch_name(batch));
        about.session = sms
            .session
            .and_then(|session| state.sessions.get(session))
            .map(|session| session.id.to_string());
        about.reference.clone_from(&sms.fate.reference);
        about.recipient = Some(sms.fate.to);
        let mut report = DeliveryReport::new(about, reported).at(at);
        report.reason = reason;
        let mut script = lock(&self.script);
        let firing = script.on_operation(Operation::Report, |to| *to == sms.fate.to);
        drop(script);
        if let Some(firing) = firing {
            lock(&self.traffic).count_fault(&firing.name);
            if let Action::UnknownStatus { word } = &*firing.action {
                // Not an end with an odd word: a vendor's own side would then find the word for that
                // end. What a word of no list means, nobody knows.
                report.state = ReportedState::Unknown;
                report.reason = None;
                report.raw = Some(word.clone());
            }
        }
        Some(Callback::Report(report))
    }
}

impl State {
    /// Where a phone's answer goes to: the account whose text was the latest that has left for it, and
    /// the number that it came from. Nobody can answer to a name.
    fn latest_sender(&self, phone: &E164) -> Option<(usize, Option<String>)> {
        let mut latest_first = self.messages.iter().rev();
        let latest = latest_first.find(|sms| sms.fate.to == *phone && sms.left_at().is_some())?;
        let session = latest.session.and_then(|index| self.sessions.get(index));
        let number = match (session, &latest.fate.from) {
            (Some(session), _) => Some(session.number.to_string()),
            (None, Some(SenderId::ShortCode(number))) => Some(number.to_string()),
            (None, Some(SenderId::International(number))) => Some(number.as_str().to_owned()),
            (None, Some(_) | None) => None,
        };
        Some((latest.account, number))
    }

    fn inbound_message(&self, index: usize) -> Option<InboundMessage> {
        let text = self.inbound.get(index)?;
        let id = self.ids.id(Kind::Inbound, index);
        let message = InboundMessage::new(
            id,
            text.from.as_str(),
            text.to.as_str(),
            Arc::clone(&text.text),
        )
        .received_at(text.at);
        let session = text.session.and_then(|session| self.sessions.get(session));
        let session = session.map(|session| &*session.id);
        Some(match session.or(text.conversation.as_deref()) {
            Some(session) => message.session(session),
            None => match text.text.split_whitespace().next() {
                Some(word) => message.keyword(word),
                None => message,
            },
        })
    }
}
