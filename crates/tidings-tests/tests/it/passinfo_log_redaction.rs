//! Nothing that is secret or private reaches a log: the whole log of a full run, client, server and
//! simulated carrier together, of every crate at the finest level, is searched for the keys, a text,
//! names and numbers.
//!
//! Every error of the run is logged as a program would log it, with its whole chain, so that errors
//! are searched too.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use tidings::http::HttpClient;
use tidings::{
    Account, ClientRef, E164, Message, Outbound, Provider, ProviderRef, SenderId, passinfo,
};
use tidings_sim::Scenario;
use tidings_tests::{CALL_LIMIT, CapturedLog, Carrier, Fault, log_ended, standard};

const KEY: &str = "sk-Qx7rPz0vLw";
const TEXT: &str = "Votre code est Ravenala";
const FIRST_NAME: &str = "Mariamakesso";
const LAST_NAME: &str = "Diallobanko";
const NUMBER: &str = "+224622913547";
const REFUSED_NUMBER: &str = "+224622913548";

struct Run {
    carrier: Carrier,
    client: passinfo::Client,
}

impl Run {
    async fn start() -> Self {
        let scenario = format!(
            "[delays]\nsent_ms = 0\ndelivered_ms = 0\n[[fail]]\nto = \"{REFUSED_NUMBER}\"\nat = \"accept\"\n"
        );
        let account = Account::new("secret account")
            .with("client_id", "4711")
            .with("api_key", KEY);
        let carrier = Carrier::with_account(&passinfo::SPEC, &scenario, account).await;
        Self {
            client: connect(&carrier, CALL_LIMIT),
            carrier,
        }
    }

    async fn messages(&self) -> Option<String> {
        let client = self.client.clone();
        let (to, refused) = (number(NUMBER), number(REFUSED_NUMBER));
        let sent = client.send(&to, TEXT, None).await;
        let sent = log_ended("send", sent).map(|sent| sent.value);
        let bulk = client.send_bulk(&[to, refused], TEXT, None).await;
        log_ended("bulk", bulk);
        let one = |reference: &str, to: E164, text: &str| {
            let message = Message::new(to, text).from(SenderId::parse("Ecole").unwrap());
            Outbound::new(ClientRef::new(reference).unwrap(), message)
        };
        let messages = [
            one("r-1", to, TEXT),
            one("r-2", refused, TEXT),
            one("r-3", to, &format!("{TEXT}!")),
            one("r-4", number("+33612913547"), TEXT),
        ];
        tracing::info!(?messages, "to submit");
        // The carrier asks for longer waits than this in vain: the error comes at once.
        let patience = Duration::from_millis(100);
        let layered = standard(Arc::new(client.clone()), patience);
        let submitted = layered.submit(&messages).await;
        if let Some(results) = log_ended("submit", submitted) {
            for result in results {
                log_ended("message", result);
            }
        }
        let id = sent.as_ref().map_or("1", |sent| sent.id.as_str());
        let status = client.message_status(id).await;
        log_ended("status", status);
        let refs = [
            ProviderRef::message(id),
            ProviderRef::batch_member("unknown", to),
        ];
        let reports = client.status(&refs).await;
        log_ended("reports", reports);
        sent.map(|sent| sent.id)
    }

    async fn address_book(&self) {
        let client = self.client.clone();
        let added = client
            .create_contact(FIRST_NAME, LAST_NAME, &number(NUMBER))
            .await;
        let added = log_ended("contact", added);
        let id = added.and_then(|added| added.value.id).unwrap_or_default();
        let page = client.contacts_page(1, 10).await;
        log_ended("page", page);
        let mut contacts = Box::pin(client.all_contacts(1));
        while let Some(contact) = contacts.next().await {
            if log_ended("listed", contact).is_none() {
                break;
            }
        }
        let users = client.link_users(&id, &["user-1"]).await;
        log_ended("users", users);
        let group = client.create_group("Teachers").await;
        let group = log_ended("group", group).map(|group| group.value.id);
        let group = group.unwrap_or_default();
        let joined = client.add_contact_to_group(&id, &group).await;
        log_ended("joined", joined);
        let groups = client.groups().await;
        log_ended("groups", groups);
        let sent = client.send_to_group(&group, TEXT, None).await;
        log_ended("to group", sent);
        let credits = client.credits().await;
        log_ended("credits", credits);
    }

