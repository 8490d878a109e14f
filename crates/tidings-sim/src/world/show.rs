//! What the world shows of messages to tests and people: `World::messages` and `/_sim/messages`.
//!
//! Called by tests and by the control server. Callers of the provider's API see something else.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use tidings_core::{ClientRef, E164, Priority, Reason, ReportedState, SenderId, Timestamp};

use super::World;
use super::ids::Kind;
use super::sms::{Sms, Window, Wishes};
use super::state::State;

/// A message that the simulated carrier has taken.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SimMessage {
    /// The id that the caller was given.
    pub provider_id: String,
    /// The phone that it is for.
    pub to: E164,
    /// What the phone shows as the sender.
    pub from: Option<SenderId>,
    /// The text.
    pub text: Arc<str>,
    /// When the carrier took it.
    pub at: Timestamp,
    /// The caller's own name for it; `None` where the API has no place for one.
    pub reference: Option<ClientRef>,
    /// What the batch that it came in is called.
    pub batch: Option<String>,
    /// How many parts it was charged as.
    pub parts: u8,
    /// How far it has come.
    pub state: ReportedState,
    /// Why it went no further.
    pub reason: Option<Reason>,
    /// Since when it is in this state.
    pub state_at: Timestamp,
    /// When it left the carrier; `None` while it waits and when it never will.
    pub left_at: Option<Timestamp>,
    /// Which account sent it, from 0.
    pub account: usize,
    /// What leaves first when messages wait.
    pub priority: Priority,
    /// When it may leave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<SimWindow>,
    /// The conversation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SimSession>,
    /// What the recipient pays for it, in the smallest unit of the currency.
    pub price: u32,
    /// How old the recipient has to be, in years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_age: Option<u8>,
    /// What else was asked for, in the vendor's words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<(String, String)>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SimSession {
    /// Its id.
    pub id: String,
    /// The number that the phone shows and answers to.
    pub number: String,
}

/// When a message may leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SimWindow {
    /// From this moment on.
    pub from: Timestamp,
    /// Until this moment, where there is an end.
    pub until: Option<Timestamp>,
    /// Where only the same hours of each day between the two count: these hours, such as
    /// `09:00:00-17:00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
}

/// Shows ids and the number without its middle; the length of the text, never the text.
impl fmt::Debug for SimMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimMessage")
            .field("provider_id", &self.provider_id)
            .field("to", &self.to)
            .field("text_bytes", &self.text.len())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl World {
    /// Every message that was taken, in the order of arrival, those that fail included.
    pub fn messages(&self) -> Vec<SimMessage> {
        let state = self.0.state_now();
        let messages = state.messages.iter().enumerate();
        messages
            .map(|(index, sms)| state.show(index, sms))
            .collect()
    }

    /// Up to `limit` messages that reach a phone, from place `from` in the order of arrival on, and
    /// the place after the last; `None` when there are no more.
    pub(crate) fn reaching_phones(
        &self,
        from: usize,
        limit: usize,
    ) -> Option<(Vec<SimMessage>, usize)> {
        let state = self.0.state_now();
        let page: Vec<_> = state
            .messages
            .iter()
            .enumerate()
            .skip(from)
            .filter(|(_, sms)| sms.reaches_a_phone())
            .take(limit)
            .collect();
        let next = page.last()?.0 + 1;
        let shown = page.into_iter().map(|(index, sms)| state.show(index, sms));
        Some((shown.collect(), next))
    }
}

impl State {
    fn show(&self, index: usize, sms: &Sms) -> SimMessage {
        let (state, reason, state_at) = sms.at(self.now);
        let wishes = sms.wishes();
        let session = sms.session.and_then(|session| self.sessions.get(session));
        let session = session.map(|session| SimSession {
            id: session.id.to_string(),
            number: session.number.to_string(),
        });
        let session = session.or_else(|| {
            let text = self.exchange.conversations.text(sms.leg_of?)?;
            Some(SimSession {
                id: text.conversation.to_string(),
                number: text.number?.as_str().to_owned(),
            })
        });
        SimMessage {
            provider_id: self.ids.id(Kind::Message, index),
            to: sms.fate.to,
            from: sms.fate.from.clone(),
            text: Arc::clone(&sms.text),
            at: sms.accepted_at,
            reference: sms.fate.reference.clone(),
            batch: sms.batch.map(|batch| self.batch_name(batch)),
            parts: sms.fate.parts,
            state,
            reason,
            state_at,
            left_at: sms.left_at(),
            account: sms.account,
            priority: wishes.map(|wishes| wishes.priority).unwrap_or_default(),
            window: wishes.and_then(show_window),
            session,
            price: wishes.map_or(0, |wishes| wishes.price),
            minimum_age: wishes.and_then(|wishes| wishes.minimum_age),
            parameters: wishes.map_or_else(Vec::new, |wishes| wishes.parameters.clone()),
        }
    }
}

fn show_window(wishes: &Wishes) -> Option<SimWindow> {
    let window = wishes.window.as_ref()?;
    let hours = match window {
        Window::Daily { from, to, .. } => Some(format!("{from}-{to}")),
        Window::Stretch { .. } => None,
    };
    let (from, until) = window.parse()?.bounds();
    Some(SimWindow {
        from: from.timestamp(),
        until: until.map(|until| until.timestamp()),
        hours,
    })
}
