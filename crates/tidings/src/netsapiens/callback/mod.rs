//! Events: what a NetSapiens server posts to its subscribers, read by whoever receives it and made
//! by whoever stands in for the server.
//!
//! A subscription for the model `message` has each message posted, one for `messagesession` each
//! change of a message session: a new message, or that one was read. With both, one text from a phone
//! is told twice, about a second apart and in either order; what was sent from here is told too.
//!
//! - [`read()`] reads a post into the vendor's own fields, in both spellings of its names.
//! - [`EventMemory`] tells a new text from a repetition, an echo of one's own and a mark that
//!   something was read.
//! - [`parse`] reads a post into neutral words, for programs that do not care which provider it is.
//!   It keeps nothing between two posts, and needs to: only the `message` model brings
//!   [`Callback::Inbound`], under the message's id.
//! - [`write()`] and [`emit`] are the reverse.
//!
//! # How to answer
//!
//! Any status up to 302 counts as taken. A post that fails is counted against the subscription and,
//! as far as is known, not made again. So store first, answer at once, and work afterwards. When some
//! objects of a post cannot be read, what can is given beside the faults; apply it.
//!
//! The server does not sign what it posts. Put a secret into the query of the address that is
//! subscribed and refuse posts without it; `X-Correlation-ID` holds the subscription's id on some
//! servers and a random value on others, see [`correlation_id`].
//!
//! ```
//! use std::sync::Arc;
//! use tidings::SystemClock;
//! use tidings::netsapiens::callback::{EventMemory, Recognised, read};
//!
//! let message = br#"[{"id":"m-1","type":"sms","domain":"example.test","direction":"orig",
//!   "from_num":"15550101234","dialed":"15550109876","text":"hello","session_id":"s1"}]"#;
//! let session = br#"[{"user":"200","domain":"example.test","session_id":"s1",
//!   "remote":"15550101234","smsani":"15550109876","last_mesg":"hello","last_mesg_type":"sms",
//!   "last_sender":"15550101234","last_status":"unread"}]"#;
//!
//! let mut memory = EventMemory::new(Arc::new(SystemClock::new()));
//! let first = memory.recognise(&read(message)?.events[0]);
//! let second = memory.recognise(&read(session)?.events[0]);
//! assert_eq!((first, second), (Recognised::New, Recognised::Repeated));
//! # Ok::<(), tidings::callback::CallbackError>(())
//! ```

mod events;
mod memory;
mod neutral;
mod read;
mod write;

use std::fmt;
use std::str::FromStr;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};

use super::setting;
use crate::callback::{Callback, CallbackError, CallbackRequest};
use crate::provider::Account;

pub use events::{Event, MessageEvent, OtherEvent, SessionEvent, Way};
pub use memory::{EventMemory, Recognised};
pub use write::write;

/// The header with which the server says for which subscription a post is.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// How the server spells the names in its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Spelling {
    /// The names of the older API, such as `from_num`: what servers of version 44 are seen to post.
    #[default]
    Underscore,
    /// The names of the lists of this API, such as `from-number`, as its documents have it.
    Kebab,
}

impl Spelling {
    /// The word in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Underscore => "underscore",
            Self::Kebab => "kebab",
        }
    }

    /// What an account's setting [`event_keys`](setting::EVENT_KEYS) names; underscores where it
    /// names none that there is.
    pub fn of(account: &Account) -> Self {
        let word = account.setting(setting::EVENT_KEYS);
        word.and_then(|word| word.parse().ok()).unwrap_or_default()
    }
}

impl FromStr for Spelling {
    type Err = UnknownSpelling;

    fn from_str(word: &str) -> Result<Self, UnknownSpelling> {
        let spellings = [Self::Underscore, Self::Kebab];
        let found = spellings
            .into_iter()
            .find(|spelling| word.trim().eq_ignore_ascii_case(spelling.as_str()));
        found.ok_or(UnknownSpelling)
    }
}

/// A word is none of the spellings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownSpelling;

impl fmt::Display for UnknownSpelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected underscore or kebab")
    }
}

impl std::error::Error for UnknownSpelling {}

/// What a post holds, in the vendor's own fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Received {
    /// What could be read.
    pub events: Vec<Event>,
    /// Objects that cannot be read, each with the field that is wrong.
    pub unreadable: Vec<Unreadable>,
}

/// An object of a post, or a field of it, cannot be read. Repeats nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// Where, such as `[3].session_id`.
    pub at: String,
    /// What is wrong, as a clause that follows the place.
    pub fault: &'static str,
}

