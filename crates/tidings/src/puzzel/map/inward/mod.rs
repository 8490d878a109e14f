//! What comes in at our server: the vendor's messages as neutral ones, and our refusals in the
//! vendor's codes.
//!
//! Used by `server/`. Every fault names the field by its path inside the message and repeats nothing
//! of its value. `content.rs` holds the rules of texts, `parameters.rs` those of the parameters,
//! `reference.rs` takes names of messages that are no names elsewhere.

mod content;
mod parameters;
mod reference;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tidings_core::{E164, Message, Priority, SenderId};

use self::parameters::Parameters;
use super::codes::{AGES, code};
use crate::backend::{Refusal, SessionWish, Submitted, Terms};
use crate::puzzel::{Dialect, wire};

pub(in crate::puzzel) use reference::{inside, is_unprintable, outside};

/// Norway's country calling code: sessions are for its subscribers, and its prices have rules.
const NORWAY: u16 = 47;

/// A message as the vendor's clients send it, as a neutral one with its terms.
///
/// # Errors
/// [`Refusal::Invalid`] naming the first field that is missing or wrong.
pub(in crate::puzzel) fn submitted(
    sent: &wire::Message,
    dialect: Dialect,
) -> Result<Submitted, Refusal> {
    let to = recipient(sent.recipient.as_ref())?;
    let written = sent.content.as_ref().map(|content| &content.0);
    let written = written.filter(|content| !content.is_empty());
    let written = written.ok_or_else(|| Refusal::invalid("content", "is missing"))?;
    let price = price(sent.price, &to)?;
    let nothing = wire::Settings::default();
    let settings = sent.settings.as_ref().unwrap_or(&nothing);
    let parameters = Parameters::read(settings.parameter.as_deref().unwrap_or_default())?;
    let text = content::read(written, settings, &parameters, dialect)?;

    let mut message = Message::new(to, text);
    message.from = originator(settings.originator_settings.as_ref())?;
    message.reference = match sent.client_reference.as_deref() {
        None | Some("") => None,
        Some(reference) => Some(inside(reference)?),
    };
    message.priority = priority(settings.priority, dialect)?;
    message.valid_for = validity(settings.validity, dialect)?;
    if message.from.is_some() && price > 0 {
        let fault = "goes only with a price of 0";
        return Err(Refusal::invalid("settings.originatorSettings", fault));
    }
    let terms = terms(sent, settings, parameters, price)?;
    check_session(&terms.session, &message)?;
    Ok(Submitted::new(message, terms))
}

/// The number of a phone, with its country code.
///
/// # Errors
/// [`Refusal::Invalid`] naming `recipient`.
fn recipient(written: Option<&wire::Phone>) -> Result<E164, Refusal> {
    let written = written.filter(|phone| !phone.0.trim().is_empty());
    let written = written.ok_or_else(|| Refusal::invalid("recipient", "is missing"))?;
    number(&written.0, "recipient")
}

/// Numbers that no plan has yet are taken: the vendor's own examples are such numbers.
fn number(written: &str, field: &'static str) -> Result<E164, Refusal> {
    E164::parse_possible(written, None).map_err(|_| {
        let fault = "must be a phone number with a plus and a country code";
        Refusal::invalid(field, fault)
    })
}

/// What the recipient pays. Prices in Norway are whole crowns from 1 to 1,000.
fn price(price: Option<wire::Integer>, to: &E164) -> Result<u32, Refusal> {
    const HIGHEST: i64 = 100_000;
    let price = price.map_or(0, |wire::Integer(price)| price);
    let is_right = match price {
        0 => true,
        1..=HIGHEST => to.calling_code() != NORWAY || price % 100 == 0,
        _ => false,
    };
    let price = u32::try_from(price).ok().filter(|_| is_right);
    price.ok_or_else(|| {
        let fault = "must be 0 to 100000 in the smallest unit, in Norway in steps of 100";
        Refusal::invalid("price", fault)
    })
}

