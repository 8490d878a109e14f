//! The files of messages, for whoever has the address that a list of messages told.

use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::Desk;
use super::answer::Refused;
use super::caller::secret;
use super::fields::Query;
use crate::backend::{MediaAddress, Refusal};
use crate::conversations::Mailbox;
use crate::serve::{self, Failure};

/// `GET /ns-api/?object=message&action=read_media&..`. The older API has other objects and actions;
/// none of them is served.
pub(super) async fn read(
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let query = Query::of(query.as_deref());
    let is = |name, wanted: &str| Ok::<_, Refused>(query.name(name)?.as_deref() == Some(wanted));
    if !is("object", "message")? || !is("action", "read_media")? {
        return Err(Failure::NoSuchPath.into());
    }
    let owner = Mailbox::new(query.required("domain")?, query.required("user")?);
    let address = MediaAddress::new(
        owner,
        query.required("id")?,
        query.required("time")?,
        secret(query.required("auth")?),
    );
    let media = desk.backend.stored_media(&address).await;
    let media = media.map_err(|refusal| match refusal {
        // Whether there is such a file is nothing for whoever has not its address.
        Refusal::Unauthorized | Refusal::Forbidden { .. } | Refusal::Expired => {
            Refused::of(Refusal::NotFound { what: "file" }, &desk.options)
        }
        other => Refused::of(other, &desk.options),
    })?;
    Ok(serve::attachment(&media))
}
