//! The last look at a message before it leaves: whether Puzzel can take it, and its form on the wire.
//!
//! Called by `client.rs` for every message, and by programs that want to know beforehand. It sends
//! nothing. What the service's own settings decide is not known here and not guessed.

use std::collections::HashSet;
use std::sync::Arc;

use tidings_core::E164;
use tidings_core::text::{self, Encoding as Alphabet, Policy};

use super::encoding::Encoding;
use super::map::codes::{self, key};
use super::map::{self, FieldFault, OriginatorType, field};
use super::message::{Message, Recipient};
use super::settings::{
    Age, GasSettings, OriginatorSettings, PrioritySetting, SendWindow, Session, Settings,
    ValiditySetting,
};
use super::wire;
use super::{Dialect, MAX_BINARY_DIGITS, MAX_CHARACTERS, MAX_PARTS};

const NORWAY: u16 = 47;

impl Message {
    /// The message as it goes over the wire in a dialect and a form, if Puzzel can take it.
    ///
    /// # Errors
    /// [`FieldFault`] naming the first field that is wrong:
    ///
    /// - `recipient` has no country code, or is no number;
    /// - `content` is empty or too long: 1,600 characters in [`Dialect::V3`], six parts (918 units of
    ///   the GSM alphabet or 402 of UCS-2) in [`Dialect::Manual`];
    /// - `price` for a Norwegian phone is not 100 to 100,000 in steps of 100;
    /// - the originator has not the form of its kind, or there is one though there is a price, or it
    ///   is not a short number though there is a session;
    /// - `age` is 16 or 18 and there is no price;
    /// - a session is for a phone outside Norway, or continues one without an id;
    /// - the send window cannot be said (see [`map::write_window`]) or ends before it begins;
    /// - `serviceCode` has not five digits; a parameter has not the form of its key.
    pub fn to_wire(
        &self,
        dialect: Dialect,
        encoding: Encoding,
    ) -> Result<wire::Message, FieldFault> {
        let recipient = match &self.recipient {
            Recipient::Number(number) => *number,
            Recipient::Text(text) => map::read_recipient(text)?,
        };
        check_content(dialect, &self.content, &self.settings)?;
        let price = self.price.unwrap_or(0);
        check_price(&recipient, price)?;
        check_settings(&self.settings, &recipient, price)?;
        if self.price_xml.is_some() && encoding == Encoding::Xml {
            let fault = "is not in the vendor's XML schema";
            return Err(FieldFault::new("priceXml", fault));
        }
        if self.client_reference.as_deref() == Some("") {
            return Err(FieldFault::new(field::CLIENT_REFERENCE, "is empty"));
        }
        Ok(wire::Message {
            recipient: Some(wire::Phone(recipient.as_str().to_owned())),
            content: Some(wire::Content(Arc::clone(&self.content))),
            price: self.price.map(|price| wire::Integer(price.into())),
            price_xml: self.price_xml.clone(),
            client_reference: self.client_reference.clone(),
            settings: write_settings(&self.settings, dialect, encoding)?,
        })
    }
}

impl Message {
    /// What about the message may be wrong by lists that the vendor published and that change over
    /// time: a price outside the bounds of its goods or business model, or a code of goods that is
    /// not listed. Nothing is refused for it.
    pub fn warnings(&self) -> Vec<FieldFault> {
        let mut warnings = Vec::new();
        let price = i64::from(self.price.unwrap_or(0));
        if let Some(gas) = &self.settings.gas {
            match codes::service_code(&gas.service_code) {
                None => {
                    let fault = "is not in the list that was published";
                    warnings.push(FieldFault::new(field::SERVICE_CODE, fault));
                }
                Some(goods) if price != 0 && !goods.prices().contains(&price) => {
                    let fault = "is outside the bounds that were published for the serviceCode";
                    warnings.push(FieldFault::new(field::PRICE, fault));
                }
                Some(_) => {}
            }
        }
        let mut parameters = self.settings.parameters.iter();
        let model = parameters.find(|parameter| parameter.key() == key::BUSINESS_MODEL);
        let model = model.and_then(|model| codes::business_model(model.value()));
        if model.is_some_and(|model| price != 0 && !model.prices().contains(&price)) {
            let fault = "is outside the bounds that were published for the businessModel";
            warnings.push(FieldFault::new(field::PRICE, fault));
        }
        warnings
    }
}

