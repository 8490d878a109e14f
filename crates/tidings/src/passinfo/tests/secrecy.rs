//! No key, no text and no whole number in what is shown or logged.

use futures_util::StreamExt;
use tidings_core::{ClientRef, Message, ProviderRef};
use tracing::Instrument;

use super::super::{map, wire};
use super::scripted::{KEY, Reply, Scripted};
use super::{guinea, sender};
use crate::provider::{Outbound, Provider};
use crate::tests::log::{CapturedLog, check_clean};

const TEXT: &str = "Votre code est 314159";
const NEW_KEY: &str = "brand-new-key-4242";

const SECRETS: [&str; 8] = [
    KEY,
    NEW_KEY,
    TEXT,
    "314159",
    "622000001",
    "622000002",
    "Mariama",
    "Camara",
];

/// Answers every call with a success, or with a failure that repeats what was sent.
fn answer(seen: &super::scripted::Seen, fails: bool) -> Reply {
    if fails {
        return Reply::status(
            400,
            "",
            format!(r#"{{"message":"{TEXT} to 622000001 with {KEY}"}}"#),
        );
    }
    let body = match seen.path.split(['?']).next().unwrap() {
        "/v1/user/get_solde" => r#"{"solde":1}"#.to_owned(),
        "/v1/user/renew_api_key" => format!(r#"{{"new_api_key":"{NEW_KEY}"}}"#),
        "/v1/groupe/get_all_my_groupes" => "[]".to_owned(),
        "/v1/contact/all_my_contacts" => {
            r#"{"contacts":[{"id":1,"first_name":"Mariama","last_name":"Camara","phone_number":"622000001"}],"total":1}"#.to_owned()
        }
        path if path.contains("get_single_status") => {
            format!(r#"{{"status":"failed","error_message":"{TEXT} to 622000001"}}"#)
        }
        path if path.contains("get_bulk_status") => {
            r#"{"status":"completed","successful":1,"failed":1,"pending":0,"error_details":[{"contact":"622000001","error":"Mariama"}]}"#.to_owned()
        }
        _ => r#"{"status":"success","success":true,"message_id":"1","id":"1","name":"g","group_size":1,"messages_queued":1,"successful_sends":2,"failed_sends":0}"#.to_owned(),
    };
    Reply::ok(body)
}

/// Every call once; what came back or went wrong, as `Debug` shows it.
async fn full_run(fails: bool) -> String {
    let server = Scripted::start(move |seen| answer(seen, fails)).await;
    let client = server.client();
    let outbound = |number| {
        let message = Message::new(guinea(number), TEXT).from(sender());
        Outbound::new(ClientRef::new("r").unwrap(), message)
    };
    let to = [guinea(1), guinea(2)];
    let mut shown = format!("{client:?} {:?}", server.builder());
    let mut show = |part: String| shown.push_str(&part);
    show(format!("{:?}", client.send(&guinea(1), TEXT, None).await));
    show(format!("{:?}", client.send_bulk(&to, TEXT, None).await));
    show(format!("{:?}", client.send_to_group("g", TEXT, None).await));
    show(format!(
        "{:?}",
        client
            .submit(&[outbound(1), outbound(2), outbound(1)])
            .await
    ));
    show(format!(
        "{:?}",
        client.message_status("1").await.map(|report| report.state)
    ));
    show(format!("{:?}", client.batch_status("1").await));
    let refs = [ProviderRef::batch_member("1", guinea(1))];
    show(format!(
        "{:?}",
        client
            .status(&refs)
            .await
            .map(|reports| reports[0].about.clone())
    ));
    show(format!("{:?}", client.credits().await));
    show(format!(
        "{:?}",
        client.create_contact("Mariama", "Camara", &guinea(1)).await
    ));
    show(format!("{:?}", client.contacts_page(1, 10).await));
    show(format!(
        "{:?}",
        client.all_contacts(10).collect::<Vec<_>>().await
    ));
    show(format!("{:?}", client.link_users("1", &["2"]).await));
    show(format!("{:?}", client.groups().await));
    show(format!("{:?}", client.create_group("g").await));
    show(format!("{:?}", client.add_contact_to_group("1", "2").await));
    show(format!("{:?}", client.renew_api_key().await));
    shown
}

#[tokio::test]
async fn the_log_and_the_debug_output_of_a_full_run_hold_no_secret() {
    let log = CapturedLog::start();
    for fails in [false, true] {
        let span = tracing::info_span!("run", fails);
        check_clean(&full_run(fails).instrument(span).await, &SECRETS);
    }
    // It is the log of the run, with ids in it.
    let expected = [
        "send_message_bulk",
        "passinfo took message 1",
        "passinfo call failed",
    ];
    log.check(&expected, &SECRETS);
}

#[test]
fn the_wire_types_show_no_secret() {
    let phone = map::national(&guinea(1)).unwrap();
    let single = wire::SingleMessage {
        message: TEXT.to_owned(),
        contact: phone.clone(),
        sender_name: "Tidings".to_owned(),
    };
    let bulk = wire::BulkMessage {
        message: TEXT.to_owned(),
        contacts: vec![phone.clone()],
        sender_name: "Tidings".to_owned(),
    };
    let group = wire::GroupMessage {
        message: TEXT.to_owned(),
        sender_name: "Tidings".to_owned(),
    };
    let contact = wire::AddContact {
        first_name: "Mariama".to_owned(),
        last_name: "Camara".to_owned(),
        phone_number: phone.clone(),
    };
    let renewed = wire::RenewAnswer {
        new_api_key: Some(wire::Key(NEW_KEY.to_owned())),
        api_key: Some(wire::Key(KEY.to_owned())),
    };
    let detail = wire::ErrorDetail {
        contact: phone,
        error: TEXT.to_owned(),
    };
    let fault = format!(r#"{{"message":"{TEXT}","error":"{KEY}","detail":"622000001"}}"#);
    let fault: wire::Fault = serde_json::from_str(&fault).unwrap();
    let contacts = r#"[{"id":1,"first_name":"Mariama","phone_number":"622000001"}]"#;
    let contacts: wire::ContactsAnswer = serde_json::from_str(contacts).unwrap();
    let shown =
        format!("{single:?}{bulk:?}{group:?}{contact:?}{renewed:?}{detail:?}{fault:?}{contacts:?}");
    check_clean(&shown, &SECRETS);
}
