//! Sending: a call with its messages in a body or in the query. Called by the dispatcher.
//!
//! What is read is a [`wire::GatewayRequest`] in every form; from there on the forms differ in
//! nothing but how the answer is written.

use axum::extract::Request;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};

use super::answer::{Form, Refused};
use super::{Desk, RefusedCredentials, presented};
use crate::backend::{Accepted, Principal, Refusal, Submission, Submitted, TakenMessage};
use crate::puzzel::encoding::{self, Document, Encoding, Unreadable};
use crate::puzzel::map::codes::code;
use crate::puzzel::map::{inward, reference};
use crate::puzzel::{Dialect, MAX_BULK_SIZE, wire};
use crate::serve::{self, Failure};

/// The longest name of a batch, in characters.
const MAX_REFERENCE_LENGTH: usize = 255;

/// What the vendor's gateway says of a message that it took.
const QUEUED: &str = "Message enqueued for sending";
/// What is said of a message that was taken and is held back.
const ON_HOLD: &str = "Message held until it is approved";

/// A call with a body.
pub(super) async fn by_body(desk: &Desk, request: Request) -> Result<Response, Refused> {
    let encoding = encoding_of(request.headers())?;
    let preferred = match encoding {
        Encoding::Json => Form::FOR_JSON,
        Encoding::Xml | Encoding::Form => Form::FOR_XML,
    };
    let form = Form::negotiate(request.headers(), preferred);
    let body = serve::read_body(request).await?;
    let read = encoding::read::<wire::GatewayRequest>(encoding, &body);
    let call = Call::of(read, || match encoding {
        Encoding::Form => Ok(Credentials::among(&body)),
        Encoding::Json | Encoding::Xml => encoding::read(encoding, &body),
    });
    call.carry_out(desk, form).await
}

/// A call with everything in its query. Nothing of a query is ever logged: the password is in it.
pub(super) async fn by_query(
    desk: &Desk,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let form = Form::negotiate(headers, Form::FOR_QUERY);
    let query = uri.query().unwrap_or_default();
    let read = encoding::read_query(query);
    let call = Call::of(read, || Ok(Credentials::among(query.as_bytes())));
    call.carry_out(desk, form).await
}

/// The form of a body. A body without a content type is read as JSON, which the vendor's present
/// clients send; all forms are UTF-8.
fn encoding_of(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let wrong_type = Failure::WrongType {
        demand: "application/json, application/xml or application/x-www-form-urlencoded, in UTF-8",
    };
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(Encoding::Json);
    };
    let value = value.to_str().map_err(|_| wrong_type.clone())?;
    let (media_type, parameters) = value.split_once(';').unwrap_or((value, ""));
    for parameter in parameters.split(';') {
        let parameter = parameter.trim().to_ascii_lowercase();
        if let Some(charset) = parameter.strip_prefix("charset=")
            && !["utf-8", "utf8", "us-ascii"].contains(&charset.trim_matches('"'))
        {
            return Err(wrong_type);
        }
    }
    if media_type.trim().is_empty() {
        return Ok(Encoding::Json);
    }
    Encoding::of_content_type(media_type).ok_or(wrong_type)
}

/// Who is calling: read on its own where the whole of a call cannot be read, so that somebody with
/// wrong credentials learns nothing else about the call.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Credentials {
    service_id: Option<wire::Integer>,
    username: Option<String>,
    password: Option<wire::Password>,
}

impl Document for Credentials {
    const ROOT: &'static str = <wire::GatewayRequest as Document>::ROOT;
    const NAMESPACE: Option<&'static str> = <wire::GatewayRequest as Document>::NAMESPACE;
    const PREFIX: &'static str = <wire::GatewayRequest as Document>::PREFIX;
}

impl Credentials {
    /// Picks them out of the values of a form that cannot be read.
    fn among(pairs: &[u8]) -> Self {
        let value = |wanted: &str| {
            let mut pairs = form_urlencoded::parse(pairs);
            let found = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value.into_owned())
        };
        let service_id = value("serviceId").and_then(|text| text.trim().parse().ok());
        Self {
            service_id: service_id.map(wire::Integer),
            username: value("username"),
            password: value("password").map(wire::Password),
        }
    }
}