/// The sender, in the form that its type names.
fn originator(sender: Option<&wire::OriginatorSettings>) -> Result<Option<SenderId>, Refusal> {
    const NAME: &str = "settings.originatorSettings.originator";
    const TYPE: &str = "settings.originatorSettings.originatorType";
    let Some(sender) = sender else {
        return Ok(None);
    };
    let (written, kind) = match (&sender.originator, &sender.originator_type) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(Refusal::invalid(NAME, "is missing")),
        (Some(_), None) => return Err(Refusal::invalid(TYPE, "is missing")),
        (Some(written), Some(kind)) => (written.0.trim(), kind.trim()),
    };
    if kind.eq_ignore_ascii_case("international") {
        return number(written, NAME).map(SenderId::International).map(Some);
    }
    let read = SenderId::parse(written);
    if kind.eq_ignore_ascii_case("alphanumeric") {
        let allowed = |sign: char| sign.is_ascii_alphanumeric() || " %&-+.,".contains(sign);
        let name = read.ok().filter(|_| written.chars().all(allowed));
        let name = name.filter(|name| matches!(name, SenderId::Alphanumeric(_)));
        let fault =
            "must be a name of 1 to 11 letters, digits, blanks and % & - + . , with a letter";
        return name.map(Some).ok_or_else(|| Refusal::invalid(NAME, fault));
    }
    if kind.eq_ignore_ascii_case("network") {
        let short = read
            .ok()
            .filter(|short| matches!(short, SenderId::ShortCode(_)));
        let fault = "must be a short number of 3 to 8 digits";
        return short.map(Some).ok_or_else(|| Refusal::invalid(NAME, fault));
    }
    let fault = "must be INTERNATIONAL, ALPHANUMERIC or NETWORK";
    Err(Refusal::invalid(TYPE, fault))
}

fn priority(priority: Option<wire::Integer>, dialect: Dialect) -> Result<Priority, Refusal> {
    let Some(wire::Integer(number)) = priority else {
        return Ok(Priority::default());
    };
    match (dialect, number) {
        (Dialect::V3, 1) | (Dialect::Manual, 3) => Ok(Priority::High),
        (_, 2) => Ok(Priority::Normal),
        (Dialect::V3, 3) | (Dialect::Manual, 1) => Ok(Priority::Low),
        _ => Err(Refusal::invalid("settings.priority", "must be 1, 2 or 3")),
    }
}

fn validity(
    validity: Option<wire::Integer>,
    dialect: Dialect,
) -> Result<Option<Duration>, Refusal> {
    let Some(wire::Integer(number)) = validity else {
        return Ok(None);
    };
    let field = "settings.validity";
    let minutes = match (dialect, number) {
        (Dialect::V3, 1..=10_080) => number,
        (Dialect::V3, _) => {
            let fault = "must be 1 to 10080, in minutes";
            return Err(Refusal::invalid(field, fault));
        }
        (Dialect::Manual, 0..=143) => (number + 1) * 5,
        (Dialect::Manual, 144..=167) => 12 * 60 + (number - 143) * 30,
        (Dialect::Manual, 168..=173) => (number - 166) * 24 * 60,
        (Dialect::Manual, _) => {
            let fault = "must be a step code of 0 to 173";
            return Err(Refusal::invalid(field, fault));
        }
    };
    Ok(Some(Duration::from_secs(minutes.unsigned_abs() * 60)))
}

