//! A scenario's TOML: its form as serde types, and the checks that a form cannot express.
//!
//! Called by [`super::Scenario::from_toml`] only.

use std::time::Duration;

use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tidings_core::{E164, Reason};

use super::read_exchange::{ApiKeyForm, LimitsForm, NumberForm, RightsForm, TokensForm};
use super::read_rules::{AccountForm, InboundForm, PhoneForm, QuotaForm, ReportsForm, RulesForm};
use super::{
    Action, CallMatcher, Delays, DropWhen, FailRule, FailsAt, Failure, Fault, Scenario,
    ScenarioError, Turns, Whom,
};
use crate::operation::Operation;

pub(super) fn scenario(text: &str) -> Result<Scenario, ScenarioError> {
    let deserializer = toml::Deserializer::parse(text).map_err(|error| ScenarioError::NotToml {
        line: line_of(text, error.span().map_or(0, |span| span.start)),
        fault: error.message().replace('\n', ", "),
    })?;
    let form: ScenarioForm = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let key = error.path().to_string();
        ScenarioError::BadKey {
            key: if key == "." {
                "scenario".to_owned()
            } else {
                key
            },
            fault: error.inner().message().to_owned(),
        }
    })?;
    form.check()
}

fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().iter().take(byte);
    1 + before.filter(|byte| **byte == b'\n').count()
}

