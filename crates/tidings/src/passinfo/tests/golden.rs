//! The golden exchanges in `testdata/`: each names the vendor's paper that it comes from. The wire's
//! types, the translation, the client and the server are held against the same files.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidings_core::{Message, ReportedState};

use super::super::{map, wire};
use super::sender;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) call: String,
    source: String,
    read_on: String,
    #[expect(dead_code, reason = "for readers of the file")]
    note: Option<String>,
    pub(super) request: GoldenRequest,
    pub(super) answer: GoldenAnswer,
}

#[derive(Deserialize)]
pub(super) struct GoldenRequest {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
pub(super) struct GoldenAnswer {
    pub(super) status: u16,
    body: Box<RawValue>,
}

impl Exchange {
    /// The bytes of the request's body; none for a call without one.
    pub(super) fn sent(&self) -> &str {
        self.request.body.as_ref().map_or("", |body| body.get())
    }

    pub(super) fn answered(&self) -> &str {
        self.answer.body.get()
    }
}

/// All exchanges, by the names of their files.
pub(super) fn exchanges() -> BTreeMap<String, Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/passinfo/testdata/exchanges");
    let files = std::fs::read_dir(folder).unwrap();
    let exchange = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let exchange = serde_json::from_str(&text);
        (
            name.clone(),
            exchange.unwrap_or_else(|error| panic!("{name}: {error}")),
        )
    };
    files.map(exchange).collect()
}

#[test]
fn every_call_has_an_exchange_and_every_exchange_a_source() {
    let exchanges = exchanges();
    let calls: std::collections::BTreeSet<&str> = exchanges
        .values()
        .map(|exchange| exchange.call.as_str())
        .collect();
    let expected = [
        "add_contact_to_group",
        "batch_status",
        "contacts",
        "create_contact",
        "create_group",
        "credits",
        "groups",
        "link_users",
        "message_status",
        "renew_api_key",
        "send_bulk",
        "send_message",
        "send_to_group",
    ];
    assert_eq!(calls, expected.into_iter().collect());
    for (name, exchange) in &exchanges {
        let first = exchange.source.split(':').next().unwrap();
        assert!(
            ["R", "P", "N"].contains(&first),
            "{name}: {}",
            exchange.source
        );
        assert_eq!(exchange.read_on, "2026-11-21", "{name}");
    }
}

/// Decoding and encoding gives the same bytes.
#[track_caller]
fn survives<T: Serialize + DeserializeOwned>(name: &str, json: &str) -> T {
    let read: T = serde_json::from_str(json).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(serde_json::to_string(&read).unwrap(), json, "{name}");
    read
}

#[track_caller]
fn encodes_to(name: &str, value: &impl Serialize, json: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), json, "{name}");
}

#[test]
fn requests_survive_the_wire_types_and_the_translation() {
    for (name, exchange) in &exchanges() {
        let sent = exchange.sent();
        match exchange.call.as_str() {
            "send_message" => {
                let read: wire::SingleMessage = survives(name, sent);
                let message = Message::new(
                    map::read_number(&read.contact.0, "contact").unwrap(),
                    read.message,
                )
                .from(map::read_sender(&read.sender_name).unwrap());
                let again = wire::SingleMessage {
                    message: message.text.to_string(),
                    contact: map::national(&message.to).unwrap(),
                    sender_name: map::sender_name(message.from.as_ref().unwrap()).unwrap(),
                };
                encodes_to(name, &again, sent);
            }
            "send_bulk" => {
                let read: wire::BulkMessage = survives(name, sent);
                let national = |written: &wire::Phone| {
                    map::national(&map::read_number(&written.0, "contacts").unwrap()).unwrap()
                };
                let again = wire::BulkMessage {
                    contacts: read.contacts.iter().map(national).collect(),
                    sender_name: map::sender_name(&sender()).unwrap(),
                    ..read
                };
                encodes_to(name, &again, sent);
            }
            "send_to_group" => drop(survives::<wire::GroupMessage>(name, sent)),
            "create_contact" => {
                let read: wire::AddContact = survives(name, sent);
                let phone = map::read_number(&read.phone_number.0, "phone_number").unwrap();
                let again = wire::AddContact {
                    phone_number: map::national(&phone).unwrap(),
                    ..read
                };
                encodes_to(name, &again, sent);
            }
            "link_users" => drop(survives::<wire::AddUsers>(name, sent)),
            "add_contact_to_group" => drop(survives::<wire::AddToGroup>(name, sent)),
            "create_group" => drop(survives::<wire::CreateGroup>(name, sent)),
            "renew_api_key" => drop(survives::<wire::RenewKey>(name, sent)),
            "message_status" | "batch_status" | "credits" | "contacts" | "groups" => {
                assert_eq!(sent, "", "{name}");
            }
            other => panic!("{name}: unknown call {other}"),
        }
    }
}