/// A call as far as it could be read.
struct Call {
    credentials: Result<Credentials, Unreadable>,
    batch_reference: Option<String>,
    messages: Result<Vec<wire::Message>, Unreadable>,
}

impl Call {
    fn of(
        read: Result<wire::GatewayRequest, Unreadable>,
        credentials_alone: impl FnOnce() -> Result<Credentials, Unreadable>,
    ) -> Self {
        match read {
            Ok(request) => Self {
                credentials: Ok(Credentials {
                    service_id: request.service_id,
                    username: request.username,
                    password: request.password,
                }),
                batch_reference: request.batch_reference.filter(|name| !name.is_empty()),
                messages: Ok(request.message),
            },
            Err(unreadable) => Self {
                credentials: credentials_alone().map_err(|_| unreadable.clone()),
                batch_reference: None,
                messages: Err(unreadable),
            },
        }
    }

    async fn carry_out(self, desk: &Desk, form: Form) -> Result<Response, Refused> {
        let Credentials {
            service_id,
            username,
            password,
        } = self.credentials?;
        let username = username.unwrap_or_default();
        let password = password.unwrap_or_default().0;
        let caller = presented(service_id, username, password)?;
        let who = match desk.backend.sign_in(&caller.credentials).await {
            Ok(who) => who,
            Err(refusal @ (Refusal::Unauthorized | Refusal::Forbidden { .. })) => {
                let status = desk.options.refused_credentials == RefusedCredentials::Status;
                let messages = self
                    .messages
                    .ok()
                    .filter(|messages| status && (1..=MAX_BULK_SIZE).contains(&messages.len()));
                let Some(messages) = messages else {
                    return Err(refusal.into());
                };
                let answer = refused_each(self.batch_reference, messages, &refusal);
                return Ok(form.answer(&answer));
            }
            Err(other) => return Err(other.into()),
        };
        let messages = self.messages?;
        check_call(&messages, self.batch_reference.as_deref())?;
        let dialect = desk.options.dialect;
        let batch = Batch::read(messages, self.batch_reference, dialect);
        let answer = batch.hand_over(desk, &who).await?;
        Ok(form.answer(&answer))
    }
}

fn check_call(messages: &[wire::Message], batch_reference: Option<&str>) -> Result<(), Refused> {
    if let Some(name) = batch_reference {
        if name.chars().nth(MAX_REFERENCE_LENGTH).is_some() {
            let fault = format!("must have at most {MAX_REFERENCE_LENGTH} characters");
            return Err(Refused::field("batchReference", fault));
        }
        if name.chars().any(reference::is_unprintable) {
            let fault = "must not hold control characters";
            return Err(Refused::field("batchReference", fault));
        }
    }
    match messages.len() {
        0 => Err(Refused::field("message", "is missing or empty")),
        1..=MAX_BULK_SIZE => Ok(()),
        _ => {
            let fault = format!("holds more than {MAX_BULK_SIZE} messages");
            Err(Refused::field("message", fault))
        }
    }
}

/// The old way to say that the credentials are wrong.
fn refused_each(
    batch_reference: Option<String>,
    messages: Vec<wire::Message>,
    refusal: &Refusal,
) -> wire::GatewayResponse {
    let code = match refusal {
        Refusal::Forbidden { .. } => code::ILLEGAL_SERVICE,
        _ => code::ACCESS_ERROR,
    };
    let refused = |message: wire::Message| {
        let mut status = Echo::of(&message).status(code);
        status.status_message = Some(refusal.to_string());
        status
    };
    response(batch_reference, messages.into_iter().map(refused).collect())
}

/// The messages of a call as they were read, in the order of the call.
struct Batch {
    reference: Option<String>,
    dialect: Dialect,
    messages: Vec<(Echo, Result<Submitted, Refusal>)>,
}

impl Batch {
    fn read(messages: Vec<wire::Message>, reference: Option<String>, dialect: Dialect) -> Self {
        let read = |message: wire::Message| {
            let submitted = inward::submitted(&message, dialect);
            let mut echo = Echo::of(&message);
            if let Ok(submitted) = &submitted {
                let number = submitted.message.to.as_str().to_owned();
                echo.recipient = Some(wire::Phone(number));
            }
            (echo, submitted)
        };
        Self {
            reference,
            dialect,
            messages: messages.into_iter().map(read).collect(),
        }
    }