/// What is asked for beside the message. What has no term of its own is kept among the parameters,
/// under the name of its field.
fn terms(
    sent: &wire::Message,
    settings: &wire::Settings,
    parameters: Parameters,
    price: u32,
) -> Result<Terms, Refusal> {
    let mut terms = Terms {
        price,
        minimum_age: age(settings.age, price)?,
        session: session(settings),
        without_report: parameters.without_report,
        parameters: parameters.kept,
    };
    let mut keep = |name: &str, value: Option<&String>| {
        let value = value.filter(|value| !value.is_empty());
        let kept = value.map(|value| (name.to_owned(), value.clone()));
        terms.parameters.extend(kept);
    };
    keep("priceXml", sent.price_xml.as_ref());
    keep("differentiator", settings.differentiator.as_ref());
    keep("invoiceNode", settings.invoice_node.as_ref());
    if let Some(goods) = &settings.gas_settings {
        let code = goods.service_code.as_ref().filter(|code| !code.is_empty());
        let is_code = |code: &&String| code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit());
        let described = goods.description.as_ref().filter(|text| !text.is_empty());
        if code.is_some_and(|code| !is_code(&code)) || (code.is_none() && described.is_some()) {
            let field = "settings.gasSettings.serviceCode";
            return Err(Refusal::invalid(field, "must be five digits"));
        }
        keep("gasSettings.serviceCode", code);
        keep("gasSettings.description", described);
    }
    Ok(terms)
}

fn age(age: Option<wire::Integer>, price: u32) -> Result<Option<u8>, Refusal> {
    let field = "settings.age";
    let age = age.map_or(0, |wire::Integer(age)| age);
    if !AGES.contains(&age) {
        return Err(Refusal::invalid(field, "must be 0, 16 or 18"));
    }
    if age > 0 && price == 0 {
        return Err(Refusal::invalid(field, "goes only with a price"));
    }
    Ok(u8::try_from(age).ok().filter(|age| *age > 0))
}

/// Whether a new session is wanted wins over which one is continued, as in the vendor's manual.
fn session(settings: &wire::Settings) -> SessionWish {
    match &settings.session_id {
        _ if settings.new_session == Some(wire::Flag(true)) => SessionWish::New,
        Some(id) if !id.is_empty() => SessionWish::Continue(id.clone()),
        _ => SessionWish::None,
    }
}

/// A phone answers a session by its short number, so it goes with no other kind of sender. Without a
/// sender the service's own is used, which the backend knows.
fn check_session(session: &SessionWish, message: &Message) -> Result<(), Refusal> {
    let field = match session {
        SessionWish::None => return Ok(()),
        SessionWish::New => "settings.newSession",
        SessionWish::Continue(_) => "settings.sessionId",
    };
    if !matches!(message.from, None | Some(SenderId::ShortCode(_))) {
        return Err(Refusal::invalid(
            field,
            "needs a sender of the type NETWORK",
        ));
    }
    if message.to.calling_code() != NORWAY {
        return Err(Refusal::invalid(field, "is for Norwegian recipients only"));
    }
    Ok(())
}

/// The status code that says a refusal of one message.
pub(in crate::puzzel) const fn status_code(refusal: &Refusal, dialect: Dialect) -> i64 {
    match (refusal, dialect) {
        (Refusal::Duplicate, _) => code::NOT_UNIQUE,
        (Refusal::RecipientQuota, _) => code::QUOTA_EXCEEDED,
        (Refusal::Unauthorized, _) => code::ACCESS_ERROR,
        (Refusal::RateLimited { .. } | Refusal::Unavailable { .. }, _) => failed(dialect),
        (_, Dialect::V3) => code::V3_REJECTED,
        (Refusal::Invalid { .. } | Refusal::NotFound { .. }, Dialect::Manual) => code::SYNTAX_ERROR,
        (
            Refusal::Forbidden { .. } | Refusal::InsufficientCredit | Refusal::Unsupported,
            Dialect::Manual,
        ) => code::ILLEGAL_ACTION,
    }
}

/// The status code of a message that this server failed over.
pub(in crate::puzzel) const fn failed(dialect: Dialect) -> i64 {
    match dialect {
        Dialect::V3 => code::V3_FAILED,
        Dialect::Manual => code::INTERNAL_ERROR,
    }
}
