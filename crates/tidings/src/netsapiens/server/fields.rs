//! The fields of a call: read from JSON, a form or a query, and checked one by one so that a wrong one
//! can be named.
//!
//! Called by the handlers. Single values are read as leniently as `wire/scalar` reads them; faults
//! repeat nothing of the values.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::Request;
use http::header::CONTENT_TYPE;
use serde_json::value::RawValue;

use super::answer::Refused;
use crate::conversations::Page;
use crate::netsapiens::MAX_ROWS;
use crate::serve::{self, Failure};

/// The longest name, id or number that is read, in characters.
const MAX_NAME_LENGTH: usize = 255;

/// How many rows a list has where the caller does not say.
const DEFAULT_ROWS: u32 = 100;

/// The fields of a call, each as the JSON that stands for it. Of one that is there twice the last
/// counts.
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    /// Reads a body that is a JSON object, or nothing at all.
    pub(super) async fn of_json(request: Request) -> Result<Self, Refused> {
        let body = serve::read_body(request).await?;
        if body.is_empty() {
            return Ok(Self(BTreeMap::new()));
        }
        Self::json(&body)
    }

    /// Reads the query and a body that is JSON or a form; what stands in the body wins.
    pub(super) async fn of_any(request: Request) -> Result<Self, Refused> {
        let mut fields = Self::of_query(request.uri().query());
        let content_type = request.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let says_json = content_type.is_some_and(|text| text.to_ascii_lowercase().contains("json"));
        let body = serve::read_body(request).await?;
        // Clients are known to send JSON without saying so.
        let looks_like_json = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let of_body = if body.is_empty() {
            Self(BTreeMap::new())
        } else if says_json || looks_like_json {
            Self::json(&body)?
        } else {
            Self::pairs(&body)
        };
        fields.0.extend(of_body.0);
        Ok(fields)
    }

    /// Reads a query.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        Self::pairs(query.unwrap_or_default().as_bytes())
    }

    fn json(text: &[u8]) -> Result<Self, Refused> {
        let fault = match serde_json::from_slice(text) {
            Ok(fields) => return Ok(Self(fields)),
            Err(error) if error.is_data() => "is no JSON object".to_owned(),
            Err(error) => format!(
                "is no JSON: it goes wrong at line {}, column {}",
                error.line(),
                error.column()
            ),
        };
        Err(Failure::NotJson { fault }.into())
    }

    fn pairs(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).map(|(name, value)| {
            let value = serde_json::value::to_raw_value(&*value);
            let value = value.expect("a text can be written as JSON");
            (name.into_owned(), value)
        });
        Self(pairs.collect())
    }

    /// Whether a field is there with something in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|json| json != "\"\"" && json != "[]")
    }

    /// A text that may be missing; what is empty counts as missing.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, Refused> {
        let Some(json) = self.get(name) else {
            return Ok(None);
        };
        let text = scalar(json).ok_or_else(|| Refused::wrong(name, "must be a text"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A text that has to be there.
    pub(super) fn required(&self, name: &'static str) -> Result<Cow<'_, str>, Refused> {
        let text = self.text(name)?;
        text.ok_or(Refused::Missing { field: name })
    }

    /// A name, an id or a number that may be missing, without blanks around it.
    pub(super) fn name(&self, name: &'static str) -> Result<Option<String>, Refused> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let text = text.trim();
        if text.chars().count() > MAX_NAME_LENGTH || text.chars().any(char::is_control) {
            let fault =
                format!("must be a text of at most {MAX_NAME_LENGTH} characters in one line");
            return Err(Refused::wrong(name, fault));
        }
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// Such a name that has to be there.
    pub(super) fn required_name(&self, name: &'static str) -> Result<String, Refused> {
        self.name(name)?.ok_or(Refused::Missing { field: name })
    }

    /// Names, of which a single one may stand without the brackets. None where there is nothing.
    pub(super) fn names(&self, name: &'static str) -> Result<Vec<String>, Refused> {
        let Some(json) = self.get(name) else {
            return Ok(Vec::new());
        };
        if !json.starts_with('[') {
            return Ok(self.name(name)?.into_iter().collect());
        }
        let fault = || Refused::wrong(name, "must be a text or a list of texts");
        let items: Vec<&RawValue> = serde_json::from_str(json).map_err(|_| fault())?;
        let read = |item: &RawValue| {
            let text = scalar(item.get()).filter(|text| !text.trim().is_empty());
            let text = text.map(|text| text.trim().to_owned());
            text.filter(|text| text.chars().count() <= MAX_NAME_LENGTH)
                .ok_or_else(fault)
        };
        items.into_iter().map(read).collect()
    }

    /// A whole number that is not negative.
    pub(super) fn whole(&self, name: &'static str) -> Result<Option<u64>, Refused> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let number = text.trim().parse().map(Some);
        number.map_err(|_| Refused::wrong(name, "must be a whole number that is not negative"))
    }

    /// Yes or no.
    pub(super) fn yes_no(&self, name: &'static str) -> Result<Option<bool>, Refused> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match text.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => Ok(Some(true)),
            "no" | "false" | "0" => Ok(Some(false)),
            _ => Err(Refused::wrong(name, "must be yes or no")),
        }
    }

    /// Which part of a list is wanted.
    pub(super) fn page(&self) -> Result<Page, Refused> {
        let bad_start = || Refused::wrong("start", "must be a whole number from 0");
        let start = self.whole("start").map_err(|_| bad_start())?;
        let start = u32::try_from(start.unwrap_or(0)).map_err(|_| bad_start())?;
        let bad_limit = || {
            let fault = format!("must be a whole number from 1 to {MAX_ROWS}");
            Refused::wrong("limit", fault)
        };
        let limit = self.whole("limit").map_err(|_| bad_limit())?;
        let limit = limit.unwrap_or(u64::from(DEFAULT_ROWS));
        let limit = u32::try_from(limit).ok();
        let limit = limit.filter(|limit| (1..=MAX_ROWS).contains(limit));
        Ok(Page::new(start, limit.ok_or_else(bad_limit)?))
    }

    /// The JSON of a field, unless it is `null`.
    fn get(&self, name: &str) -> Option<&str> {
        let json = self.0.get(name)?.get();
        Some(json).filter(|json| *json != "null")
    }
}

/// Shows the names of the fields and none of their values.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// A text, or a number or truth value as it stands; `None` for everything else.
fn scalar(json: &str) -> Option<Cow<'_, str>> {
    match json.bytes().next()? {
        b'"' => {
            let unescaped = serde_json::from_str::<&str>(json).map(Cow::Borrowed);
            unescaped
                .or_else(|_| serde_json::from_str::<String>(json).map(Cow::Owned))
                .ok()
        }
        b'[' | b'{' | b'n' => None,
        _ => Some(Cow::Borrowed(json)),
    }
}