fn check_content(dialect: Dialect, content: &str, settings: &Settings) -> Result<(), FieldFault> {
    let fault = |fault| Err(FieldFault::new(field::CONTENT, fault));
    if content.is_empty() {
        return fault("is empty");
    }
    match dialect {
        Dialect::V3 if content.chars().count() > MAX_CHARACTERS => {
            fault("has more than 1600 characters")
        }
        Dialect::V3 => Ok(()),
        Dialect::Manual if is_binary(settings) => {
            if content.chars().nth(MAX_BINARY_DIGITS).is_none() {
                Ok(())
            } else {
                fault("needs more than six parts")
            }
        }
        Dialect::Manual => {
            let policy = Policy::default().max_parts(MAX_PARTS);
            let is_short = if drops_characters(settings) {
                let kept: String = content.chars().filter(|one| is_gsm(*one)).collect();
                text::plan(&kept, &policy).is_ok()
            } else {
                text::plan(content, &policy).is_ok()
            };
            if is_short {
                Ok(())
            } else {
                fault("needs more than six parts")
            }
        }
    }
}

fn is_gsm(character: char) -> bool {
    !needs_ucs2(character.encode_utf8(&mut [0; 4]))
}

fn is_binary(settings: &Settings) -> bool {
    let mut parameters = settings.parameters.iter();
    parameters.any(|parameter| matches!(parameter.key(), key::DCS | key::UDH))
}

/// Whether the gateway drops what is not in the GSM alphabet, so that only the rest surely counts.
fn drops_characters(settings: &Settings) -> bool {
    settings.safe_remove_non_gsm_characters == Some(true)
        || settings.parameters.iter().any(|parameter| {
            parameter.key() == key::PARSING_TYPE && parameter.value().starts_with("SAFE_REMOVE")
        })
}

/// Whether a text has to ask for UCS-2 in order not to be refused.
pub(super) fn needs_ucs2(text: &str) -> bool {
    // A text of too many parts is refused by its length.
    text::plan(text, &Policy::default()).is_ok_and(|plan| plan.encoding() == Alphabet::Ucs2)
}

fn check_price(recipient: &E164, price: u32) -> Result<(), FieldFault> {
    let is_norwegian_price = (100..=100_000).contains(&price) && price.is_multiple_of(100);
    if price != 0 && recipient.calling_code() == NORWAY && !is_norwegian_price {
        let fault = "must be 0, or 100 to 100000 in steps of 100";
        return Err(FieldFault::new(field::PRICE, fault));
    }
    // 32 bits with a sign on the wire.
    if i32::try_from(price).is_err() {
        return Err(FieldFault::new(field::PRICE, "is too large"));
    }
    Ok(())
}

fn check_settings(settings: &Settings, recipient: &E164, price: u32) -> Result<(), FieldFault> {
    if let Some(originator) = &settings.originator {
        check_originator(originator, settings, price)?;
    }
    if settings.age.is_some_and(|age| age != Age::Any) && price == 0 {
        let fault = "is given for a message without a price";
        return Err(FieldFault::new(field::AGE, fault));
    }
    check_session(settings.session.as_ref(), recipient)?;
    if let Some(GasSettings { service_code, .. }) = &settings.gas
        && (service_code.len() != 5 || !service_code.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let fault = "must have five digits";
        return Err(FieldFault::new(field::SERVICE_CODE, fault));
    }
    let mut keys = HashSet::new();
    for parameter in &settings.parameters {
        parameter.check()?;
        if !keys.insert(parameter.key()) {
            return Err(FieldFault::new(field::PARAMETER, "has a key twice"));
        }
    }
    Ok(())
}