    /// Hands over what could be read, and says of every message what became of it.
    ///
    /// # Errors
    /// A refusal that is about the caller or the server rather than about messages.
    async fn hand_over(
        self,
        desk: &Desk,
        who: &Principal,
    ) -> Result<wire::GatewayResponse, Refused> {
        let dialect = self.dialect;
        let mut readable = Vec::with_capacity(self.messages.len());
        let mut unreadable = Vec::new();
        let mut told = Vec::with_capacity(self.messages.len());
        for (echo, read) in self.messages {
            match read {
                Ok(submitted) => {
                    readable.push(submitted);
                    told.push((echo, None));
                }
                Err(refusal) => {
                    let written = echo.recipient.clone().unwrap_or_default().0;
                    unreadable.push((written, refusal.clone()));
                    told.push((echo, Some(refusal)));
                }
            }
        }
        let n_unreadable = unreadable.len();
        let accepted = if readable.is_empty() {
            Accepted::new(self.reference, Vec::new())
        } else {
            let n_readable = readable.len();
            let submission =
                Submission::batch(readable, unreadable).batch_reference(self.reference.clone());
            match desk.backend.accept(who, submission).await {
                Ok(accepted) => accepted,
                Err(refusal) => {
                    let refusal = about_messages(refusal)?;
                    let verdicts = vec![Err(refusal); n_readable];
                    Accepted::new(self.reference, verdicts)
                }
            }
        };
        let n_taken = accepted.n_taken();
        let n_refused = n_unreadable + accepted.verdicts.len() - n_taken;
        tracing::info!(
            taken = n_taken,
            refused = n_refused,
            "took {n_taken} messages and refused {n_refused}"
        );
        let mut verdicts = accepted.verdicts.into_iter();
        let status = |(echo, fault): (Echo, Option<Refusal>)| match fault {
            Some(refusal) => echo.refused(&refusal, dialect),
            None => match verdicts.next() {
                Some(Ok(taken)) => echo.taken(taken),
                Some(Err(refusal)) => echo.refused(&refusal, dialect),
                None => {
                    let mut status = echo.status(inward::failed(dialect));
                    status.status_message = Some(Failure::Broken.to_string());
                    status
                }
            },
        };
        let statuses = told.into_iter().map(status).collect();
        Ok(response(accepted.batch, statuses))
    }
}

/// A refusal of a whole call that is one of each of its messages, and so is said in their statuses.
fn about_messages(refusal: Refusal) -> Result<Refusal, Refused> {
    match refusal {
        Refusal::Duplicate
        | Refusal::RecipientQuota
        | Refusal::InsufficientCredit
        | Refusal::Forbidden { .. } => Ok(refusal),
        other => Err(other.into()),
    }
}

fn response(
    batch_reference: Option<String>,
    mut statuses: Vec<wire::MessageStatus>,
) -> wire::GatewayResponse {
    for (status, index) in statuses.iter_mut().zip(1..) {
        status.sequence_index = Some(wire::Integer(index));
    }
    wire::GatewayResponse {
        batch_reference,
        message_status: statuses,
    }
}

/// What an answer repeats of a message: as it was written, but for a number that could be read.
struct Echo {
    recipient: Option<wire::Phone>,
    client_reference: Option<String>,
}

impl Echo {
    fn of(message: &wire::Message) -> Self {
        Self {
            recipient: message.recipient.clone(),
            client_reference: message.client_reference.clone(),
        }
    }

    fn status(self, code: i64) -> wire::MessageStatus {
        wire::MessageStatus {
            status_code: Some(wire::Integer(code)),
            client_reference: self.client_reference,
            recipient: self.recipient,
            ..wire::MessageStatus::default()
        }
    }

    fn taken(self, taken: TakenMessage) -> wire::MessageStatus {
        let (code, sentence) = if taken.is_on_hold {
            (code::QUOTA_EXCEEDED, ON_HOLD)
        } else {
            (code::QUEUED, QUEUED)
        };
        let mut status = self.status(code);
        status.status_message = Some(sentence.to_owned());
        status.message_id = Some(taken.id);
        status.session_id = taken.session;
        status
    }

    fn refused(self, refusal: &Refusal, dialect: Dialect) -> wire::MessageStatus {
        let mut status = self.status(inward::status_code(refusal, dialect));
        status.status_message = Some(refusal.to_string());
        status
    }
}
