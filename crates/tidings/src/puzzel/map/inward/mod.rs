//! What comes in at our server: the vendor's messages as neutral ones, and our refusals in the
//! vendor's codes.
//!
//! Used by `server/`. Every fault names the field by its path inside the message and repeats nothing
//! of its value. `content.rs` holds the rules of texts, `parameters.rs` those of the parameters.

mod content;
mod parameters;

use tidings_core::{E164, Message, SenderId};

use self::parameters::Parameters;
use super::codes::{AGES, code};
use super::{
    FieldFault, field, read_priority, read_recipient, read_sender, read_validity, read_window,
    reference,
};
use crate::backend::{Refusal, SessionWish, Submitted, Terms};
use crate::puzzel::{Dialect, wire};

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
    let to = sent.recipient.as_ref().map(|phone| phone.0.trim());
    let to = to
        .filter(|to| !to.is_empty())
        .ok_or_else(|| missing(field::RECIPIENT))?;
    let to = read_recipient(to)?;
    let written = sent.content.as_ref().map(|content| &content.0);
    let written = written.filter(|content| !content.is_empty());
    let written = written.ok_or_else(|| missing(field::CONTENT))?;
    let price = price(sent.price, &to)?;
    let nothing = wire::Settings::default();
    let settings = sent.settings.as_ref().unwrap_or(&nothing);
    let parameters = Parameters::read(settings.parameter.as_deref().unwrap_or_default())?;
    let text = content::read(written, settings, &parameters, dialect)?;

    let mut message = Message::new(to, text);
    message.from = sender(settings)?;
    message.reference = match sent.client_reference.as_deref() {
        None | Some("") => None,
        Some(reference) => Some(reference::keep(reference)?),
    };
    if let Some(wire::Integer(number)) = settings.priority {
        message.priority = read_priority(dialect, number)?;
    }
    if let Some(wire::Integer(number)) = settings.validity {
        message.valid_for = Some(read_validity(dialect, number)?);
    }
    message.window = settings.send_window.as_ref().map(read_window).transpose()?;
    let is_own_number = matches!(message.from, None | Some(SenderId::ShortCode(_)));
    if price > 0 && !is_own_number {
        let fault = "must be NETWORK when the message has a price";
        return Err(Refusal::invalid(field::ORIGINATOR_TYPE, fault));
    }
    let terms = terms(sent, settings, parameters, price)?;
    check_session(&terms.session, &message)?;
    Ok(Submitted::new(message, terms))
}

/// What the recipient pays. Prices in Norway are whole crowns from 1 to 1,000.
fn price(price: Option<wire::Integer>, to: &E164) -> Result<u32, Refusal> {
    const HIGHEST_IN_NORWAY: i32 = 100_000;
    let price = price.map_or(0, |wire::Integer(price)| price);
    let price = i32::try_from(price).ok().filter(|price| *price >= 0);
    let price = price.ok_or_else(|| Refusal::invalid(field::PRICE, "must be 0 or a price"))?;
    let is_norwegian_price = price <= HIGHEST_IN_NORWAY && price % 100 == 0;
    if to.calling_code() == NORWAY && !is_norwegian_price {
        let fault = "must be 0, or 100 to 100000 in steps of 100";
        return Err(Refusal::invalid(field::PRICE, fault));
    }
    Ok(price.unsigned_abs())
}

/// The sender; `None` where neither field of it is there.
fn sender(settings: &wire::Settings) -> Result<Option<SenderId>, Refusal> {
    let written = settings.originator_settings.as_ref();
    let nothing = wire::OriginatorSettings::default();
    let written = written.filter(|written| **written != nothing);
    Ok(written.map(read_sender).transpose()?)
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
            return Err(Refusal::invalid(field::SERVICE_CODE, "must be five digits"));
        }
        keep("gasSettings.serviceCode", code);
        keep("gasSettings.description", described);
    }
    Ok(terms)
}

fn age(age: Option<wire::Integer>, price: u32) -> Result<Option<u8>, Refusal> {
    let field = field::AGE;
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
    let place = match session {
        SessionWish::None => return Ok(()),
        SessionWish::New => field::NEW_SESSION,
        SessionWish::Continue(_) => field::SESSION_ID,
    };
    if !matches!(message.from, None | Some(SenderId::ShortCode(_))) {
        let fault = "must be NETWORK in a session";
        return Err(Refusal::invalid(field::ORIGINATOR_TYPE, fault));
    }
    if message.to.calling_code() != NORWAY {
        return Err(Refusal::invalid(place, "is for Norwegian recipients only"));
    }
    Ok(())
}

impl From<FieldFault> for Refusal {
    fn from(FieldFault { field, fault }: FieldFault) -> Self {
        Self::invalid(field, fault)
    }
}

fn missing(field: &'static str) -> Refusal {
    Refusal::invalid(field, "is missing")
}

/// The status code that says a refusal of one message.
pub(in crate::puzzel) const fn status_code(refusal: &Refusal, dialect: Dialect) -> i64 {
    match (refusal, dialect) {
        (Refusal::Duplicate, _) => code::NOT_UNIQUE,
        (Refusal::RecipientQuota, _) => code::QUOTA_EXCEEDED,
        (Refusal::Unauthorized | Refusal::Expired, _) => code::ACCESS_ERROR,
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
