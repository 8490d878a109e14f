//! Texts from phones: whose they are, which conversation they belong to, and what they ask for.
//!
//! Called by [`crate::reports::hear`] with what providers tell. A text that asks to be left alone stops
//! its number for the account before the text itself is kept, so that after a crash the provider's
//! second telling stops it all the same. It calls no provider but for files ([`files`]), after the text was
//! kept; a confirmation goes through intake.

mod confirmation;
mod conversations;
pub mod files;
mod owner;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidings::conversations::StoredMedia;
use tidings::{E164, InboundMessage};
use tidings_store::{AccountId, InboundFile, InboundId, LaneId, OptOut, StoreError, StoredInbound};

use crate::gateway::Gateway;
use owner::{Owner, Owners};
use words::Wish;

pub use conversations::{conversation_of, follow};

/// What a provider tells of the files of texts, by its ids of the texts.
pub type ToldFiles = HashMap<String, StoredMedia>;

/// Keeps texts that phones sent over a lane, each once, and does what they ask for. How many are new.
pub async fn take(
    gateway: &Gateway,
    lane: &LaneId,
    texts: Vec<InboundMessage>,
) -> Result<usize, StoreError> {
    take_with_files(gateway, lane, texts, &ToldFiles::new()).await
}

/// The same, where files came with some of the texts.
pub async fn take_with_files(
    gateway: &Gateway,
    lane: &LaneId,
    texts: Vec<InboundMessage>,
    files: &ToldFiles,
) -> Result<usize, StoreError> {
    if texts.is_empty() {
        return Ok(0);
    }
    let mut owners = Owners::new(gateway, lane);
    let mut received = Vec::with_capacity(texts.len());
    for text in texts {
        let file = files.get(&text.id);
        let file = file.map(|file| Box::new(file_told(file, &text)));
        let mut read = Received::read(gateway, lane, text, &mut owners).await?;
        read.row.file = file;
        received.push(read);
    }
    for text in &received {
        text.leave_alone(gateway).await?;
    }
    let rows = received.iter().map(|text| text.row.clone()).collect();
    let is_new = gateway.store().add_inbound(rows, gateway.now()).await?;
    welcome_back(gateway, &received, &is_new).await?;
    count(lane, &received, &is_new);
    gateway.signals().happened();
    let new = received.iter().zip(&is_new).filter(|(_, is_new)| **is_new);
    for (text, _) in new.filter(|(text, _)| text.row.file.is_some()) {
        files::fetch_later(gateway, text.row.id);
    }
    Ok(is_new.into_iter().filter(|is_new| *is_new).count())
}

/// Lets numbers be written to again whose latest new text asks for it, and those that were stopped just
/// now by a text that had been told before: whatever it asked for was done then, and its phone may have
/// thought better of it since. Of a phone that wrote twice in one call, the last word counts.
async fn welcome_back(
    gateway: &Gateway,
    received: &[Received],
    is_new: &[bool],
) -> Result<(), StoreError> {
    let texts = || received.iter().zip(is_new);
    let new_stops = texts().filter(|(text, is_new)| **is_new && text.wish == Some(Wish::OptOut));
    let new_stops: HashSet<_> = new_stops.filter_map(|(text, _)| text.key()).collect();
    let mut has_stopped_since = HashSet::new();
    for (text, is_new) in texts().rev() {
        let Some((account, phone)) = text.key() else {
            continue;
        };
        let key = (account, phone);
        let is_welcome = match text.wish {
            Some(Wish::OptOut) if *is_new => {
                has_stopped_since.insert(key);
                false
            }
            Some(Wish::OptOut) => !text.had_opted_out && !new_stops.contains(&key),
            Some(Wish::OptIn) => *is_new && !has_stopped_since.contains(&key),
            _ => false,
        };
        if is_welcome {
            let removed = gateway
                .store()
                .remove_opt_outs(account, phone, gateway.now());
            removed.await?;
        }
    }
    Ok(())
}

