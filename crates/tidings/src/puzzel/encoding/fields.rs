//! The names of all fields of Puzzel's documents, with what each of them holds. XML and forms carry
//! nothing but text: only this list says there whether an empty value is an empty text or no figure,
//! and which elements repeat. Asked by `xml.rs` and `form.rs`.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text; an empty one is an empty text.
    Text,
    /// A text that is a phone number or stands in the place of one.
    Phone,
    /// A number or a truth value; an empty one is none.
    Figure,
    Object,
    ListOfObjects,
}

/// A field under its name on the wire. No name means two things in two documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// The field of that very name.
pub(super) fn named(name: &str) -> Option<Field> {
    find(|known| known == name)
}

/// The field of that name in any casing.
pub(super) fn named_in_any_casing(name: &str) -> Option<Field> {
    find(|known| known.eq_ignore_ascii_case(name))
}

fn find(matches: impl Fn(&str) -> bool) -> Option<Field> {
    let found = FIELDS.iter().find(|(name, _)| matches(name));
    found.map(|&(name, kind)| Field { name, kind })
}

pub(super) const FIELDS: &[(&str, Kind)] = &[
    // What most messages have comes first.
    ("message", Kind::ListOfObjects),
    ("recipient", Kind::Phone),
    ("content", Kind::Text),
    ("settings", Kind::Object),
    ("originatorSettings", Kind::Object),
    ("originator", Kind::Phone),
    ("originatorType", Kind::Text),
    ("clientReference", Kind::Text),
    ("parameter", Kind::ListOfObjects),
    ("key", Kind::Text),
    ("value", Kind::Text),
    ("price", Kind::Figure),
    ("priceXml", Kind::Text),
    ("priority", Kind::Figure),
    ("validity", Kind::Figure),
    ("differentiator", Kind::Text),
    ("age", Kind::Figure),
    ("gasSettings", Kind::Object),
    ("serviceCode", Kind::Text),
    ("description", Kind::Text),
    ("newSession", Kind::Figure),
    ("sessionId", Kind::Text),
    ("invoiceNode", Kind::Text),
    ("sendWindow", Kind::Object),
    ("startDate", Kind::Text),
    ("stopDate", Kind::Text),
    ("startTime", Kind::Text),
    ("stopTime", Kind::Text),
    ("autoDetectEncoding", Kind::Figure),
    ("safeRemoveNonGsmCharacters", Kind::Figure),
    ("serviceId", Kind::Figure),
    ("username", Kind::Text),
    ("password", Kind::Text),
    ("batchReference", Kind::Text),
    ("messageStatus", Kind::ListOfObjects),
    ("statusCode", Kind::Figure),
    ("statusMessage", Kind::Text),
    ("messageId", Kind::Text),
    ("sequenceIndex", Kind::Figure),
    ("messageBatch", Kind::ListOfObjects),
    ("clientBatchReference", Kind::Text),
    ("totalSize", Kind::Figure),
    ("onHold", Kind::Figure),
    ("stoppedMessages", Kind::ListOfObjects),
    ("clientMessageReference", Kind::Text),
    ("code", Kind::Figure),
    ("reason", Kind::Text),
    ("type", Kind::Text),
    ("title", Kind::Text),
    ("status", Kind::Figure),
    ("detail", Kind::Text),
    ("instance", Kind::Text),
];
