//! Calls between telephones: which are under way, a new one, and what can be done with one.
//!
//! Called by programs. Calls have no neutral words: no other provider has them.

use std::fmt;

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use tidings_core::Timestamp;

use super::client::Client;
use super::path::Path;
use super::sessions::{checked, written};
use super::verdict::{self, Call};
use super::wire::{self, time};
use crate::answer::Answer;
use crate::error::{ErrorKind, Result};
use crate::http::HttpResponse;

const LIST_DOMAIN: Call = Call::asks("list_domain_calls");
const COUNT_DOMAIN: Call = Call::asks("count_domain_calls");
const LIST: Call = Call::asks("list_calls");
const SHOW: Call = Call::asks("active_call");
const START: Call = Call::acts("start_call");
const HANG_UP: Call = Call::acts("hang_up");
const REJECT: Call = Call::acts("reject_call");
const ANSWER: Call = Call::acts("answer_call");
const HOLD: Call = Call::acts("hold_call");
const UNHOLD: Call = Call::acts("unhold_call");
const TRANSFER: Call = Call::acts("transfer_call");

/// A call that is to be made: first the caller's telephone rings, and when it is answered the other
/// one.
#[derive(Clone)]
#[non_exhaustive]
#[must_use]
pub struct NewCall {
    /// Who is called: an extension or a number.
    #[doc(alias = "call-term-user")]
    pub to: String,
    /// The call's id, by which it is found and ended. `None` makes one up.
    #[doc(alias = "call-id")]
    pub id: Option<String>,
    /// Who calls: a user, a device or a number. `None` is the user himself, `user@domain`, and left to
    /// the server where it is not known who that is.
    #[doc(alias = "call-orig-user")]
    pub from: Option<String>,
    /// Whether the answer waits for the call. Default no.
    #[doc(alias = "synchronous")]
    pub waits: bool,
    /// By which rule the next destination is found. Default `call`.
    pub dial_rule_application: String,
    /// Whether the caller's telephone answers by itself. Default no.
    #[doc(alias = "auto-answer-enabled")]
    pub auto_answer: bool,
    /// The number that is shown to who is called.
    pub caller_id_number: Option<String>,
    /// The number that is shown to the caller while his telephone rings.
    pub callback_caller_id_number: Option<String>,
    /// A SIP header for the telephone of who is called.
    #[doc(alias = "call-term-added-sip-header")]
    pub added_sip_header: Option<String>,
}

impl NewCall {
    /// A call from the user to somebody.
    pub fn new(to: impl Into<String>) -> Self {
        Self {
            to: to.into(),
            id: None,
            from: None,
            waits: false,
            dial_rule_application: "call".to_owned(),
            auto_answer: false,
            caller_id_number: None,
            callback_caller_id_number: None,
            added_sip_header: None,
        }
    }

    /// Sets the call's id.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets who calls.
    pub fn from(mut self, user: impl Into<String>) -> Self {
        self.from = Some(user.into());
        self
    }

    /// Sets whether the answer waits for the call.
    pub fn waits(mut self, waits: bool) -> Self {
        self.waits = waits;
        self
    }

    /// Sets whether the caller's telephone answers by itself.
    pub fn auto_answer(mut self, auto_answer: bool) -> Self {
        self.auto_answer = auto_answer;
        self
    }

    /// Sets the number that is shown to who is called.
    pub fn caller_id_number(mut self, number: impl Into<String>) -> Self {
        self.caller_id_number = Some(number.into());
        self
    }
}

/// Leaves numbers out.
impl fmt::Debug for NewCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCall")
            .field("id", &self.id)
            .field("waits", &self.waits)
            .field("auto_answer", &self.auto_answer)
            .finish_non_exhaustive()
    }
}

/// A call that the server has taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartedCall {
    /// Its id: the one that was given, or that was made up.
    pub id: String,
    /// The call, where the answer tells it: when it was to wait.
    pub call: Option<ActiveCall>,
}