pub(super) fn bad_value(key: impl Into<String>, allowed: impl Into<String>) -> ScenarioError {
    ScenarioError::BadValue {
        key: key.into(),
        allowed: allowed.into(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioForm {
    credit: Option<u32>,
    seed: Option<u64>,
    #[serde(default)]
    delays: DelaysForm,
    #[serde(default)]
    fail: Vec<FailForm>,
    #[serde(default)]
    fault: Vec<FaultForm>,
    rate_per_s: Option<f64>,
    #[serde(default)]
    refuse_duplicates: bool,
    recipient_quota: Option<QuotaForm>,
    allows_premium: Option<bool>,
    max_price: Option<u32>,
    sender: Option<String>,
    #[serde(default)]
    account: Vec<AccountForm>,
    #[serde(default)]
    phone: Vec<PhoneForm>,
    #[serde(default)]
    reports: ReportsForm,
    #[serde(default)]
    inbound: Vec<InboundForm>,
    rights: Option<RightsForm>,
    display_name: Option<String>,
    passcode: Option<String>,
    #[serde(default)]
    number: Vec<NumberForm>,
    #[serde(default)]
    api_key: Vec<ApiKeyForm>,
    #[serde(default)]
    tokens: TokensForm,
    limits: Option<LimitsForm>,
}

impl ScenarioForm {
    fn check(self) -> Result<Scenario, ScenarioError> {
        let rules = RulesForm {
            rate_per_s: self.rate_per_s,
            refuse_duplicates: self.refuse_duplicates,
            recipient_quota: self.recipient_quota,
            allows_premium: self.allows_premium,
            max_price: self.max_price,
            sender: self.sender,
            rights: self.rights,
            display_name: self.display_name,
            passcode: self.passcode,
        };
        Ok(Scenario {
            credit: self.credit.map(i64::from),
            seed: self.seed,
            delays: self.delays.check()?,
            fail: each(self.fail, "fail", FailForm::check)?,
            faults: each(self.fault, "fault", FaultForm::check)?,
            rules: rules.check("")?,
            further_accounts: each(self.account, "account", AccountForm::check)?,
            phones: each(self.phone, "phone", PhoneForm::check)?,
            reports: self.reports.check(),
            inbound: each(self.inbound, "inbound", InboundForm::check)?,
            numbers: each(self.number, "number", NumberForm::check)?,
            api_keys: each(self.api_key, "api_key", ApiKeyForm::check)?,
            tokens: self.tokens.check()?,
            call_limit: self.limits.map(LimitsForm::check).transpose()?,
        })
    }
}

/// Checks the tables of an array, each under its key.
fn each<F, T>(
    forms: Vec<F>,
    word: &str,
    check: impl Fn(F, &str) -> Result<T, ScenarioError>,
) -> Result<Vec<T>, ScenarioError> {
    let forms = forms.into_iter().enumerate();
    forms
        .map(|(index, form)| check(form, &format!("{word}[{index}]")))
        .collect()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelaysForm {
    sent_ms: Option<u32>,
    delivered_ms: Option<u32>,
}

impl DelaysForm {
    fn check(self) -> Result<Delays, ScenarioError> {
        let default = Delays::default();
        let given = |milliseconds: u32| Duration::from_millis(milliseconds.into());
        let sent = self.sent_ms.map_or(default.sent, given);
        let delivered = match self.delivered_ms.map(given) {
            Some(delivered) if delivered < sent => {
                return Err(bad_value(
                    "delays.delivered_ms",
                    "at least delays.sent_ms: both count from acceptance",
                ));
            }
            Some(delivered) => delivered,
            None => default.delivered.max(sent),
        };
        Ok(Delays { sent, delivered })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailForm {
    to: Option<String>,
    prefix: Option<String>,
    #[serde(default = "unspecified")]
    reason: Reason,
    #[serde(default)]
    at: FailsAtForm,
}

fn unspecified() -> Reason {
    Reason::Unspecified
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailsAtForm {
    Accept,
    #[default]
    Sent,
    Delivered,
}

impl FailForm {
    fn check(self, key: &str) -> Result<FailRule, ScenarioError> {
        let whom = whom(key, self.to, self.prefix)?;
        let at = match self.at {
            FailsAtForm::Accept => FailsAt::Accept,
            FailsAtForm::Sent => FailsAt::Sent,
            FailsAtForm::Delivered => FailsAt::Delivered,
        };
        let reason = self.reason;
        Ok(FailRule {
            whom,
            failure: Failure { reason, at },
        })
    }
}

/// Which numbers a rule is about.
pub(super) fn whom(
    key: &str,
    to: Option<String>,
    prefix: Option<String>,
) -> Result<Whom, ScenarioError> {
    match (to, prefix) {
        (Some(to), None) => Ok(Whom::Number(number(&format!("{key}.to"), &to)?)),
        (None, Some(prefix)) if is_prefix(&prefix) => Ok(Whom::Prefix(prefix)),
        (None, Some(_)) => Err(bad_value(
            format!("{key}.prefix"),
            "+ and the first 1 to 15 digits of the numbers",
        )),
        (None, None) | (Some(_), Some(_)) => Err(bad_value(key, "exactly one of to, prefix")),
    }
}

fn is_prefix(prefix: &str) -> bool {
    prefix.strip_prefix('+').is_some_and(|digits| {
        (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

pub(super) fn number(key: &str, text: &str) -> Result<E164, ScenarioError> {
    text.parse()
        .map_err(|_| bad_value(key, "a phone number with + and country code"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultForm {
    name: Option<String>,
    call: Option<String>,
    to: Option<String>,
    after: Option<u64>,
    first: Option<u64>,
    every: Option<u64>,
    probability: Option<f64>,
    refuse: Option<RefuseForm>,
    rate_limit: Option<RateLimitForm>,
    drop: Option<DropForm>,
    late: Option<LateForm>,
    slow: Option<SlowForm>,
    broken_json: Option<bool>,
    wrong_content_type: Option<WrongContentTypeForm>,
    empty_body: Option<bool>,
    failure_in_200: Option<FailureIn200Form>,
    unknown_status: Option<UnknownStatusForm>,
    no_credit: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefuseForm {
    status: u16,
    code: Option<String>,
    body: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimitForm {
    retry_after_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropForm {
    when: DropWhenForm,
    #[serde(default)]
    reset: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DropWhenForm {
    Before,
    After,
    MidAnswer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LateForm {
    ms: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowForm {
    bytes_per_s: Option<u32>,
    chunk_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrongContentTypeForm {
    content_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureIn200Form {
    message: Option<String>,
    body: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnknownStatusForm {
    word: String,
}

const ACTIONS: &str = "refuse, rate_limit, drop, late, slow, broken_json, wrong_content_type, \
                       empty_body, failure_in_200, unknown_status, no_credit";

impl FaultForm {
    fn check(self, key: &str) -> Result<Fault, ScenarioError> {
        let to = match &self.to {
            Some(to) => Some(number(&format!("{key}.to"), to)?),
            None => None,
        };
        let turns = self.turns(key)?;
        let (name, call) = (self.name.clone(), self.call.clone());
        let mut actions = self.actions(key)?;
        let (Some((word, action)), true) = (actions.pop(), actions.is_empty()) else {
            return Err(bad_value(key, format!("exactly one of {ACTIONS}")));
        };
        let call = match (call, &action) {
            (Some(call), action) => {
                let call = call_matcher(key, call)?;
                let is_report = call == CallMatcher::Operation(Operation::Report);
                if is_report && !matches!(action, Action::UnknownStatus { .. }) {
                    return Err(bad_value(key, "unknown_status with call = \"report\""));
                }
                call
            }
            (None, Action::UnknownStatus { .. }) => {
                CallMatcher::Operation(Operation::MessageStatus)
            }
            (None, Action::NoCredit) => CallMatcher::Operation(Operation::Submit),
            (None, _) => CallMatcher::Any,
        };
        Ok(Fault {
            name: name.unwrap_or_else(|| word.to_owned()),
            call,
            to,
            turns,
            action,
        })
    }

    fn turns(&self, key: &str) -> Result<Turns, ScenarioError> {
        for (word, value) in [("first", self.first), ("every", self.every)] {
            if value == Some(0) {
                return Err(bad_value(format!("{key}.{word}"), "at least 1"));
            }
        }
        match self.probability {
            Some(probability) if !(0.0..=1.0).contains(&probability) => {
                Err(bad_value(format!("{key}.probability"), "0.0 to 1.0"))
            }
            probability => Ok(Turns {
                after: self.after.unwrap_or(0),
                first: self.first,
                every: self.every.unwrap_or(1),
                probability,
            }),
        }
    }

    /// The actions that are named, each under its key: one, in a scenario without a mistake.
    fn actions(self, key: &str) -> Result<Vec<(&'static str, Action)>, ScenarioError> {
        let at = |word: &str| format!("{key}.{word}");
        let switch = |word: &'static str, given: Option<bool>, action: Action| match given {
            Some(false) => Err(bad_value(at(word), "true")),
            Some(true) => Ok(Some((word, action))),
            None => Ok(None),
        };
        let parameterised = [
            self.refuse
                .map(|form| form.check(&at("refuse")))
                .transpose()?
                .map(|action| ("refuse", action)),
            self.rate_limit.map(|form| {
                let retry_after_s = form.retry_after_s;
                ("rate_limit", Action::RateLimit { retry_after_s })
            }),
            self.drop.map(|form| ("drop", form.action())),
            self.late.map(|form| {
                let wait = Duration::from_millis(form.ms.into());
                ("late", Action::Late(wait))
            }),
            self.slow
                .map(|form| form.check(&at("slow")))
                .transpose()?
                .map(|action| ("slow", action)),
            self.wrong_content_type
                .map(|form| form.check(&at("wrong_content_type")))
                .transpose()?
                .map(|action| ("wrong_content_type", action)),
            self.failure_in_200
                .map(|form| form.check(&at("failure_in_200")))
                .transpose()?
                .map(|action| ("failure_in_200", action)),
            self.unknown_status.map(|form| {
                let word = form.word;
                ("unknown_status", Action::UnknownStatus { word })
            }),
            switch("broken_json", self.broken_json, Action::BrokenJson)?,
            switch("empty_body", self.empty_body, Action::EmptyBody)?,
            switch("no_credit", self.no_credit, Action::NoCredit)?,
        ];
        Ok(parameterised.into_iter().flatten().collect())
    }
}

fn call_matcher(key: &str, call: String) -> Result<CallMatcher, ScenarioError> {
    if call.is_empty() {
        let operations = Operation::ALL.map(Operation::as_str).join(", ");
        let allowed = format!("a piece of the path, or an operation: {operations}");
        return Err(bad_value(format!("{key}.call"), allowed));
    }
    Ok(match Operation::by_word(&call) {
        Some(operation) => CallMatcher::Operation(operation),
        None => CallMatcher::Path(call),
    })
}

impl RefuseForm {
    fn check(self, key: &str) -> Result<Action, ScenarioError> {
        let status = StatusCode::from_u16(self.status)
            .ok()
            .filter(|status| (200..600).contains(&status.as_u16()))
            .ok_or_else(|| bad_value(format!("{key}.status"), "an HTTP status, 200 to 599"))?;
        Ok(Action::Refuse {
            status,
            code: self.code,
            body: self.body,
        })
    }
}

impl FailureIn200Form {
    fn check(self, key: &str) -> Result<Action, ScenarioError> {
        let body = match (self.message, self.body) {
            (Some(_), Some(_)) => {
                return Err(bad_value(key, "at most one of message, body"));
            }
            (None, Some(body)) => body,
            (message, None) => {
                let message = message.unwrap_or_else(|| "not processed".to_owned());
                let body = json!({"status": "error", "success": false, "message": message});
                body.to_string()
            }
        };
        Ok(Action::FailureIn200 { body })
    }
}

impl DropForm {
    fn action(&self) -> Action {
        let when = match self.when {
            DropWhenForm::Before => DropWhen::Before,
            DropWhenForm::After => DropWhen::After,
            DropWhenForm::MidAnswer => DropWhen::MidAnswer,
        };
        let reset = self.reset;
        Action::Drop { when, reset }
    }
}

impl SlowForm {
    fn check(self, key: &str) -> Result<Action, ScenarioError> {
        match (self.bytes_per_s, self.chunk_ms) {
            (Some(bytes_per_s @ 1..), None) => {
                // Pieces at most a hundred times a second: timers are exact to a millisecond.
                let bytes = (bytes_per_s / 100).max(1);
                Ok(Action::Slow {
                    bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
                    pause: Duration::from_secs(1) * bytes / bytes_per_s,
                })
            }
            (None, Some(chunk_ms @ 1..)) => Ok(Action::Slow {
                bytes: 1,
                pause: Duration::from_millis(chunk_ms.into()),
            }),
            (Some(_) | None, Some(_) | None) => Err(bad_value(
                key,
                "exactly one of bytes_per_s (at least 1), chunk_ms (at least 1, one byte each)",
            )),
        }
    }
}

impl WrongContentTypeForm {
    fn check(self, key: &str) -> Result<Action, ScenarioError> {
        let content_type = self.content_type.as_deref().unwrap_or("text/html");
        HeaderValue::from_str(content_type)
            .map(Action::WrongContentType)
            .map_err(|_| bad_value(format!("{key}.content_type"), "a media type"))
    }
}
