//! Every operation of the `OpenAPI` document is called, in the order in which a team would do it, and answers
//! with success.

use serde_json::{Value, json};
use tidings_core::{Media, Timestamp};
use tidings_store::{InboundFile, InboundId, StoredInbound};

use super::super::document;
use super::{Doors, TO, bearer};
use crate::trial::LANE;

#[tokio::test]
async fn every_operation_of_the_document_is_called() {
    let doors = Doors::new().await;
    doors
        .trial
        .gateway
        .set_metrics_page(Box::new(|| "up 1\n".to_owned()));
    send(&doors).await;
    keep_an_address_book(&doors).await;
    read_what_came_in(&doors).await;
    be_told(&doors).await;
    run_the_gateway(&doors).await;
    doors.check_all_were_called();
}

async fn send(doors: &Doors) {
    let text = json!({"text": "Grüße", "to": TO, "replacement": "accents"});
    let planned = doors.post("/v1/segments", text).await.is(200).json();
    assert_eq!(
        (&planned["segments"], &planned["lane"]),
        (&json!(1), &json!(LANE))
    );
    let id = Doors::sent(&doors.post("/v1/messages", Doors::message("hi")).await);
    doors.get("/v1/messages").await.is(200);
    doors.get(&format!("/v1/messages/{id}")).await.is(200);
    doors
        .post(&format!("/v1/messages/{id}/cancel"), Value::Null)
        .await
        .is(200);
    let dead = doors.dead_message().await;
    doors
        .post(&format!("/v1/messages/{dead}/resend"), Value::Null)
        .await
        .is(202);

    let rows = json!({"messages": [{"to": TO, "text": "row"}]});
    let batch = doors.post("/v1/batches", rows).await.is(202).json();
    let batch = format!("/v1/batches/{}", batch["id"].as_str().unwrap());
    doors.get("/v1/batches").await.is(200);
    doors.get(&format!("{batch}/results")).await.is(200);
    doors.get(&batch).await.is(200);
    for (order, status) in [
        ("pause", 200),
        ("resume", 200),
        ("stop", 200),
        ("resend-failed", 202),
    ] {
        doors
            .post(&format!("{batch}/{order}"), Value::Null)
            .await
            .is(status);
    }
}