/// A call that is under way. What the server does not say is empty.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActiveCall {
    /// The caller's id of it, which calls about it are made with.
    #[doc(alias("call-orig-call-id", "orig_callid"))]
    pub id: String,
    /// The server's id of it.
    #[doc(alias = "call-session-id")]
    pub session_id: String,
    /// The node.
    #[doc(alias("core-server", "hostname"))]
    pub server: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// Who calls.
    pub from: CallParty,
    /// Who is called.
    pub to: CallParty,
    /// Who else acted on it, such as by transferring it.
    pub by: CallParty,
    /// What that was.
    pub by_action: String,
    /// The number that is shown.
    #[doc(alias("caller-id-number", "ani"))]
    pub caller_id: String,
    /// The number that was dialled.
    #[doc(alias("call-dialed-number", "dnis"))]
    pub dialed: String,
    /// The caller's name.
    pub from_name: String,
    /// How the caller was recognised.
    #[doc(alias("call-orig-match-uri", "orig_match"))]
    pub from_match: String,
    /// About the caller's leg.
    #[doc(alias("call-orig-info", "orig_call_info"))]
    pub from_info: String,
    /// About the leg of who is called.
    #[doc(alias("term-orig-info", "term_call_info"))]
    pub to_info: String,
    /// How speech is coded.
    #[doc(alias("call-audio-codec", "media"))]
    pub codec: String,
}

/// One of those who take part in a call.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallParty {
    /// The user.
    pub user: String,
    /// The user's domain.
    pub domain: String,
    /// The id of this leg of the call.
    pub call_id: String,
    /// The SIP address.
    pub uri: String,
}

impl ActiveCall {
    /// Reads a row, under the names of either version of the API. A time that is none is none.
    pub fn from_wire(row: &wire::ActiveCall) -> Self {
        let party =
            |user: &wire::Text, domain: &wire::Text, call: &wire::Text, uri: &str| CallParty {
                user: user.0.clone(),
                domain: domain.0.clone(),
                call_id: call.0.clone(),
                uri: uri.to_owned(),
            };
        Self {
            id: row.call_orig_call_id.0.clone(),
            session_id: row.call_session_id.0.clone(),
            server: row.core_server.0.clone(),
            started_at: time::parse(&row.call_start_datetime.0),
            answered_at: time::parse(&row.call_answer_datetime.0),
            from: party(
                &row.call_orig_user,
                &row.call_orig_domain,
                &row.call_orig_call_id,
                &row.call_orig_uri.0,
            ),
            to: party(
                &row.call_term_user,
                &row.call_term_domain,
                &row.call_term_call_id,
                &row.call_term_uri.0,
            ),
            by: party(
                &row.call_by_user,
                &row.call_by_domain,
                &row.call_by_call_id,
                "",
            ),
            by_action: row.call_by_action.0.clone(),
            caller_id: row.caller_id_number.0.clone(),
            dialed: row.call_dialed_number.0.clone(),
            from_name: row.call_orig_name.0.clone(),
            from_match: row.call_orig_match_uri.0.clone(),
            from_info: row.call_orig_info.0.clone(),
            to_info: row.term_orig_info.0.clone(),
            codec: row.call_audio_codec.0.clone(),
        }
    }
}

/// Whether a call, or one of its legs, has this id.
fn has_id(row: &wire::ActiveCall, id: &str) -> bool {
    let ids = [
        &row.call_orig_call_id,
        &row.call_session_id,
        &row.call_term_call_id,
        &row.call_by_call_id,
    ];
    ids.into_iter().any(|told| told.0 == id)
}

/// Leaves names, numbers and addresses out.
impl fmt::Debug for ActiveCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveCall")
            .field("id", &self.id)
            .field("session_id", &self.session_id)
            .field("server", &self.server)
            .field("started_at", &self.started_at)
            .field("answered_at", &self.answered_at)
            .finish_non_exhaustive()
    }
}

