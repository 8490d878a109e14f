//! What callers of the server write, in the words of the backend: numbers, times, and the vendor's
//! words for kinds, scopes and models. Pure functions; each fault is a clause that follows the name of
//! the field and repeats nothing of the value.

use tidings_core::{E164, Media, MediaError};

use super::number;
use crate::backend::{Recipient, Refusal, Rights};

/// The shortest id of a session that a sender may name.
pub(in crate::netsapiens) const MIN_SESSION_ID_LENGTH: usize = 32;
const MAX_SESSION_ID_LENGTH: usize = 255;

/// What a message is, by the vendor's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::netsapiens) struct Kind {
    /// The word.
    pub(in crate::netsapiens) word: &'static str,
    /// Whether it goes to phones, from a number of ours.
    pub(in crate::netsapiens) is_to_phones: bool,
    /// Whether a file goes with it.
    pub(in crate::netsapiens) has_media: bool,
}

const fn kind(word: &'static str, is_to_phones: bool, has_media: bool) -> Kind {
    Kind {
        word,
        is_to_phones,
        has_media,
    }
}

/// Every kind that the vendor's descriptions name.
const KINDS: [Kind; 10] = [
    kind("chat", false, false),
    kind("sms", true, false),
    kind("mms", true, true),
    kind("chat-media", false, true),
    kind("chat-video", false, false),
    kind("chat-video-invite", false, false),
    kind("chat-name-change", false, false),
    kind("chat-participant-add", false, false),
    kind("chat-participant-remove", false, false),
    kind("chat-participant-leave", false, false),
];

/// Reads what a message is.
///
/// # Errors
/// A clause that follows `type`.
pub(in crate::netsapiens) fn read_kind(word: &str) -> Result<Kind, String> {
    let found = KINDS.iter().find(|kind| kind.word == word);
    found.copied().ok_or_else(|| {
        let words = KINDS.map(|kind| kind.word);
        format!("must be one of {}", words.join(", "))
    })
}

/// Reads a phone number as [`number::from_wire`] does, if nothing stands in it but digits and a plus
/// before them: of what people write for people the vendor's servers are not known to take anything.
///
/// # Errors
/// A clause that follows the name of the field.
pub(in crate::netsapiens) fn read_number(written: &str) -> Result<E164, &'static str> {
    let fault = "must be a phone number: digits with country code, such as 15550101234";
    let written = written.trim();
    let digits = written.strip_prefix('+').unwrap_or(written);
    let is_bare = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_bare.then(|| number::from_wire(written)).flatten();
    number.ok_or(fault)
}

/// Reads for whom a message of a kind is.
///
/// # Errors
/// A clause that follows `destination`.
pub(in crate::netsapiens) fn read_recipient(
    kind: Kind,
    written: &str,
) -> Result<Recipient, &'static str> {
    if kind.is_to_phones {
        return read_number(written).map(Recipient::Phone);
    }
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|letter| !letter.is_whitespace() && letter != '@' && letter != ',')
    };
    let is_user = match written.split_once('@') {
        Some((user, domain)) => is_name(user) && is_name(domain),
        None => is_name(written),
    };
    if is_user {
        Ok(Recipient::User(written.to_owned()))
    } else {
        Err("must be an extension, or user@domain")
    }
}

/// Checks the id of a session that a sender names.
///
/// # Errors
/// A clause that follows `messagesession`.
pub(in crate::netsapiens) fn check_session_id(id: &str) -> Result<(), String> {
    let is_fine = (MIN_SESSION_ID_LENGTH..=MAX_SESSION_ID_LENGTH).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_fine {
        return Ok(());
    }
    Err(format!(
        "must be {MIN_SESSION_ID_LENGTH} to {MAX_SESSION_ID_LENGTH} letters, digits and underscores"
    ))
}

/// Takes a file with its MIME type, and its size where the sender says it.
///
/// # Errors
/// The name of the field, and a clause that follows it.
pub(in crate::netsapiens) fn read_media(
    content: Vec<u8>,
    mime_type: &str,
    size: Option<u64>,
) -> Result<Media, (&'static str, String)> {
    let n_bytes = content.len();
    if size.is_some_and(|size| usize::try_from(size) != Ok(n_bytes)) {
        return Err(("size", format!("is not that of data, {n_bytes} bytes")));
    }
    Media::new(mime_type, content).map_err(|error| {
        let field = match error {
            MediaError::Empty => "data",
            _ => "mime-type",
        };
        (field, format!("is not right: {error}"))
    })
}

/// The vendor's word for how far rights go.
pub(in crate::netsapiens) fn scope(rights: Rights) -> &'static str {
    match rights {
        Rights::User => "Basic User",
        Rights::Domain => "Office Manager",
        Rights::Reseller => "Reseller",
        Rights::System => "Super User",
    }
}

/// The name on the wire of what a backend found wrong with a message.
pub(in crate::netsapiens) fn post_field(refusal: Refusal) -> Refusal {
    renamed(
        refusal,
        &[
            ("conversation", "messagesession"),
            ("kind", "type"),
            ("text", "message"),
            ("to", "destination"),
            ("from", "from-number"),
            ("sender", "from-number"),
            ("media", "data"),
        ],
    )
}

/// The name on the wire of what a backend found wrong with a subscription.
pub(in crate::netsapiens) fn subscription_field(refusal: Refusal) -> Refusal {
    renamed(
        refusal,
        &[
            ("events", "model"),
            ("url", "post-url"),
            ("scope", "user-scope"),
            ("expires_at", "subscription-expires-datetime"),
            ("fails_over", "subscription-geo-support"),
            ("preferred_server", "preferred-server"),
        ],
    )
}

/// The name on the wire of what a backend found wrong with a number of ours.
pub(in crate::netsapiens) fn number_field(refusal: Refusal) -> Refusal {
    renamed(refusal, &[("owner", "dest")])
}

/// The name on the wire of what a backend found wrong with a call.
pub(in crate::netsapiens) fn call_field(refusal: Refusal) -> Refusal {
    renamed(
        refusal,
        &[
            ("id", "call-id"),
            ("from", "call-orig-user"),
            ("to", "call-term-user"),
            ("caller_id", "caller-id-number"),
            ("auto_answer", "auto-answer-enabled"),
        ],
    )
}

/// The name on the wire of what a backend found wrong with a change of a session.
pub(in crate::netsapiens) fn change_field(refusal: Refusal) -> Refusal {
    renamed(
        refusal,
        &[
            ("name", "session-name"),
            ("read", "messagesession-last-status"),
        ],
    )
}

fn renamed(refusal: Refusal, names: &[(&str, &'static str)]) -> Refusal {
    match refusal {
        Refusal::Invalid { field, fault } => {
            let name = names.iter().find(|(ours, _)| *ours == field);
            Refusal::Invalid {
                field: name.map_or(field, |(_, theirs)| theirs),
                fault,
            }
        }
        other => other,
    }
}