async fn keep_an_address_book(doors: &Doors) {
    let contacts = json!({"contacts": [
        {"phone": TO, "first_name": "Ada", "zone": "Europe/Oslo", "fields": {"city": "Oslo"}},
        {"phone": "90000002", "region": "NO"},
    ]});
    let put = doors.post("/v1/contacts", contacts).await.is(200).json();
    let ids: Vec<&str> = put["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .collect();
    let listed = doors.get("/v1/contacts").await.is(200).json();
    assert_eq!(listed["items"][0]["fields"]["city"], "Oslo");
    let shown = doors
        .get(&format!("/v1/contacts/{}", ids[1]))
        .await
        .is(200)
        .json();
    assert_eq!(shown["phone"], "+4790000002");
    let group = doors
        .post("/v1/groups", json!({"name": "All"}))
        .await
        .is(201)
        .json();
    let group = format!("/v1/groups/{}", group["id"].as_str().unwrap());
    doors
        .post(&format!("{group}/members"), json!({"contacts": ids}))
        .await
        .is(204);
    let members = doors.get(&format!("{group}/members")).await.is(200).json();
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
    let member = format!("{group}/members/{}", ids[0]);
    doors.send("DELETE", &member, Value::Null).await.is(204);
    assert_eq!(
        doors.get("/v1/groups").await.is(200).json()["items"][0]["members"],
        1
    );
    doors.send("DELETE", &group, Value::Null).await.is(204);
    let contact = format!("/v1/contacts/{}", ids[0]);
    doors.send("DELETE", &contact, Value::Null).await.is(204);
    doors.get(&contact).await.is_problem(404, "not_found");

    let added = doors
        .post("/v1/opt-outs", json!({"phones": [TO]}))
        .await
        .is(200)
        .json();
    assert_eq!(added["added"], 1);
    let refused = doors.post("/v1/messages", Doors::message("again")).await;
    refused.is_problem(422, "opted_out");
    assert_eq!(
        doors.get("/v1/opt-outs").await.is(200).json()["items"][0]["phone"],
        TO
    );
    doors
        .send("DELETE", "/v1/opt-outs/%2B4790000001", Value::Null)
        .await
        .is(204);
    doors
        .post("/v1/messages", Doors::message("again"))
        .await
        .is(202);
}

async fn read_what_came_in(doors: &Doors) {
    let now: Timestamp = doors.trial.gateway.now();
    let text = StoredInbound {
        id: InboundId(doors.trial.gateway.new_id()),
        account: "a".into(),
        lane: LANE.into(),
        provider_id: "in-1".into(),
        from: TO.into(),
        to: "2000".into(),
        text: "Yes please".into(),
        conversation: "c-1".into(),
        keyword: None,
        asks_for: None,
        their_time: None,
        received_at: now,
        file: Some(Box::new(InboundFile {
            mime_type: "image/png".into(),
            bytes: Some(3),
            session: "s-1".into(),
        })),
    };
    let id = text.id;
    let store = doors.trial.gateway.store();
    store.add_inbound(vec![text], now).await.unwrap();
    let inbound = doors.get("/v1/inbound").await.is(200).json();
    assert_eq!(inbound["items"][0]["text"], "Yes please");
    let file = json!({"type": "image/png", "bytes": 3});
    assert_eq!(inbound["items"][0]["file"], file);
    let path = format!("/v1/inbound/{id}/file");
    // The lane of these tests keeps no conversations that it could be fetched from.
    doors.get(&path).await.is_problem(404, "not_found");
    let media = Media::new("image/png", &b"png"[..]).unwrap();
    store.keep_inbound_file(id, media).await.unwrap();
    let file = doors.get(&path).await.is(200);
    assert_eq!(
        (file.text(), file.header("content-type")),
        ("png".to_owned(), "image/png")
    );
    assert_eq!(file.header("content-disposition"), "attachment");
    let key = bearer(&doors.other);
    let others = [("authorization", &*key)];
    let anothers = doors.call_as("GET", &path, &others, "").await;
    anothers.is_problem(404, "not_found");
    let conversations = doors.get("/v1/conversations").await.is(200).json();
    assert_eq!(conversations["items"][0]["id"], "c-1");
    let texts = doors
        .get("/v1/conversations/c-1/messages")
        .await
        .is(200)
        .json();
    assert_eq!(texts["items"][0]["direction"], "inbound");
    let none = doors.get("/v1/conversations/c-2/messages").await;
    none.is_problem(404, "not_found");
}

async fn be_told(doors: &Doors) {
    let new = json!({"url": "https://hooks.example.com/t", "types": ["message.delivered"], "signing": "ed25519"});
    let made = doors.post("/v1/webhooks", new).await.is(201).json();
    assert!(made["secret"].as_str().unwrap().starts_with("whsk_"));
    assert!(made["public_key"].as_str().unwrap().starts_with("whpk_"));
    let webhook = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    let listed = doors.get("/v1/webhooks").await.is(200).json();
    assert_eq!(listed["items"][0]["types"], json!(["message.delivered"]));
    assert!(listed["items"][0].get("secret").is_none());
    doors.get(&webhook).await.is(200);
    let changed = doors
        .send("PATCH", &webhook, json!({"types": []}))
        .await
        .is(200)
        .json();
    assert_eq!(changed["types"], json!([]));
    doors
        .post("/v1/messages", Doors::message("tell"))
        .await
        .is(202);
    let deliveries = doors
        .get(&format!("{webhook}/deliveries"))
        .await
        .is(200)
        .json();
    assert_eq!(deliveries["items"][0]["state"], "due", "{deliveries}");
    let since = json!({"since": "2026-11-22T00:00:00Z"});
    let replayed = doors
        .post(&format!("{webhook}/replay"), since)
        .await
        .is(200)
        .json();
    assert!(replayed["deliveries"].as_u64().unwrap() > 0);
    doors
        .post(
            &format!("{webhook}/rotate-secret"),
            json!({"overlap_s": 60}),
        )
        .await
        .is(200);
    // Nothing answers there; how the trial went is the answer.
    let trial = doors
        .post(&format!("{webhook}/test"), Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(trial["is_taken"], false);
    doors.send("DELETE", &webhook, Value::Null).await.is(204);
    let private = json!({"url": "http://10.0.0.1/"});
    let refused = doors.post("/v1/webhooks", private).await;
    assert_eq!(refused.is_problem(422, "invalid_request")["field"], "url");
    let key = super::bearer(&doors.operator);
    let followed = doors
        .response("GET", "/v1/events", &[("authorization", &key)], "")
        .await;
    assert_eq!(followed.status().as_u16(), 200);
}

async fn run_the_gateway(doors: &Doors) {
    for path in ["/healthz", "/readyz", "/metrics"] {
        doors.call_as("GET", path, &[], "").await.is(200);
    }
    let lanes = doors.get("/v1/providers").await.is(200).json();
    assert_eq!(
        (&lanes["items"][0]["id"], &lanes["items"][0]["breaker"]),
        (&json!(LANE), &json!("closed"))
    );
    let lane = format!("/v1/providers/{LANE}");
    let paused = doors
        .post(&format!("{lane}/pause"), Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(paused["is_paused"], true);
    let resumed = doors
        .post(&format!("{lane}/resume"), Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(resumed["is_paused"], false);

    let new = json!({"id": "shop", "settings": {"sender": "Shop"}, "quota": 5});
    doors.post("/v1/accounts", new.clone()).await.is(201);
    doors
        .post("/v1/accounts", new)
        .await
        .is_problem(409, "conflict");
    let listed = doors.get("/v1/accounts").await.is(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    doors.get("/v1/accounts/shop").await.is(200);
    let change =
        json!({"quota": null, "is_active": false, "settings": {"quiet_hours": "21:00-08:00"}});
    let changed = doors
        .send("PATCH", "/v1/accounts/shop", change)
        .await
        .is(200)
        .json();
    assert_eq!(
        (&changed["quota"], &changed["is_active"]),
        (&json!(null), &json!(false))
    );
    let lifted = json!({"quota": null});
    let again = doors.send("PATCH", "/v1/accounts/shop", lifted).await;
    again.is(200);
    assert_eq!(
        changed["settings"],
        json!({"quiet_hours": "21:00-08:00",
        "blackout_dates": [], "opt_out_languages": [], "opt_out_words": [], "same_content_window_s": 0})
    );

    let new = json!({"account": "shop", "scopes": ["read", "send"], "networks": ["192.0.2.0/24"]});
    let made = doors.post("/v1/keys", new).await.is(201).json();
    let key = made["credentials"]["api_key"].as_str().unwrap();
    let headers = [("authorization", &*super::bearer(key)), super::JSON];
    let body = Doors::message("hi").to_string();
    let refused = doors.call_as("POST", "/v1/messages", &headers, body).await;
    refused.is_problem(403, "account_inactive");
    let path = format!("/v1/keys/{}", made["key"]["id"].as_str().unwrap());
    let rotated = doors
        .post(&format!("{path}/rotate"), json!({"overlap_s": 0}))
        .await
        .is(201)
        .json();
    assert_eq!(rotated["key"]["networks"], json!(["192.0.2.0/24"]));
    let refused = doors.call_as("GET", "/v1/messages", &headers, "").await;
    refused.is_problem(401, "key_revoked");
    let path = format!("/v1/keys/{}", rotated["key"]["id"].as_str().unwrap());
    doors.send("DELETE", &path, Value::Null).await.is(204);
    assert_eq!(
        doors.get("/v1/keys?account=shop").await.is(200).json()["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let acts = doors
        .get("/v1/audit?account=*&limit=500")
        .await
        .is(200)
        .json();
    let changes = acts["items"].as_array().unwrap().iter();
    let changes = changes.filter(|act| act["what"] == "account.changed");
    let changes: Vec<&Value> = changes.map(|act| &act["detail"]).collect();
    assert!(changes.contains(&&json!({"quota": null})), "{changes:?}");
    let acts = acts["items"].as_array().unwrap().iter();
    let acts: Vec<&str> = acts.map(|act| act["what"].as_str().unwrap()).collect();
    for act in [
        "key.revoked",
        "key.rotated",
        "key.created",
        "account.changed",
        "account.created",
        "lane.paused",
        "lane.resumed",
        "webhook.created",
        "webhook.changed",
        "webhook.replayed",
        "webhook.secret_rotated",
        "webhook.removed",
    ] {
        assert!(acts.contains(&act), "{act}: {acts:?}");
    }
}

impl Doors {
    /// Holds that every operation of the document was called and answered with success, and nothing else.
    #[track_caller]
    fn check_all_were_called(&self) {
        let called = self.called.lock().unwrap();
        let document = serde_json::to_value(document()).unwrap();
        let mut missing = Vec::new();
        let mut n_operations = 0;
        for (template, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                n_operations += 1;
                let is_it = |(by, path): &(String, String)| by == method && fits(template, path);
                if !called.iter().any(is_it) {
                    missing.push(format!("{method} {template}"));
                }
            }
        }
        assert!(missing.is_empty(), "never called: {missing:#?}");
        assert!(n_operations > 50, "{n_operations}");
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, parts) = (template.split('/'), path.split('/'));
    wanted.clone().count() == parts.clone().count()
        && wanted
            .zip(parts)
            .all(|(wanted, part)| wanted == part || wanted.starts_with('{'))
}