/// Leaves users and addresses out: a user may be a number.
impl fmt::Debug for CallParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallParty")
            .field("domain", &self.domain)
            .field("call_id", &self.call_id)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// The user's calls that are under way.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when a row is none.
    #[doc(alias("get_calls", "read_calls", "CallsAPI"))]
    pub async fn calls(&self) -> Result<Answer<Vec<ActiveCall>>> {
        let path = self.user_path().map(|path| path.fixed("/calls"));
        self.call_rows(LIST, path).await
    }

    /// The calls of all users of the domain that are under way.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for a user who may not see the domain.
    #[doc(alias("get_calls", "read_calls"))]
    pub async fn domain_calls(&self) -> Result<Answer<Vec<ActiveCall>>> {
        let path = Path::domain(&self.shared().domain);
        self.call_rows(LIST_DOMAIN, path.map(|path| path.fixed("/calls")))
            .await
    }

    /// How many calls of the domain are under way.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when the answer holds no number.
    #[doc(alias("get_call_count", "count_calls", "read_calls"))]
    pub async fn count_domain_calls(&self) -> Result<Answer<u64>> {
        let path = Path::domain(&self.shared().domain);
        let path = path.map(|path| path.fixed("/calls/count"));
        self.call(COUNT_DOMAIN, Method::GET, path, None, verdict::read_count)
            .await
    }

    /// One of the user's calls that are under way, by an id of the call or of one of its legs.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none with this id, [`ErrorKind::Protocol`] when the server
    /// gives several others.
    #[doc(alias("get_call", "get_calls", "read_calls"))]
    pub async fn active_call(&self, id: &str) -> Result<Answer<ActiveCall>> {
        let path = self.call_path(id);
        let answer: Answer<Vec<wire::ActiveCall>> = self
            .call(SHOW, Method::GET, path, None, verdict::read_list)
            .await?;
        let mut answer = checked(SHOW, answer, is_call)?;
        if answer.value.is_empty() {
            return Err(SHOW
                .not_sent(ErrorKind::NotFound, "netsapiens knows no such call")
                .with_http(answer.http));
        }
        let rows = &mut answer.value;
        let row = match rows.iter().position(|row| has_id(row, id)) {
            Some(place) => rows.swap_remove(place),
            // The one that was asked for, under an id of the server's.
            None if rows.len() == 1 => rows.swap_remove(0),
            None => {
                let what = "netsapiens gave other calls than the one asked for";
                return Err(SHOW.unreadable(what, answer.http));
            }
        };
        Ok(answer.map(|_| ActiveCall::from_wire(&row)))
    }

    /// Lets the user's telephone call somebody. The id is made up here where none is given, so that
    /// the call can be found and ended whatever becomes of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRecipient`] before anything is sent, when it says nobody to call.
    #[doc(alias("new_call", "make_call"))]
    pub async fn start_call(&self, new: &NewCall) -> Result<Answer<StartedCall>> {
        if new.to.trim().is_empty() {
            return Err(
                START.not_sent(ErrorKind::InvalidRecipient, "a call needs somebody to call")
            );
        }
        let id = match &new.id {
            Some(id) if id.is_empty() => {
                let what = "a call's id must not be empty";
                return Err(START.not_sent(ErrorKind::InvalidMessage, what));
            }
            Some(id) => id.clone(),
            None => self.new_call_id(),
        };
        let from = match &new.from {
            Some(from) => Some(from.clone()),
            None => self.own_uid().await?,
        };
        let text = |text: &Option<String>| wire::Text(text.clone().unwrap_or_default());
        let document = wire::NewCall {
            synchronous: new.waits.into(),
            call_id: id.as_str().into(),
            call_term_user: new.to.trim().into(),
            dial_rule_application: new.dial_rule_application.as_str().into(),
            call_orig_user: text(&from),
            auto_answer_enabled: new.auto_answer.into(),
            caller_id_number: text(&new.caller_id_number),
            callback_caller_id_number: text(&new.callback_caller_id_number),
            call_term_added_sip_header: text(&new.added_sip_header),
        };
        let path = self.user_path().map(|path| path.fixed("/calls"));
        let answer = self
            .call(
                START,
                Method::POST,
                path,
                Some(written(START, &document)?),
                read_started,
            )
            .await?;
        Ok(answer.map(|call| StartedCall { id, call }))
    }

    /// Ends a call of the user.
    pub async fn hang_up(&self, id: &str) -> Result<Answer<()>> {
        let path = self.call_path(id);
        self.call(HANG_UP, Method::DELETE, path, None, verdict::read_done)
            .await
    }

    /// Turns away a call that rings at the user's telephone.
    pub async fn reject_call(&self, id: &str) -> Result<Answer<()>> {
        let path = self.call_path(id).map(|path| path.fixed("/reject"));
        self.call(REJECT, Method::DELETE, path, None, verdict::read_done)
            .await
    }

    /// Answers a call that rings at the user's telephone.
    pub async fn answer_call(&self, id: &str) -> Result<Answer<()>> {
        self.act_on_call(ANSWER, id, "/answer", None).await
    }

    /// Lets a call wait.
    pub async fn hold_call(&self, id: &str) -> Result<Answer<()>> {
        self.act_on_call(HOLD, id, "/hold", None).await
    }

    /// Goes on with a call that waits.
    pub async fn unhold_call(&self, id: &str) -> Result<Answer<()>> {
        self.act_on_call(UNHOLD, id, "/unhold", None).await
    }

    /// Gives a call to somebody else: an extension or a number.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRecipient`] before anything is sent, when it says nobody.
    pub async fn transfer_call(&self, id: &str, to: &str) -> Result<Answer<()>> {
        if to.trim().is_empty() {
            let what = "a call is transferred to somebody";
            return Err(TRANSFER.not_sent(ErrorKind::InvalidRecipient, what));
        }
        let body = written(TRANSFER, &Transfer { to: to.trim() })?;
        self.act_on_call(TRANSFER, id, "/transfer", Some(body))
            .await
    }

    fn call_path(&self, id: &str) -> Option<Path> {
        self.user_path()?.fixed("/calls").part(id)
    }

    async fn call_rows(&self, call: Call, path: Option<Path>) -> Result<Answer<Vec<ActiveCall>>> {
        let answer: Answer<Vec<wire::ActiveCall>> = self
            .call(call, Method::GET, path, None, verdict::read_list)
            .await?;
        let answer = checked(call, answer, is_call)?;
        Ok(answer.map(|rows| rows.iter().map(ActiveCall::from_wire).collect()))
    }

    async fn act_on_call(
        &self,
        call: Call,
        id: &str,
        action: &'static str,
        body: Option<Bytes>,
    ) -> Result<Answer<()>> {
        let path = self.call_path(id).map(|path| path.fixed(action));
        self.call(call, Method::PATCH, path, body, verdict::read_done)
            .await
    }

    /// A call id of our own: when it was made up, and a random part.
    fn new_call_id(&self) -> String {
        let shared = self.shared();
        let stamp = time::write(shared.clock.now());
        let digits: String = stamp.chars().filter(char::is_ascii_digit).collect();
        format!(
            "tidings-{digits}-{}",
            shared.choices.new_sessions.next().as_str()
        )
    }

    /// `user@domain` of whoever is acted for; `None` where only the server knows who that is.
    async fn own_uid(&self) -> Result<Option<String>> {
        let shared = self.shared();
        let (user, domain) = (shared.user.as_str(), shared.domain.as_str());
        if user != "~" && domain != "~" {
            return Ok(Some(format!("{user}@{domain}")));
        }
        shared.sign_in.bearer().await?;
        let Some(token) = self.token() else {
            return Ok(None);
        };
        let own = |set: &str, told: &str| {
            if set == "~" {
                told.to_owned()
            } else {
                set.to_owned()
            }
        };
        if user == "~" && domain == "~" && !token.uid.is_empty() {
            return Ok(Some(token.uid));
        }
        let (user, domain) = (own(user, &token.user), own(domain, &token.domain));
        let is_known = !user.is_empty() && !domain.is_empty();
        Ok(is_known.then(|| format!("{user}@{domain}")))
    }
}

/// The body of a transfer.
#[derive(Serialize)]
struct Transfer<'a> {
    #[serde(rename = "call-term-user")]
    to: &'a str,
}

/// Whether a row is a call: it has an id of one of the two.
fn is_call(row: &wire::ActiveCall) -> bool {
    !row.call_orig_call_id.is_empty() || !row.call_session_id.is_empty()
}

/// Reads the answer to a call that was started: itself, where the answer waited for it.
fn read_started(call: Call, response: &HttpResponse) -> Result<Answer<Option<ActiveCall>>> {
    let answer = verdict::read_done(call, response)?;
    let rows: Option<wire::Rows<wire::ActiveCall>> = serde_json::from_slice(&response.body).ok();
    let row = rows.and_then(|rows| rows.0.into_iter().find(is_call));
    Ok(answer.map(|()| row.as_ref().map(ActiveCall::from_wire)))
}
