//! Contacts and groups that live at PassInfo: the parents of a class are put into the address book and
//! into a group, and all of them are told by one call.
//!
//! This talks to PassInfo's own client; the calls for contacts and groups are there too for programs
//! that know no provider, behind `Provider::address_book`. It needs an account; that of a simulated
//! gateway will do:
//!
//! ```sh
//! tidings sim passinfo --listen 127.0.0.1:0 --json > account.json &
//! cargo run -p tidings --example passinfo_contacts -- account.json
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod account;

use std::collections::HashSet;
use std::env;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::TryStreamExt as _;
use tidings::passinfo::Client;
use tidings::{Acceptance, E164, HttpClient, SenderId};

const GROUP: &str = "Parents of class 5B";
const PARENTS: [(&str, &str, &str); 3] = [
    ("Aïssatou", "Bah", "+224622000001"),
    ("Mamadou", "Diallo", "+224622000002"),
    ("Mory", "Camara", "+224622000003"),
];
const TEXT: &str = "Lundi, la rentrée est à 8 heures.";
/// How often the batch is asked about, and how long to wait in between.
const QUESTIONS: u32 = 30;
const BETWEEN: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let path = env::args()
        .nth(1)
        .context("expected an account's file: tidings sim passinfo --json > account.json")?;
    let (_, account) = account::read(&path)?;
    let client = Client::from_account(&account, HttpClient::builder().build()?)?;

    // Nothing is made twice when the program runs again.
    let known = known_contacts(&client).await?;
    let group = match client.group_named(GROUP).await? {
        Some(group) => group,
        None => client.create_group(GROUP).await?.into_value(),
    };
    for (first_name, last_name, phone) in PARENTS {
        let phone = E164::parse(phone, None)?;
        if known.contains(&phone) {
            println!("{first_name} is in the address book");
            continue;
        }
        let contact = client.create_contact(first_name, last_name, &phone).await?;
        let id = contact
            .id
            .as_deref()
            .context("PassInfo told no id of the contact")?;
        client.add_contact_to_group(id, &group.id).await?;
        println!("{first_name} is contact {id} and in the group now");
    }

    let sender = SenderId::parse("Ecole")?;
    let sent = match client.send_to_group(&group.id, TEXT, Some(&sender)).await {
        Ok(sent) => sent,
        Err(error) => match error.acceptance() {
            Acceptance::NotSent | Acceptance::Refused => {
                return Err(anyhow::Error::new(error).context("nobody was told"));
            }
            // PassInfo cannot be asked what became of a call without an answer.
            _ => bail!("all parents may have been told, or none: do not simply send it again"),
        },
    };
    println!("queued for {} of {} parents", sent.queued, sent.group_size);

    let batch = sent
        .receipt
        .as_ref()
        .and_then(|receipt| receipt.provider_ref.batch.as_deref());
    if let Some(batch) = batch {
        watch(&client, batch).await?;
    }
    println!("{} credits are left", client.credits().await?.into_value());
    Ok(())
}

/// Everybody in the address book, by number. PassInfo writes numbers as they are dialled in Guinea.
async fn known_contacts(client: &Client) -> anyhow::Result<HashSet<E164>> {
    let guinea = "GN".parse()?;
    let mut known = HashSet::new();
    let mut contacts = pin!(client.all_contacts(100));
    while let Some(contact) = contacts.try_next().await? {
        if let Ok(phone) = E164::parse(&contact.phone_number, Some(guinea)) {
            known.insert(phone);
        }
    }
    Ok(known)
}

/// Asks about a batch until all of it is settled, or for as long as is sensible.
async fn watch(client: &Client, batch: &str) -> anyhow::Result<()> {
    for _ in 0..QUESTIONS {
        let status = client.batch_status(batch).await?;
        if status.state.is_final() {
            let (delivered, failed) = (status.successful, status.failed);
            println!(
                "delivered to {}, failed for {}",
                delivered.unwrap_or(0),
                failed.unwrap_or(0)
            );
            return Ok(());
        }
        tokio::time::sleep(BETWEEN).await;
    }
    println!("some are still on their way; ask later about batch {batch}");
    Ok(())
}
