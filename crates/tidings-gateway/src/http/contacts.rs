//! `/v1/contacts`, `/v1/groups`, `/v1/opt-outs`: an account's address book, and who does not want texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidings_core::{E164, Region, Timestamp};
use tidings_store::{ContactId, GroupId, OptOut, StoredContact, StoredGroup};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Who;
use super::body::{JsonBody, Path, Query};
use super::error::{Code, Problem, Result};
use super::pages::{self, Listed, PageQuery};
use super::request;
use crate::access::Scope;
use crate::intake::RejectionCode;

/// The most things in one request.
const MAX_AT_ONCE: usize = 10_000;

/// A person in the address book.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub(crate) struct ContactView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: ContactId,
    /// The number.
    phone: String,
    /// Given name.
    first_name: String,
    /// Family name.
    last_name: String,
    /// The person's time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    /// Further fields, for templates.
    fields: BTreeMap<String, String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A person who is to be in the address book.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewContact)]
pub(crate) struct ContactBody {
    /// The number; one account has each number once.
    #[schema(example = "+4790000001")]
    phone: String,
    /// The country of a number that is written without one.
    #[schema(value_type = Option<String>, example = "NO")]
    region: Option<Region>,
    /// Given name.
    #[serde(default)]
    first_name: String,
    /// Family name.
    #[serde(default)]
    last_name: String,
    /// The person's time zone, such as `Europe/Oslo`.
    #[schema(example = "Europe/Oslo")]
    zone: Option<String>,
    /// Further fields, for templates.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// People who are to be in the address book.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewContacts)]
pub(crate) struct ContactsBody {
    /// At most 10,000.
    #[schema(max_items = 10_000)]
    contacts: Vec<ContactBody>,
}

/// What became of contacts that were put into the address book.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PutContacts)]
pub(crate) struct PutView {
    /// The id of each, in their order.
    #[schema(value_type = Vec<String>)]
    ids: Vec<ContactId>,
}

impl ContactView {
    fn of(contact: StoredContact) -> Self {
        let fields = contact.fields.as_deref().unwrap_or("{}");
        Self {
            id: contact.id,
            phone: contact.phone.as_str().to_owned(),
            first_name: contact.first_name.to_string(),
            last_name: contact.last_name.to_string(),
            zone: contact.zone.map(|zone| zone.to_string()),
            fields: serde_json::from_str(fields).unwrap_or_default(),
            created_at: contact.created_at,
        }
    }
}

impl ContactBody {
    fn contact(self, index: usize, id: ContactId, now: Timestamp) -> Result<StoredContact> {
        let phone = number(&self.phone, self.region, || {
            format!("contacts[{index}].phone")
        })?;
        let zone = self.zone.as_deref();
        let zone = zone.map(|name| request::zone("zone", name)).transpose()?;
        let fields = (!self.fields.is_empty()).then(|| {
            let text = serde_json::to_string(&self.fields);
            text.expect("texts can be written as JSON").into()
        });
        Ok(StoredContact {
            id,
            phone,
            first_name: self.first_name.into(),
            last_name: self.last_name.into(),
            zone,
            fields,
            created_at: now,
        })
    }
}

/// Reads a number; a wrong one is named by where it stands.
fn number(text: &str, region: Option<Region>, field: impl FnOnce() -> String) -> Result<E164> {
    E164::parse(text, region).map_err(|fault| {
        let code = Code::Rejected(RejectionCode::InvalidRecipient);
        Problem::new(code, fault.to_string()).at(field())
    })
}

/// Which contacts are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContactQuery {
    /// Of this group.
    #[param(value_type = Option<String>, format = "uuid")]
    group: Option<GroupId>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
    /// At most so many: 1 to 500, otherwise 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists contacts in the order in which they were added.
#[utoipa::path(
    get,
    path = "/v1/contacts",
    tag = "contacts",
    params(ContactQuery),
    responses((status = 200, description = "A page of contacts", body = Listed<ContactView>)),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(query): Query<ContactQuery>,
) -> Result<Json<Listed<ContactView>>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    contacts_of(&api, &who, query.group, page).await
}