/// A text with all that was found out about it.
struct Received {
    row: StoredInbound,
    phone: Option<E164>,
    owner: Arc<Owner>,
    wish: Option<Wish>,
    word: Option<String>,
    had_opted_out: bool,
}

impl Received {
    /// Whose texts to whom it is about; `None` for a sender that is no number.
    fn key(&self) -> Option<(&AccountId, &E164)> {
        Some((&self.row.account, self.phone.as_ref()?))
    }

    async fn read(
        gateway: &Gateway,
        lane: &LaneId,
        text: InboundMessage,
        owners: &mut Owners<'_>,
    ) -> Result<Self, StoreError> {
        let region = gateway.live().config.sending.region;
        let phone = E164::parse_possible(&text.from, region).ok();
        let ours = E164::parse_possible(&text.to, region).ok();
        let owner = owners.of(phone.as_ref()).await?;
        let had_opted_out = match &phone {
            Some(phone) => {
                let found = gateway
                    .store()
                    .opted_out(&owner.customer.id, None, std::slice::from_ref(phone))
                    .await?;
                found.first().copied().unwrap_or_default()
            }
            None => false,
        };
        let asked = words::wish_of(&text.text, &owner.customer.settings);
        let (wish, word) = match asked {
            // Who has not opted out says yes to something else.
            Some((Wish::OptInOrYes, _)) if !had_opted_out => (None, None),
            Some((Wish::OptInOrYes, word)) => (Some(Wish::OptIn), Some(word)),
            Some((wish, word)) => (Some(wish), Some(word)),
            None => (None, None),
        };
        let written = |number: &Option<E164>, text: &str| -> Arc<str> {
            number.as_ref().map_or(text, E164::as_str).into()
        };
        let from = written(&phone, &text.from);
        let to = written(&ours, &text.to);
        let conversation = match (&owner.conversation, &text.session) {
            (Some(kept), _) => kept.clone(),
            (None, Some(session)) if !session.is_empty() => session.as_str().into(),
            (None, _) => conversation_of(&to, &from),
        };
        let row = StoredInbound {
            id: InboundId(gateway.new_id()),
            account: owner.customer.id.clone(),
            lane: lane.clone(),
            provider_id: text.id.into(),
            from,
            to,
            text: text.text,
            conversation,
            keyword: text.keyword.map(Into::into),
            asks_for: wish.map(|wish| wish.as_str().into()),
            their_time: text.received_at,
            received_at: gateway.now(),
            file: None,
        };
        Ok(Self {
            row,
            phone,
            owner,
            wish,
            word,
            had_opted_out,
        })
    }

    /// Stops the number for the account, if the text asks for that.
    async fn leave_alone(&self, gateway: &Gateway) -> Result<(), StoreError> {
        let (Some(phone), Some(Wish::OptOut)) = (self.phone, self.wish) else {
            return Ok(());
        };
        if self.had_opted_out {
            return Ok(());
        }
        let opt_out = OptOut {
            phone,
            sender: None,
            source: "inbound".into(),
            word: self.word.as_deref().map(Into::into),
            since: gateway.now(),
        };
        let customer = &self.owner.customer;
        confirmation::send(gateway, customer, &self.row, phone).await?;
        let added = gateway
            .store()
            .add_opt_outs(&customer.id, vec![opt_out], gateway.now());
        added.await?;
        Ok(())
    }
}

fn file_told(told: &StoredMedia, text: &InboundMessage) -> InboundFile {
    InboundFile {
        mime_type: told.mime_type.as_str().into(),
        bytes: told.bytes,
        session: text.session.as_deref().unwrap_or_default().into(),
    }
}

fn count(lane: &LaneId, received: &[Received], is_new: &[bool]) {
    for (text, is_new) in received.iter().zip(is_new) {
        if *is_new {
            let asks_for = text.wish.map_or("nothing", Wish::as_str);
            metrics::counter!("tidings_inbound_total", "lane" => lane.as_str().to_owned(), "asks_for" => asks_for)
                .increment(1);
        }
    }
}