fn check_originator(
    originator: &OriginatorSettings,
    settings: &Settings,
    price: u32,
) -> Result<(), FieldFault> {
    map::check_originator(originator.kind, &originator.text)?;
    if price > 0 {
        let fault = "goes only with a price of 0";
        return Err(FieldFault::new(field::ORIGINATOR, fault));
    }
    if settings.session.is_some() && originator.kind != OriginatorType::Network {
        let fault = "must be a short number in a session";
        return Err(FieldFault::new(field::ORIGINATOR_TYPE, fault));
    }
    Ok(())
}

/// Whether a sender of this kind may be named for a message with this price and session: who pays,
/// and who is to answer, must see the service's own number.
pub(super) fn may_send(kind: OriginatorType, session: Option<&Session>, price: u32) -> bool {
    price == 0 && (session.is_none() || kind == OriginatorType::Network)
}

fn check_session(session: Option<&Session>, recipient: &E164) -> Result<(), FieldFault> {
    let field = match session {
        None => return Ok(()),
        Some(Session::Continue(id)) if id.trim().is_empty() => {
            return Err(FieldFault::new(field::SESSION_ID, "is empty"));
        }
        Some(Session::Continue(_)) => field::SESSION_ID,
        Some(Session::New) => field::NEW_SESSION,
    };
    if recipient.calling_code() == NORWAY {
        Ok(())
    } else {
        Err(FieldFault::new(field, "is only for Norwegian phones"))
    }
}

/// `None` where nothing is set.
fn write_settings(
    settings: &Settings,
    dialect: Dialect,
    encoding: Encoding,
) -> Result<Option<wire::Settings>, FieldFault> {
    let Settings {
        originator,
        priority,
        validity,
        differentiator,
        age,
        gas,
        session,
        invoice_node,
        send_window,
        auto_detect_encoding,
        safe_remove_non_gsm_characters,
        parameters,
    } = settings;
    let validity = match validity {
        Some(ValiditySetting::Is(validity)) => Some(map::write_validity(dialect, *validity)?),
        Some(ValiditySetting::Raw(number)) => Some(*number),
        None => None,
    };
    let priority = priority.map(|priority| match priority {
        PrioritySetting::Is(priority) => map::write_priority(dialect, priority),
        PrioritySetting::Raw(number) => number,
    });
    let send_window = match send_window {
        Some(SendWindow::Zoned(window)) => Some(map::write_window(window)?),
        Some(SendWindow::Raw(window)) => {
            map::read_window(window)?;
            Some(window.clone())
        }
        None => None,
    };
    let written = wire::Settings {
        originator_settings: originator
            .as_ref()
            .map(|sender| sender.to_wire(dialect, encoding)),
        priority: priority.map(wire::Integer),
        validity: validity.map(wire::Integer),
        differentiator: differentiator.clone(),
        age: age.map(|age| wire::Integer(age.years().into())),
        gas_settings: gas.as_ref().map(|gas| wire::GasSettings {
            service_code: Some(gas.service_code.clone()),
            description: gas.description.clone(),
        }),
        new_session: matches!(session, Some(Session::New)).then_some(wire::Flag(true)),
        session_id: match session {
            Some(Session::Continue(id)) => Some(id.clone()),
            Some(Session::New) | None => None,
        },
        invoice_node: invoice_node.clone(),
        send_window,
        auto_detect_encoding: auto_detect_encoding.map(wire::Flag),
        safe_remove_non_gsm_characters: safe_remove_non_gsm_characters.map(wire::Flag),
        parameter: (!parameters.is_empty())
            .then(|| parameters.iter().map(super::Parameter::to_wire).collect()),
    };
    Ok((written != wire::Settings::default()).then_some(written))
}
