//! Between the gateway's reports and messages and the neutral ones, in both directions. Called by
//! [`parse`](super::parse) and [`emit`](super::emit). Which code means what is in `map/codes/`.

use std::sync::{Arc, LazyLock};

use tidings_core::{
    ClientRef, Day, InboundMessage, ProviderRef, ReportedState, TimeOfDay, TimeZone, Timestamp,
    ZonedTime,
};

use super::read::{MESSAGE_TYPE, REPORT_TYPE};
use super::{DeliveryReport, IncomingMessage, setting};
use crate::provider::Account;
use crate::puzzel;
use crate::puzzel::encoding::Unreadable;
use crate::puzzel::map::{codes, reference};
use crate::puzzel::wire::{Content, Phone};

// ---- reading ----

impl DeliveryReport {
    /// What this says in neutral words.
    ///
    /// The report's `raw` is the code, followed by a slash and the operator's code where there is
    /// one: `361/1`. Its `detail` is the description, or the operator's where the gateway gives
    /// none. It has no time, because the gateway tells none. A reference that could not have been
    /// given through [`ClientRef`] is left out if there is an id as well.
    ///
    /// # Errors
    /// [`Unreadable`] when it names no message: neither the gateway's id nor our reference.
    pub fn to_neutral(&self) -> Result<tidings_core::DeliveryReport, Unreadable> {
        let written = self.message_reference.as_deref();
        let mut about = ProviderRef::default();
        about.message.clone_from(&self.message_id);
        about.batch.clone_from(&self.batch_reference);
        about.reference = written.and_then(|reference| ClientRef::new(reference).ok());
        if about.message.is_none() && about.reference.is_none() {
            return Err(match written {
                Some(_) => unreadable("customermessagereference", "is no reference of ours"),
                None => unreadable("messageid", "is missing"),
            });
        }
        let code = self.status_code;
        let (state, reason) = codes::meaning_of(code);
        let raw = match &self.operator_code {
            Some(operator_code) => format!("{code}/{operator_code}"),
            None => code.to_string(),
        };
        let mut report = tidings_core::DeliveryReport::new(about, state).raw(raw);
        report.reason = reason;
        let description = self.status_description.as_ref();
        report.detail = description.or(self.operator_description.as_ref()).cloned();
        Ok(report)
    }

    /// What the code means, if it is one that the vendor lists.
    pub fn meaning(&self) -> Option<&'static codes::ReportCode> {
        codes::report(self.status_code)
    }
}

impl IncomingMessage {
    /// What this says in neutral words.
    ///
    /// The vendor does not say in which zone its `timestamp` is. As with send windows it is taken
    /// for the time that clocks in Oslo show; in the hour that they show twice in autumn, for the
    /// first. A time with its distance from UTC (RFC 3339) is taken as it is.
    ///
    /// # Errors
    /// [`Unreadable`] when the timestamp is no time.
    pub fn to_neutral(&self) -> Result<InboundMessage, Unreadable> {
        let mut message = InboundMessage::new(
            self.message_id.as_str(),
            self.originator.0.as_str(),
            self.short_number.as_str(),
            Arc::clone(&self.content.0),
        );
        if let Some(written) = &self.timestamp {
            let at = read_time(written).ok_or_else(|| unreadable("timestamp", "is no time"))?;
            message = message.received_at(at);
        }
        message.session.clone_from(&self.session_id);
        message.keyword.clone_from(&self.command);
        Ok(message)
    }
}

static OSLO: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::named("Europe/Oslo").expect("the zones are compiled in"));

/// `yyyyMMdd HH:mm:ss`.
fn read_time(written: &str) -> Option<Timestamp> {
    let Some((day, time)) = written.split_once(' ') else {
        return written.parse().ok();
    };
    if day.len() != 8 || time.len() != 8 {
        return written.parse().ok();
    }
    let day = format!("{}-{}-{}", day.get(..4)?, day.get(4..6)?, day.get(6..)?);
    let day: Day = day.parse().ok()?;
    let time: TimeOfDay = time.parse().ok()?;
    OSLO.at(day, time).ok().map(|at| at.timestamp())
}

fn unreadable(at: &str, fault: &str) -> Unreadable {
    Unreadable {
        at: at.to_owned(),
        fault: fault.to_owned(),
    }
}

// ---- writing ----

/// What the gateway repeats in everything that it tells of one service.
pub(super) struct Service {
    id: Option<i64>,
    name: String,
}

impl Service {
    pub(super) fn of(account: &Account) -> Self {
        let id = account.setting(puzzel::setting::SERVICE_ID);
        let name = account.setting(setting::SERVICE_NAME);
        Self {
            id: id.and_then(|id| id.trim().parse().ok()),
            name: name.unwrap_or_else(|| account.id()).to_owned(),
        }
    }
}

