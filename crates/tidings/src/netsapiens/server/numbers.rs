//! The numbers that texts go out from and come in to.

use axum::extract::{RawQuery, Request};
use axum::response::Response;

use super::answer::{self, Refused};
use super::caller::{Caller, Place};
use super::fields::{self, Query};
use crate::conversations::Page;
use crate::netsapiens::map::{inward, outward};
use crate::netsapiens::wire;
use crate::numbers::OwnNumber;

/// `GET /smsnumbers`.
pub(super) async fn list_all(
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let wanted = Wanted::read(query.as_deref())?;
    let found = caller.backend();
    let found = found.numbers(caller.who(), None, wanted.owner.as_deref(), wanted.page);
    let found = found.await.map_err(|refusal| caller.refused(refusal))?;
    Ok(answer::document(&rows(&found, None)))
}

/// `GET /domains/{domain}/smsnumbers`.
pub(super) async fn list_of_domain(
    caller: Caller,
    place: Place,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let wanted = Wanted::read(query.as_deref())?;
    of(&caller, &place, domain, wanted.owner, wanted.page).await
}

/// `GET /domains/{domain}/users/{user}/smsnumbers`.
pub(super) async fn list(
    caller: Caller,
    place: Place,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let domain = place.domain_or_all(&caller)?;
    let user = place.user_or_all(&caller)?;
    let wanted = Wanted::read(query.as_deref())?;
    of(&caller, &place, domain, user, wanted.page).await
}

async fn of(
    caller: &Caller,
    place: &Place,
    domain: Option<String>,
    user: Option<String>,
    page: Page,
) -> Result<Response, Refused> {
    let (domain, user) = (domain.as_deref(), user.as_deref());
    let found = caller.backend();
    let found = found.numbers(caller.who(), domain, user, page).await;
    let found = found.map_err(|refusal| place.refused(caller, refusal))?;
    Ok(answer::document(&rows(&found, domain)))
}

/// `GET /domains/{domain}/users/{user}/smsnumbers/count`.
pub(super) async fn count(caller: Caller, place: Place) -> Result<Response, Refused> {
    let owner = place.owner(&caller)?;
    let total = caller.backend().count_numbers(caller.who(), &owner).await;
    let total = total.map_err(|refusal| place.refused(&caller, refusal))?;
    let answer = wire::Total {
        total: outward::whole(total),
    };
    Ok(answer::document(&answer))
}

/// `POST /domains/{domain}/smsnumbers`.
pub(super) async fn add(
    caller: Caller,
    place: Place,
    request: Request,
) -> Result<Response, Refused> {
    let domain = place.domain(&caller)?;
    let wanted: wire::NumberAssignment = fields::read(request).await?;
    let number = fields::required_name("number", &wanted.number)?;
    let number = assignment(&wanted, read_number("number", &number)?)?;
    let added = caller
        .backend()
        .add_number(caller.who(), &domain, number)
        .await;
    let added = added.map_err(inward::number_field);
    added.map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::accepted())
}

/// `PUT /domains/{domain}/smsnumbers/{smsnumber}`.
pub(super) async fn change(
    caller: Caller,
    place: Place,
    request: Request,
) -> Result<Response, Refused> {
    let domain = place.domain(&caller)?;
    let number = read_number("smsnumber", place.id("smsnumber")?)?;
    let number = assignment(&fields::read(request).await?, number)?;
    let changed = caller.backend();
    let changed = changed.change_number(caller.who(), &domain, number).await;
    let changed = changed.map_err(inward::number_field);
    changed.map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::accepted())
}

/// `DELETE /domains/{domain}/smsnumbers/{smsnumber}`.
pub(super) async fn remove(caller: Caller, place: Place) -> Result<Response, Refused> {
    let domain = place.domain(&caller)?;
    let number = read_number("smsnumber", place.id("smsnumber")?)?;
    let removed = caller.backend();
    let removed = removed.remove_number(caller.who(), &domain, &number).await;
    removed.map_err(|refusal| place.refused(&caller, refusal))?;
    Ok(answer::accepted())
}

/// What a number is used for, by whom, over which carrier.
fn assignment(wanted: &wire::NumberAssignment, number: String) -> Result<OwnNumber, Refused> {
    let application = fields::required_name("application", &wanted.application)?;
    let assignment = OwnNumber::new(number, application);
    let assignment = assignment.owner(fields::name("dest", &wanted.dest)?);
    Ok(assignment.carrier(fields::name("carrier", &wanted.carrier)?))
}

/// A number in the neutral form, from whatever form it is written in.
fn read_number(field: &'static str, written: &str) -> Result<String, Refused> {
    let number = inward::read_number(written).map_err(|fault| Refused::wrong(field, fault))?;
    Ok(number.as_str().to_owned())
}

/// Which part of a list of numbers is wanted.
struct Wanted {
    owner: Option<String>,
    page: Page,
}

impl Wanted {
    fn read(query: Option<&str>) -> Result<Self, Refused> {
        let query = Query::of(query);
        let owner = query.name("dest")?.filter(|dest| dest != "*");
        let page = query.page()?;
        Ok(Self { owner, page })
    }
}

fn rows(found: &[OwnNumber], domain: Option<&str>) -> Vec<wire::SmsNumber> {
    let row = |number| outward::number(number, domain);
    found.iter().map(row).collect()
}