async fn contacts_of(
    api: &Api,
    who: &Who,
    group: Option<GroupId>,
    page: PageQuery,
) -> Result<Json<Listed<ContactView>>> {
    who.may(Scope::Read)?;
    if let Some(group) = group {
        let groups = api.gateway.store().groups(who.account()).await?;
        if !groups.iter().any(|known| known.id == group) {
            return Err(Problem::not_found("group"));
        }
    }
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let listed = api.gateway.store().contacts(who.account(), group, page);
    let listed = listed
        .await
        .map_err(|error| pages::page_fault(error, has_cursor))?;
    Ok(Json(Listed::of(listed, ContactView::of)))
}

/// Puts contacts into the address book.
///
/// A contact whose number is there already is changed and keeps its id.
#[utoipa::path(
    post,
    path = "/v1/contacts",
    tag = "contacts",
    request_body = ContactsBody,
    responses((status = 200, description = "They are there", body = PutView)),
)]
pub(crate) async fn put(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    JsonBody(body): JsonBody<ContactsBody>,
) -> Result<Json<PutView>> {
    who.may(Scope::Manage)?;
    check_count("contacts", body.contacts.len())?;
    let now = api.gateway.now();
    let contacts = body.contacts.into_iter().enumerate();
    let contacts: Result<Vec<StoredContact>> = contacts
        .map(|(index, contact)| contact.contact(index, ContactId(api.gateway.new_id()), now))
        .collect();
    let ids = api
        .gateway
        .store()
        .put_contacts(who.account(), contacts?)
        .await?;
    Ok(Json(PutView { ids }))
}

fn check_count(field: &'static str, n_things: usize) -> Result<()> {
    if n_things <= MAX_AT_ONCE {
        return Ok(());
    }
    let detail = format!("one request takes {MAX_AT_ONCE}");
    Err(Problem::of_field(field, detail))
}

/// Shows one contact.
#[utoipa::path(
    get,
    path = "/v1/contacts/{id}",
    tag = "contacts",
    params(("id" = String, Path, format = "uuid", description = "The contact")),
    responses((status = 200, description = "The contact", body = ContactView)),
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<ContactId>,
) -> Result<Json<ContactView>> {
    who.may(Scope::Read)?;
    let found = api.gateway.store().contact(who.account(), id).await?;
    let contact = found.ok_or_else(|| Problem::not_found("contact"))?;
    Ok(Json(ContactView::of(contact)))
}

/// Removes a contact, also from all groups.
#[utoipa::path(
    delete,
    path = "/v1/contacts/{id}",
    tag = "contacts",
    params(("id" = String, Path, format = "uuid", description = "The contact")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<ContactId>,
) -> Result<StatusCode> {
    who.may(Scope::Manage)?;
    let store = api.gateway.store();
    let was_there = store.remove_contact(who.account(), id).await?;
    gone(was_there, "contact")
}

fn gone(was_there: bool, what: &'static str) -> Result<StatusCode> {
    if was_there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(what))
    }
}

/// A named set of contacts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub(crate) struct GroupView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: GroupId,
    /// What people call it.
    name: String,
    /// How many contacts are in it.
    members: u64,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl GroupView {
    fn of(group: &StoredGroup) -> Self {
        Self {
            id: group.id,
            name: group.name.to_string(),
            members: group.n_members,
            created_at: group.created_at,
        }
    }
}

/// A group that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewGroup)]
pub(crate) struct GroupBody {
    /// What people call it; one account has each name once.
    #[schema(min_length = 1, max_length = 255, example = "Customers")]
    name: String,
}