#[test]
fn answers_survive_the_wire_types() {
    for (name, exchange) in &exchanges() {
        let answered = exchange.answered();
        match exchange.call.as_str() {
            "send_message" => drop(survives::<wire::SendAnswer>(name, answered)),
            "send_bulk" => drop(survives::<wire::BulkAnswer>(name, answered)),
            "send_to_group" => drop(survives::<wire::GroupAnswer>(name, answered)),
            "message_status" => drop(survives::<wire::StatusAnswer>(name, answered)),
            "batch_status" => drop(survives::<wire::BulkStatusAnswer>(name, answered)),
            "credits" => drop(survives::<wire::BalanceAnswer>(name, answered)),
            "renew_api_key" => drop(survives::<wire::RenewAnswer>(name, answered)),
            "create_contact" => drop(survives::<wire::AddContactAnswer>(name, answered)),
            "contacts" => drop(survives::<wire::ContactsAnswer>(name, answered)),
            "link_users" | "add_contact_to_group" => {
                drop(survives::<wire::DoneAnswer>(name, answered));
            }
            "groups" => drop(survives::<wire::GroupsAnswer>(name, answered)),
            "create_group" => drop(survives::<wire::CreateGroupAnswer>(name, answered)),
            other => panic!("{name}: unknown call {other}"),
        }
    }
}

/// Reads a golden answer, translates it into neutral types, and writes it as our server would.
#[test]
fn answers_survive_the_translation() {
    use crate::backend::{BatchView, MessageView};

    let exchanges = exchanges();
    let answered = |name: &str| exchanges[name].answered().to_owned();
    let at = "2024-01-20T15:30:45Z".parse().unwrap();

    let name = "message_status.package";
    let read: wire::StatusAnswer = survives(name, &answered(name));
    let report = map::delivery_report(tidings_core::ProviderRef::message("1234567890"), &read);
    assert_eq!(report.state, ReportedState::Delivered);
    let view = MessageView::new(
        report.about.message.unwrap(),
        report.state,
        report.at.unwrap(),
    );
    encodes_to(name, &map::status_answer(&view), &answered(name));

    let name = "batch_status.package";
    let read: wire::BulkStatusAnswer = survives(name, &answered(name));
    let status = map::batch_status(&read);
    let mut view = BatchView::new("1234567890", at);
    view.successful = status.successful.unwrap();
    view.failed = status.failed.unwrap();
    view.pending = status.pending.unwrap();
    encodes_to(name, &map::bulk_status_answer(&view), &answered(name));

    let name = "send_bulk.readme";
    let read: wire::BulkAnswer = survives(name, &answered(name));
    let receipt = map::bulk_receipt(&read, 3);
    let queued = usize::try_from(receipt.queued).unwrap();
    let again = map::bulk_answer(receipt.batch_id.as_deref(), queued, 0);
    encodes_to(name, &again, &answered(name));

    let name = "send_to_group.readme";
    let read: wire::GroupAnswer = survives(name, &answered(name));
    let receipt = map::group_receipt(&read).unwrap();
    assert_eq!((receipt.group_size, receipt.queued), (50, 50));
    encodes_to(name, &map::group_answer(None, 50, 50), &answered(name));

    let name = "contacts.readme";
    let read: wire::ContactsAnswer = survives(name, &answered(name));
    let page = map::contact_page(read, 1);
    encodes_to(name, &map::contacts_answer(&page), &answered(name));

    let name = "groups.package";
    let read: wire::GroupsAnswer = survives(name, &answered(name));
    let groups = map::groups(read).unwrap();
    encodes_to(name, &map::groups_answer(&groups), &answered(name));

    let name = "create_group.node";
    let read: wire::CreateGroupAnswer = survives(name, &answered(name));
    let group = map::created_group(read, "Conakry").unwrap();
    encodes_to(name, &map::create_group_answer(&group), &answered(name));

    for name in ["link_users.package", "add_contact_to_group.package"] {
        encodes_to(name, &map::done_answer(), &answered(name));
    }

    // Our server gives these two more than the papers show: the id under both names.
    let both = serde_json::to_string(&map::send_answer("123")).unwrap();
    assert_eq!(
        both,
        r#"{"status":"success","message_id":"123","message":"123"}"#
    );
}
