//! What the gateway tells a customer's server: delivery reports and incoming messages with the
//! vendor's fields and raw values.
//!
//! Read and written by the provider's `callback/`, which exports the types. The names on the wire are
//! all in lower case and stand beside each field. An empty text is read as absent, but for
//! [`IncomingMessage::content`]. What has no field of its own is kept in `extra`: the vendor adds fields
//! for look-ups of the sender (`di_*`, `msisdn_*`) and may add others. `Debug` shows ids, codes and
//! sizes, never a text, a number or what a look-up says of a person.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::{Content, Phone};

/// What became of a message in the end: the vendor's `dr`. It names neither the recipient nor a time.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// `messageid`: the id that the gateway gave when it took the message.
    pub message_id: Option<String>,
    /// `customerbatchreference`: the sender's name for the batch, or the one that was made for it.
    pub batch_reference: Option<String>,
    /// `customermessagereference`: the sender's name for the message.
    pub message_reference: Option<String>,
    /// `serviceid`: which service of the account sent it.
    pub service_id: Option<i64>,
    /// `servicename`: that service's name.
    pub service_name: Option<String>,
    /// `originator`: in the vendor's table of fields and in none of its samples.
    pub originator: Option<Phone>,
    /// `mcc`: the country of the recipient's network; 242 is Norway.
    pub mobile_country_code: Option<i64>,
    /// `mnc`: the recipient's network within the country.
    pub mobile_network_code: Option<i64>,
    /// `type`: 6.
    pub kind: Option<i64>,
    /// `statuscode`: one of [`REPORTS`](crate::puzzel::map::codes::REPORTS), or a code that came later.
    pub status_code: i64,
    /// `statusdescription`: the same for people.
    pub status_description: Option<String>,
    /// `extstatuscode`: the operator's own code.
    pub operator_code: Option<String>,
    /// `extstatusdescription`: the operator's code for people.
    pub operator_description: Option<String>,
    /// All fields besides.
    pub extra: Map<String, Value>,
}

/// A text from a phone: the vendor's `mo`.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct IncomingMessage {
    /// `messageid`: the gateway's id of it. The same text that comes twice has the same id.
    pub message_id: String,
    /// `serviceid`: which service of the account it is for.
    pub service_id: Option<i64>,
    /// `servicename`: that service's name.
    pub service_name: Option<String>,
    /// `sno`: the short number that it was sent to; in a session followed by the session's digits.
    pub short_number: String,
    /// `originator`: who sent it, in international form with the plus.
    pub originator: Phone,
    /// `mcc`: the country of the sender's network; 242 is Norway.
    pub mobile_country_code: Option<i64>,
    /// `mnc`: the sender's network within the country.
    pub mobile_network_code: Option<i64>,
    /// `content`: the text, hexadecimal where it is data. May be empty.
    pub content: Content,
    /// `command`: the keyword by which it found its service.
    pub command: Option<String>,
    /// `strippedcontent`: the text without the keyword.
    pub stripped_content: Option<Content>,
    /// `type`: 1.
    pub kind: Option<i64>,
    /// `timestamp`: when the gateway had it, as `yyyyMMdd HH:mm:ss`. The vendor does not say in which
    /// zone; see [`to_neutral`](Self::to_neutral).
    pub timestamp: Option<String>,
    /// `sctimestamp`: when the operator had it, in the same form.
    pub operator_timestamp: Option<String>,
    /// `sessionid`: the session that it continues; empty on the wire outside of sessions.
    pub session_id: Option<String>,
    /// All fields besides.
    pub extra: Map<String, Value>,
}