/// Lists all groups.
#[utoipa::path(
    get,
    path = "/v1/groups",
    tag = "contacts",
    responses((status = 200, description = "The groups", body = Listed<GroupView>)),
)]
pub(crate) async fn groups(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
) -> Result<Json<Listed<GroupView>>> {
    who.may(Scope::Read)?;
    let groups = api.gateway.store().groups(who.account()).await?;
    let groups = groups.iter().map(GroupView::of).collect();
    Ok(Json(Listed::whole(groups)))
}

/// Makes an empty group.
#[utoipa::path(
    post,
    path = "/v1/groups",
    tag = "contacts",
    request_body = GroupBody,
    responses((status = 201, description = "It is there", body = GroupView)),
)]
pub(crate) async fn add_group(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    JsonBody(GroupBody { name }): JsonBody<GroupBody>,
) -> Result<(StatusCode, Json<GroupView>)> {
    who.may(Scope::Manage)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Problem::of_field("name", "a name has 1 to 255 characters"));
    }
    let group = StoredGroup {
        id: GroupId(api.gateway.new_id()),
        name: name.into(),
        n_members: 0,
        created_at: api.gateway.now(),
    };
    let added = api.gateway.store().add_group(who.account(), group.clone());
    added.await?;
    Ok((StatusCode::CREATED, Json(GroupView::of(&group))))
}

/// Removes a group; its contacts stay.
#[utoipa::path(
    delete,
    path = "/v1/groups/{id}",
    tag = "contacts",
    params(("id" = String, Path, format = "uuid", description = "The group")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn remove_group(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<GroupId>,
) -> Result<StatusCode> {
    who.may(Scope::Manage)?;
    let was_there = api.gateway.store().remove_group(who.account(), id).await?;
    gone(was_there, "group")
}

/// Lists the contacts of a group.
#[utoipa::path(
    get,
    path = "/v1/groups/{id}/members",
    tag = "contacts",
    params(("id" = String, Path, format = "uuid", description = "The group"), PageQuery),
    responses((status = 200, description = "A page of contacts", body = Listed<ContactView>)),
)]
pub(crate) async fn members(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<GroupId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<ContactView>>> {
    contacts_of(&api, &who, Some(id), page).await
}

/// Contacts of a group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Members)]
pub(crate) struct MembersBody {
    /// Their ids, at most 10,000.
    #[schema(value_type = Vec<String>, max_items = 10_000)]
    contacts: Vec<ContactId>,
}

/// Puts contacts into a group.
#[utoipa::path(
    post,
    path = "/v1/groups/{id}/members",
    tag = "contacts",
    params(("id" = String, Path, format = "uuid", description = "The group")),
    request_body = MembersBody,
    responses((status = 204, description = "They are in it")),
)]
pub(crate) async fn add_members(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(id): Path<GroupId>,
    JsonBody(body): JsonBody<MembersBody>,
) -> Result<StatusCode> {
    who.may(Scope::Manage)?;
    check_count("contacts", body.contacts.len())?;
    let store = api.gateway.store();
    store.add_members(who.account(), id, body.contacts).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a contact out of a group.
#[utoipa::path(
    delete,
    path = "/v1/groups/{id}/members/{contact}",
    tag = "contacts",
    params(
        ("id" = String, Path, format = "uuid", description = "The group"),
        ("contact" = String, Path, format = "uuid", description = "The contact"),
    ),
    responses((status = 204, description = "It is not in it")),
)]
pub(crate) async fn remove_member(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path((id, contact)): Path<(GroupId, ContactId)>,
) -> Result<StatusCode> {
    who.may(Scope::Manage)?;
    let store = api.gateway.store();
    store
        .remove_members(who.account(), id, vec![contact])
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A number that does not want texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OptOut)]
pub(crate) struct OptOutView {
    /// The number.
    phone: String,
    /// From this sender; otherwise from all.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    /// How it came: `inbound`, `api` or `import`.
    source: String,
    /// The word that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl OptOutView {
    fn of(opt_out: &OptOut) -> Self {
        Self {
            phone: opt_out.phone.as_str().to_owned(),
            sender: opt_out.sender.as_deref().map(str::to_owned),
            source: opt_out.source.to_string(),
            word: opt_out.word.as_deref().map(str::to_owned),
            since: opt_out.since,
        }
    }
}

