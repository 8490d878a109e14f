//! Calls between telephones: listed, counted, begun and ended.

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;

use super::answer::{self, Refused};
use super::caller::{Caller, Place, Seen};
use super::fields;
use crate::backend::{NewPhoneCall, PhoneCall, Refusal};
use crate::netsapiens::map::{inward, outward};
use crate::netsapiens::wire;

/// `GET /domains/{domain}/calls`.
pub(super) async fn list_of_domain(
    caller: Caller,
    place: Place,
    seen: Seen,
) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let found = under_way(&caller, &place, domain.as_deref(), None).await?;
    Ok(answer::document(&rows(&found, &caller, &seen)))
}

/// `GET /domains/{domain}/calls/count`.
pub(super) async fn count(caller: Caller, place: Place) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let found = under_way(&caller, &place, domain.as_deref(), None).await?;
    let answer = wire::Total {
        total: outward::whole(found.len()),
    };
    Ok(answer::document(&answer))
}

/// `GET /domains/{domain}/users/{user}/calls`.
pub(super) async fn list(caller: Caller, place: Place, seen: Seen) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let user = place.user_or_all(&caller)?;
    let found = under_way(&caller, &place, domain.as_deref(), user.as_deref()).await?;
    Ok(answer::document(&rows(&found, &caller, &seen)))
}

/// `GET /domains/{domain}/users/{user}/calls/{callid}`: by the id that its maker gave it, or by ours.
pub(super) async fn one(caller: Caller, place: Place, seen: Seen) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let id = place.id("callid")?;
    let found = under_way(&caller, &place, Some(&owner.domain), Some(&owner.user)).await?;
    let found = found
        .iter()
        .find(|call| call.id == id || call.session == id);
    let what = "call";
    let found = found.ok_or_else(|| caller.refused(Refusal::NotFound { what }))?;
    Ok(answer::document(&row(found, &caller, &seen)))
}

/// `POST /domains/{domain}/users/{user}/calls`: 202, or 200 with the call where the caller wants to
/// wait for it.
pub(super) async fn start(
    caller: Caller,
    place: Place,
    seen: Seen,
    request: Request,
) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let wanted: wire::NewCall = fields::read(request).await?;
    let is_synchronous = wanted.synchronous.0.unwrap_or(false);
    let from = fields::name("call-orig-user", &wanted.call_orig_user)?;
    let from = from.unwrap_or_else(|| owner.to_string());
    let id = fields::required_name("call-id", &wanted.call_id)?;
    let to = fields::required_name("call-term-user", &wanted.call_term_user)?;
    let mut call = NewPhoneCall::new(id, from, to);
    call.caller_id = fields::name("caller-id-number", &wanted.caller_id_number)?;
    call.auto_answer = wanted.auto_answer_enabled.0.unwrap_or(false);
    let started = caller
        .backend()
        .start_call(caller.who(), &owner, call)
        .await;
    let started = started.map_err(inward::call_field);
    let started = started.map_err(|refusal| match refusal {
        Refusal::Duplicate => Refused::Exists("Call"),
        refusal => place.refused(&caller, refusal),
    })?;
    Ok(if is_synchronous {
        answer::document(&row(&started, &caller, &seen))
    } else {
        answer::accepted()
    })
}

/// `DELETE /domains/{domain}/users/{user}/calls/{callid}`.
pub(super) async fn end(caller: Caller, place: Place) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let id = place.id("callid")?;
    let ended = caller.backend().end_call(caller.who(), &owner, id).await;
    ended.map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::said(StatusCode::OK, "OK"))
}

async fn under_way(
    caller: &Caller,
    place: &Place,
    domain: Option<&str>,
    user: Option<&str>,
) -> Result<Vec<PhoneCall>, Refused> {
    let found = caller.backend().calls(caller.who(), domain, user).await;
    found.map_err(|refusal| place.refused(caller, refusal))
}

fn rows(found: &[PhoneCall], caller: &Caller, seen: &Seen) -> Vec<wire::ActiveCall> {
    let rows = found.iter().map(|call| row(call, caller, seen));
    rows.collect()
}

fn row(call: &PhoneCall, caller: &Caller, seen: &Seen) -> wire::ActiveCall {
    outward::call(call, &seen.host(caller.options()))
}