// The simulated carrier is one network in Norway.
const NORWAY: i64 = 242;
const TELENOR: i64 = 1;

/// What the gateway tells of this report; nothing of states that are no ends.
pub(super) fn report(
    service: &Service,
    report: &tidings_core::DeliveryReport,
) -> Option<DeliveryReport> {
    let (code, operator_code) = code_of(report)?;
    let (usual_code, word) = operator_word(report.state);
    let operator_code = operator_code.or_else(|| {
        let is_ours = report.raw.is_none();
        is_ours.then(|| usual_code.to_owned())
    });
    let description = report.detail.clone();
    Some(DeliveryReport {
        message_id: report.about.message.clone(),
        batch_reference: report.about.batch.clone(),
        message_reference: report.about.reference.as_ref().map(reference::written),
        service_id: service.id,
        service_name: Some(service.name.clone()),
        originator: None,
        mobile_country_code: Some(NORWAY),
        mobile_network_code: Some(TELENOR),
        kind: Some(REPORT_TYPE),
        status_code: code,
        status_description: description.or_else(|| describe(code)),
        operator_description: operator_code.is_some().then(|| word.to_owned()),
        operator_code,
        extra: serde_json::Map::new(),
    })
}

/// The report's own code where its `raw` is one, and else the one that says the same. A number that
/// the vendor does not list counts as a code only where it was read as one, that is, where nothing
/// better is known.
fn code_of(report: &tidings_core::DeliveryReport) -> Option<(i64, Option<String>)> {
    let is_end = report.state.is_final();
    if !is_end && report.state != ReportedState::Unknown {
        return None;
    }
    let raw = report.raw.as_deref().unwrap_or_default();
    let (written, operator_code) = match raw.split_once('/') {
        Some((code, operator_code)) => (code, Some(operator_code.to_owned())),
        None => (raw, None),
    };
    let written = written.parse().ok();
    match written.filter(|code| !is_end || codes::report(*code).is_some()) {
        Some(code) => Some((code, operator_code)),
        None => codes::code_for(report.state, report.reason).map(|code| (code, None)),
    }
}

fn describe(code: i64) -> Option<String> {
    match code {
        // As in the vendor's samples.
        0 => Some("OK. Message processed successfully.".to_owned()),
        _ => codes::report(code).map(|row| row.meaning.to_owned()),
    }
}

/// What the operator calls it: the first two as in the vendor's samples.
fn operator_word(state: ReportedState) -> (&'static str, &'static str) {
    match state {
        ReportedState::Delivered => ("0", "Delivered"),
        ReportedState::Expired => ("1", "Expired"),
        ReportedState::Undelivered => ("2", "Undelivered"),
        ReportedState::Failed => ("3", "Failed"),
        ReportedState::Canceled => ("4", "Canceled"),
        ReportedState::Submitted | ReportedState::Sent | ReportedState::Unknown | _ => {
            ("5", "Unknown")
        }
    }
}

/// What the gateway tells of this message. The operator had it at the same second, as far as is
/// known.
pub(super) fn message(service: &Service, message: &InboundMessage) -> IncomingMessage {
    let timestamp = message.received_at.map(written_time);
    let stripped = stripped(&message.text, message.keyword.as_deref());
    IncomingMessage {
        message_id: message.id.clone(),
        service_id: service.id,
        service_name: Some(service.name.clone()),
        short_number: message.to.clone(),
        originator: Phone(message.from.clone()),
        mobile_country_code: Some(NORWAY),
        mobile_network_code: Some(TELENOR),
        content: Content(Arc::clone(&message.text)),
        command: message.keyword.clone(),
        stripped_content: Some(Content(stripped.into())),
        kind: Some(MESSAGE_TYPE),
        operator_timestamp: timestamp.clone(),
        timestamp,
        session_id: message.session.clone(),
        extra: serde_json::Map::new(),
    }
}

/// The text behind the keyword if it begins with it, in any casing.
fn stripped<'a>(text: &'a str, keyword: Option<&str>) -> &'a str {
    let Some(keyword) = keyword.filter(|keyword| !keyword.is_empty()) else {
        return text;
    };
    let text = text.trim_start();
    match (text.get(..keyword.len()), text.get(keyword.len()..)) {
        (Some(head), Some(rest))
            if head.eq_ignore_ascii_case(keyword)
                && !rest.starts_with(|next: char| next.is_alphanumeric()) =>
        {
            rest.trim_start()
        }
        _ => text,
    }
}

fn written_time(at: Timestamp) -> String {
    let at = ZonedTime::new(at, &OSLO);
    let day = at.day().to_string().replace('-', "");
    format!("{day} {}", at.time_of_day())
}