/// The value of a field, for writing.
#[derive(Clone, Copy)]
pub(in super::super) enum Field<'a> {
    Number(i64),
    Text(&'a str),
    /// From `extra`; in XML and in a query what is no text stands as JSON.
    Other(&'a Value),
}

impl DeliveryReport {
    /// A report with this code and nothing else.
    pub fn new(status_code: i64) -> Self {
        Self {
            status_code,
            ..Self::default()
        }
    }

    /// What is set, in the order of the vendor's samples.
    pub(in super::super) fn fields(&self) -> Vec<(&str, Field<'_>)> {
        let mut fields = Fields(Vec::with_capacity(16));
        fields.text("messageid", self.message_id.as_ref());
        fields.text("customerbatchreference", self.batch_reference.as_ref());
        fields.text("customermessagereference", self.message_reference.as_ref());
        fields.number("serviceid", self.service_id);
        fields.text("servicename", self.service_name.as_ref());
        fields.text("originator", self.originator.as_ref().map(|phone| &phone.0));
        fields.number("mcc", self.mobile_country_code);
        fields.number("mnc", self.mobile_network_code);
        fields.number("type", self.kind);
        fields.number("statuscode", Some(self.status_code));
        fields.text("statusdescription", self.status_description.as_ref());
        fields.text("extstatuscode", self.operator_code.as_ref());
        fields.text("extstatusdescription", self.operator_description.as_ref());
        fields.extra(&self.extra);
        fields.0
    }
}

impl IncomingMessage {
    /// A text of which only the necessary is known.
    pub fn new(
        message_id: impl Into<String>,
        originator: impl Into<String>,
        short_number: impl Into<String>,
        content: impl Into<std::sync::Arc<str>>,
    ) -> Self {
        Self {
            message_id: message_id.into(),
            originator: Phone(originator.into()),
            short_number: short_number.into(),
            content: Content(content.into()),
            ..Self::default()
        }
    }

    /// What is set, in the order of the vendor's samples. The session is written even if there is
    /// none.
    pub(in super::super) fn fields(&self) -> Vec<(&str, Field<'_>)> {
        let mut fields = Fields(Vec::with_capacity(16));
        fields.text("messageid", Some(&self.message_id));
        fields.number("serviceid", self.service_id);
        fields.text("servicename", self.service_name.as_ref());
        fields.text("sno", Some(&self.short_number));
        fields.text("originator", Some(&self.originator.0));
        fields.number("mcc", self.mobile_country_code);
        fields.number("mnc", self.mobile_network_code);
        fields.text("content", Some(&self.content.0));
        fields.text("command", self.command.as_ref());
        fields.text(
            "strippedcontent",
            self.stripped_content.as_ref().map(|content| &content.0),
        );
        fields.number("type", self.kind);
        fields.text("timestamp", self.timestamp.as_ref());
        fields.text("sctimestamp", self.operator_timestamp.as_ref());
        fields.text(
            "sessionid",
            Some(self.session_id.as_deref().unwrap_or_default()),
        );
        fields.extra(&self.extra);
        fields.0
    }
}

struct Fields<'a>(Vec<(&'a str, Field<'a>)>);

impl<'a> Fields<'a> {
    fn text<T: AsRef<str> + ?Sized>(&mut self, name: &'a str, value: Option<&'a T>) {
        if let Some(value) = value {
            self.0.push((name, Field::Text(value.as_ref())));
        }
    }

    fn number(&mut self, name: &'a str, value: Option<i64>) {
        if let Some(value) = value {
            self.0.push((name, Field::Number(value)));
        }
    }

    fn extra(&mut self, values: &'a Map<String, Value>) {
        for (name, value) in values {
            self.0.push((name, Field::Other(value)));
        }
    }
}

/// As the gateway writes it in JSON.
impl Serialize for DeliveryReport {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serialize_fields(&self.fields(), to)
    }
}

/// As the gateway writes it in JSON.
impl Serialize for IncomingMessage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serialize_fields(&self.fields(), to)
    }
}

fn serialize_fields<S: Serializer>(fields: &[(&str, Field<'_>)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(fields.len()))?;
    for (name, field) in fields {
        match field {
            Field::Number(number) => map.serialize_entry(name, number)?,
            Field::Text(text) => map.serialize_entry(name, text)?,
            Field::Other(value) => map.serialize_entry(name, value)?,
        }
    }
    map.end()
}

impl fmt::Debug for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeliveryReport")
            .field("message_id", &self.message_id)
            .field("batch_reference", &self.batch_reference)
            .field("message_reference", &self.message_reference)
            .field("service_id", &self.service_id)
            .field("originator", &self.originator)
            .field("status_code", &self.status_code)
            .field("operator_code", &self.operator_code)
            .field("extra_fields", &self.extra.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IncomingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingMessage")
            .field("message_id", &self.message_id)
            .field("service_id", &self.service_id)
            .field("originator", &self.originator)
            .field("content", &self.content)
            .field("timestamp", &self.timestamp)
            .field("session_id", &self.session_id)
            .field("extra_fields", &self.extra.len())
            .finish_non_exhaustive()
    }
}
