//! What a behaviour needs of a provider: conditions on its registration, each with the words for a
//! provider that does not meet it.
//!
//! Named in the tables below `provider`. Conditions are about capabilities, never about which provider
//! it is.

use tidings::ProviderSpec;

use crate::context::Place;

/// A condition on a provider, or that its client talks to the carrier itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    is_met: fn(&ProviderSpec) -> bool,
    is_direct: bool,
    /// What is said of a provider that does not meet it.
    pub(crate) otherwise: &'static str,
}

impl Need {
    const fn new(is_met: fn(&ProviderSpec) -> bool, otherwise: &'static str) -> Self {
        Self {
            is_met,
            is_direct: false,
            otherwise,
        }
    }

    /// No gateway may stand between client and carrier; why, as what is said of a gateway.
    pub(crate) const fn direct(otherwise: &'static str) -> Self {
        Self {
            is_met: |_| true,
            is_direct: true,
            otherwise,
        }
    }

    pub(crate) fn is_met(&self, spec: &ProviderSpec, place: Place) -> bool {
        (self.is_met)(spec) && !(self.is_direct && place == Place::Gateway)
    }
}

// ---- who is talked to ----

pub(crate) const VERDICT: Need =
    Need::direct("a gateway takes a message before its carrier says anything of it");
pub(crate) const CALLS: Need =
    Need::direct("the calls that a carrier sees behind a gateway are the gateway's own");
pub(crate) const IDS: Need =
    Need::direct("behind a gateway the carrier has a message under another name");
pub(crate) const CLOCK: Need = Need::direct("what waits, waits in the gateway, by its own clock");
pub(crate) const FAULTS: Need =
    Need::direct("the faults are the carrier's, and a gateway answers in its place");
pub(crate) const BOOKS: Need =
    Need::direct("numbers of an account of a gateway's are given with its key, not by calls");
pub(crate) const PHONES_ONLY: Need = Need::direct(
    "a gateway has phones on the other side only: no users, no names of conversations",
);

// ---- what is sent ----

pub(crate) const BULK: Need = Need::new(
    |it| it.capabilities.max_messages_per_call > 1,
    "one call carries one message",
);
pub(crate) const MIXED_TEXTS: Need = Need::new(
    |it| it.capabilities.mixed_texts_per_call,
    "the messages of a call have one text",
);
pub(crate) const ONE_TEXT_PER_CALL: Need = Need::new(
    |it| it.capabilities.max_messages_per_call > 1 && !it.capabilities.mixed_texts_per_call,
    "the messages of a call may differ",
);
pub(crate) const FREE_SENDER: Need = Need::new(
    |it| !it.capabilities.numbers,
    "texts go out from numbers of the account's own",
);
pub(crate) const OWN_SENDER: Need =
    Need::new(|it| it.capabilities.numbers, "messages may name any sender");
pub(crate) const SENDER_NEEDED: Need = Need::new(
    |it| !it.capabilities.sender_optional,
    "a message may be without a sender",
);
pub(crate) const SENDER_OPTIONAL: Need = Need::new(
    |it| it.capabilities.sender_optional,
    "a message needs a sender",
);
pub(crate) const SOME_COUNTRIES: Need = Need::new(
    |it| !it.capabilities.calling_codes.is_empty(),
    "every country is served",
);
pub(crate) const ALL_COUNTRIES: Need = Need::new(
    |it| it.capabilities.calling_codes.is_empty(),
    "only some countries are served",
);
pub(crate) const CHARACTER_LIMIT: Need = Need::new(
    |it| it.capabilities.max_characters.is_some(),
    "only parts are limited",
);
pub(crate) const MEDIA: Need = Need::new(
    |it| it.capabilities.max_media_bytes.is_some(),
    "no files can be sent",
);
pub(crate) const TEXTS_ONLY: Need = Need::new(
    |it| it.capabilities.max_media_bytes.is_none(),
    "files can be sent",
);
pub(crate) const WINDOW: Need = Need::new(
    |it| it.capabilities.send_window,
    "no message can wait for its time",
);
pub(crate) const NO_WINDOW: Need = Need::new(
    |it| !it.capabilities.send_window,
    "messages can wait for their time",
);

// ---- what is asked ----

pub(crate) const STATUS: Need = Need::new(
    |it| it.capabilities.status,
    "nobody can ask how far a message has come",
);
pub(crate) const NO_STATUS: Need = Need::new(
    |it| !it.capabilities.status,
    "one can ask how far a message has come",
);
/// Beside [`STATUS`]: asking tells the end.
pub(crate) const TELLS_DELIVERY: Need = Need::new(
    |it| it.capabilities.tells_delivery,
    "what becomes of a message in the end is not told",
);
pub(crate) const RECONCILE: Need = Need::new(
    |it| it.capabilities.reconcile,
    "a lost answer cannot be found out",
);
pub(crate) const NO_RECONCILE: Need = Need::new(
    |it| !it.capabilities.reconcile,
    "a lost answer can be found out",
);
pub(crate) const CANCEL: Need = Need::new(|it| it.capabilities.cancel, "no message can be stopped");
pub(crate) const NO_CANCEL: Need =
    Need::new(|it| !it.capabilities.cancel, "messages can be stopped");
pub(crate) const BALANCE: Need = Need::new(|it| it.capabilities.balance, "there is no balance");
pub(crate) const NO_BALANCE: Need = Need::new(|it| !it.capabilities.balance, "there is a balance");

// ---- what is told ----

pub(crate) const REPORTS: Need = Need::new(
    |it| it.capabilities.reports,
    "the customer is not told what becomes of messages",
);
/// The provider calls its customer's server for whatever reason.
pub(crate) const CALLBACKS: Need = Need::new(
    |it| it.parse_callback.is_some() && it.emit_callback.is_some(),
    "the customer's server is never called",
);

// ---- areas ----

pub(crate) const ADDRESS_BOOK: Need = Need::new(
    |it| it.capabilities.address_book,
    "there is no address book",
);
pub(crate) const BATCHES: Need = Need::new(|it| it.capabilities.batches, "no batches can be seen");
pub(crate) const CONVERSATIONS: Need = Need::new(
    |it| it.capabilities.conversations,
    "no conversations are kept",
);
pub(crate) const SUBSCRIPTIONS: Need = Need::new(
    |it| it.capabilities.subscriptions,
    "nothing can be subscribed to",
);
pub(crate) const NUMBERS: Need = Need::new(
    |it| it.capabilities.numbers,
    "no numbers of the account's own are kept",
);