/// Numbers that do not want texts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOptOuts)]
pub(crate) struct OptOutsBody {
    /// The numbers, at most 10,000.
    #[schema(max_items = 10_000)]
    phones: Vec<String>,
    /// From this sender alone.
    sender: Option<String>,
    /// The country of numbers that are written without one.
    #[schema(value_type = Option<String>, example = "NO")]
    region: Option<Region>,
    /// `api`, or `import` for a list from elsewhere.
    #[schema(value_type = Option<String>, pattern = "^(api|import)$")]
    source: Option<Source>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    #[default]
    Api,
    Import,
}

/// How many numbers were added.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddedOptOuts)]
pub(crate) struct AddedView {
    /// Those that were not there yet.
    added: u64,
}

/// Lists opt-outs, the latest first.
#[utoipa::path(
    get,
    path = "/v1/opt-outs",
    tag = "contacts",
    params(PageQuery),
    responses((status = 200, description = "A page of opt-outs", body = Listed<OptOutView>)),
)]
pub(crate) async fn opt_outs(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listed<OptOutView>>> {
    who.may(Scope::Read)?;
    let page = page.request()?;
    let has_cursor = page.after.is_some();
    let listed = api.gateway.store().opt_outs(who.account(), page).await;
    let listed = listed.map_err(|error| pages::page_fault(error, has_cursor))?;
    Ok(Json(Listed::of(listed, |opt_out| OptOutView::of(&opt_out))))
}

/// Adds numbers that do not want texts.
#[utoipa::path(
    post,
    path = "/v1/opt-outs",
    tag = "contacts",
    request_body = OptOutsBody,
    responses((status = 200, description = "They get no more texts", body = AddedView)),
)]
pub(crate) async fn add_opt_outs(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    JsonBody(body): JsonBody<OptOutsBody>,
) -> Result<Json<AddedView>> {
    who.may(Scope::Manage)?;
    check_count("phones", body.phones.len())?;
    let now = api.gateway.now();
    let source = match body.source.unwrap_or_default() {
        Source::Api => "api",
        Source::Import => "import",
    };
    let sender = body.sender.map(Arc::<str>::from);
    let phones = body.phones.iter().enumerate();
    let opt_outs: Result<Vec<OptOut>> = phones
        .map(|(index, phone)| {
            Ok(OptOut {
                phone: number(phone, body.region, || format!("phones[{index}]"))?,
                sender: sender.clone(),
                source: source.into(),
                word: None,
                since: now,
            })
        })
        .collect();
    let store = api.gateway.store();
    let added = store.add_opt_outs(who.account(), opt_outs?, now).await?;
    api.gateway.signals().happened();
    Ok(Json(AddedView { added }))
}

/// Lets a number get texts again.
#[utoipa::path(
    delete,
    path = "/v1/opt-outs/{phone}",
    tag = "contacts",
    params(("phone" = String, Path, description = "The number, with + (as %2B) and country code")),
    responses((status = 204, description = "It gets texts again")),
)]
pub(crate) async fn remove_opt_out(
    State(api): State<Arc<Api>>,
    Extension(who): Extension<Who>,
    Path(phone): Path<String>,
) -> Result<StatusCode> {
    who.may(Scope::Manage)?;
    let phone = E164::parse(&phone, None).map_err(|_| Problem::not_found("opt-out"))?;
    let now = api.gateway.now();
    let store = api.gateway.store();
    let was_there = store.remove_opt_outs(who.account(), &phone, now).await?;
    api.gateway.signals().happened();
    gone(was_there, "opt-out")
}