impl Unreadable {
    fn new(at: impl Into<String>, fault: &'static str) -> Self {
        Self {
            at: at.into(),
            fault,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.fault)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a post's body into the vendor's own fields.
///
/// The body is a list of objects, or one object without the brackets. Both spellings of the names are
/// understood, also mixed; values may be texts or numbers. Names that are not known are passed over.
/// An object that is neither a message nor a session is kept as it is.
///
/// # Errors
/// [`CallbackError`] when the body as a whole has no such form. Single objects that cannot be read
/// are in [`Received::unreadable`].
pub fn read(body: &[u8]) -> Result<Received, CallbackError> {
    let mut received = Received::default();
    for object in read::objects(body).map_err(CallbackError::new)? {
        match object {
            Ok(event) => received.events.push(event),
            Err(fault) => received.unreadable.push(fault),
        }
    }
    Ok(received)
}

/// Reads a post in neutral words: as [`read()`] does, and translated as
/// [`MessageEvent::to_neutral`] and [`SessionEvent::to_neutral`] say. Events of other models have no
/// neutral words and are passed over.
///
/// # Errors
/// [`CallbackError`] naming the first field that cannot be read. It holds everything else that the
/// post tells.
pub fn parse(request: &CallbackRequest) -> Result<Vec<Callback>, CallbackError> {
    if request.method != Method::POST {
        return Err(CallbackError::new("is no POST"));
    }
    let objects = read::objects(&request.body).map_err(CallbackError::new)?;
    let mut callbacks = Vec::with_capacity(objects.len());
    let mut faults = Vec::new();
    for (place, object) in objects.into_iter().enumerate() {
        let told = object.and_then(|event| match event {
            Event::Message(message) => message.to_neutral().map_err(|fault| fault.inside(place)),
            Event::Session(session) => Ok(vec![session.to_neutral()]),
            Event::Other(_) => Ok(Vec::new()),
        });
        match told {
            Ok(told) => callbacks.extend(told),
            Err(fault) => faults.push(fault),
        }
    }
    let Some(first) = faults.first() else {
        return Ok(callbacks);
    };
    let fault = match faults.len() {
        1 => format!("cannot be read: {first}"),
        n_faults => format!("has {n_faults} objects that cannot be read; the first: {first}"),
    };
    Err(CallbackError::new(fault).with_readable(callbacks))
}

impl Unreadable {
    /// The same fault, seen from the post that the object is in.
    fn inside(self, place: usize) -> Self {
        Self {
            at: format!("[{place}].{}", self.at),
            ..self
        }
    }
}

/// What the server says about which subscription a post is for: its id on some servers, a random
/// value on others. A caller that knows the ids of its subscriptions can require one of them where
/// the server is of the first kind; it is no proof of who posts unless the id is kept secret.
pub fn correlation_id(request: &CallbackRequest) -> Option<&str> {
    let value = request.headers.get(&CORRELATION_ID)?;
    value.to_str().ok()
}

/// Makes the post that the server makes for one subscription in one round, or none if nothing of
/// what happened is of its model.
///
/// The account's settings say for which subscription ([`subscription_id`](setting::SUBSCRIPTION_ID)),
/// which model ([`event_model`](setting::EVENT_MODEL), `message` by default), how names are
/// spelt ([`event_keys`](setting::EVENT_KEYS)) and what `X-Correlation-ID` holds
/// ([`correlation`](setting::CORRELATION)). The random value is made of the subscription and
/// the body, so that the same round is posted the same way again.
pub fn emit(account: &Account, callbacks: &[Callback]) -> Vec<CallbackRequest> {
    let subscriber = neutral::Subscriber::of(account);
    let events = subscriber.events(callbacks);
    if events.is_empty() {
        return Vec::new();
    }
    let mut request = write(subscriber.spelling(), &events);
    let subscription = account.setting(setting::SUBSCRIPTION_ID);
    add_correlation(
        &mut request.headers,
        &request.body,
        subscription.unwrap_or_default(),
        account.setting(setting::CORRELATION) == Some("random"),
    );
    vec![request]
}

fn add_correlation(headers: &mut HeaderMap, body: &[u8], subscription: &str, is_random: bool) {
    let value = if is_random {
        format!("{:032x}", fingerprint(&[subscription.as_bytes(), body]))
    } else {
        subscription.to_owned()
    };
    if value.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(CORRELATION_ID, value);
    }
}

/// FNV-1a of 128 bits over all parts and where they end.
fn fingerprint(parts: &[&[u8]]) -> u128 {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mix = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    parts.iter().fold(OFFSET_BASIS, |hash, part| {
        let length = (part.len() as u64).to_le_bytes();
        let hash = length.into_iter().fold(hash, mix);
        part.iter().copied().fold(hash, mix)
    })
}