    /// Calls that no client of ours makes, with something private in every place of the request.
    async fn strange_calls(&self) {
        let national = number(NUMBER).national_number().to_owned();
        let body = format!("{{\"message\":\"{TEXT}\",\"contact\":\"{NUMBER}\",\"senderName\":5}}");
        let single = "/v1/message/single_message";
        let status = format!("/v1/message/get_single_status/{national}");
        let query = format!("/v1/contact/all_my_contacts?limit={national}&key={KEY}");
        for (method, path, key, body) in [
            ("POST", single, KEY, body.as_str()),
            (
                "POST",
                single,
                KEY,
                "{\"message\":\"Votre code est Ravenala",
            ),
            ("POST", single, "wrong", body.as_str()),
            ("GET", status.as_str(), KEY, ""),
            ("GET", query.as_str(), KEY, ""),
            ("GET", &format!("/{KEY}/{national}"), KEY, ""),
            ("DELETE", single, KEY, body.as_str()),
            ("Votre code est Ravenala", single, KEY, ""),
        ] {
            let head = format!("{method} {path}");
            let headers = [("Api-Key", key), ("Client-Id", "4711")];
            let status = self.carrier.strange_call(&head, &headers, body).await;
            assert!((400..500).contains(&status), "{head}: {status}");
        }
    }
}

/// A client that knows the account as it is at this moment. Its calls may take as long as `limit`.
fn connect(carrier: &Carrier, limit: Duration) -> passinfo::Client {
    let http = HttpClient::builder().timeout(limit);
    let account = carrier.simulator.account().with("sender", "Ecole");
    passinfo::Client::from_account(&account, http.build().unwrap()).unwrap()
}

fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

#[tokio::test]
async fn no_key_no_text_no_name_and_no_number_is_logged() {
    let captured = CapturedLog::install();
    let mut run = Run::start().await;

    let id = run.messages().await.unwrap();
    run.address_book().await;
    run.strange_calls().await;
    let mut faults = Fault::OF_ALL_PROVIDERS.to_vec();
    faults.push(Fault::new("no_credit = true"));
    for fault in &faults {
        let simulator = &run.carrier.simulator;
        simulator.set_scenario(fault.scenario()).unwrap();
        // A renewal whose answer was lost locked the client before this one out.
        run.client = connect(&run.carrier, fault.time_limit());
        run.messages().await;
        run.address_book().await;
        if fault.name() != "drop" {
            let renewed = run.client.renew_api_key().await;
            log_ended("renewal", renewed.map(|_| ()));
        }
    }
    run.carrier
        .simulator
        .set_scenario(Scenario::default())
        .unwrap();
    let stale = run.client.credits().await;
    let renewed = new_key(&run.carrier);
    tracing::info!(?stale, ?renewed, "after the renewals");

    let new_key = renewed.expose_secret();
    assert_ne!(new_key, KEY);
    let national = number(NUMBER).national_number().to_owned();
    captured.assert_lacks(&[
        ("the old key", KEY),
        ("the new key", new_key),
        ("the text", TEXT),
        ("a word of the text", "Ravenala"),
        ("a first name", FIRST_NAME),
        ("a last name", LAST_NAME),
        ("a number in international form", NUMBER),
        ("a number in national form", &national),
        ("a number of another country", "612913547"),
    ]);
    let (taken, sent) = (
        format!("took message {id}"),
        format!("passinfo took message {id}"),
    );
    captured.assert_holds(&[
        ("what the server took", &taken),
        ("what the client sent", &sent),
        (
            "the path of a call",
            "/v1/message/get_single_status/{message_id}",
        ),
        ("the client's connections", "hyper_util"),
    ]);
    captured.assert_acted(&faults);
}

fn new_key(carrier: &Carrier) -> SecretString {
    let credentials = carrier.simulator.credentials();
    let key = credentials.into_iter().find(|(name, _)| *name == "api_key");
    key.unwrap().1
}
