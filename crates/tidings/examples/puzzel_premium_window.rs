//! Texts that their recipients pay for: tickets that leave tomorrow morning, and that can be taken back
//! until then. Each run sells new ones; with `stop` it takes those back that it has just sold, and
//! leaves the others alone.
//!
//! Prices and goods are Puzzel's own, so this talks to its client and not to the neutral interface.
//! It needs an account; that of a simulated gateway will do:
//!
//! ```sh
//! tidings sim puzzel --listen 127.0.0.1:0 --json > account.json &
//! cargo run -p tidings --example puzzel_premium_window -- account.json
//! cargo run -p tidings --example puzzel_premium_window -- account.json stop
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod account;

use std::env;

use anyhow::{Context as _, ensure};
use tidings::puzzel::{Client, GasSettings, Message, SendOptions, Settings};
use tidings::{
    Acceptance, Clock as _, Error, HttpClient, SendWindow, SystemClock, TimeZone, Timestamp,
    ZonedTime,
};

const PASSENGERS: [&str; 2] = ["+4741000001", "+4741000002"];
/// 42 kroner: prices count the smallest unit of the currency.
const PRICE: u32 = 4200;
/// Train tickets, in the operators' list of goods and services.
const TRAIN_TICKETS: &str = "06001";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let path = env::args()
        .nth(1)
        .context("expected an account's file: tidings sim puzzel --json > account.json")?;
    let stops = env::args().nth(2).is_some_and(|word| word == "stop");
    let (_, account) = account::read(&path)?;
    let client = Client::from_account(&account, HttpClient::builder().build()?)?;
    let now = SystemClock::new().now();

    // A message with a price names no sender: who pays must see the service's own number.
    let settings = Settings::new()
        .gas(GasSettings::new(TRAIN_TICKETS).description("Train ticket"))
        .send_window(tomorrow_morning(now)?);
    let ticket = Message::new(PASSENGERS[0], "Your ticket: Oslo S to Bergen, at 8.25")
        .price(PRICE)
        .settings(settings);
    for warning in ticket.warnings() {
        println!("mind that the message's {warning}");
    }

    // Gateway and reports know each message by a name of its own.
    let batch = format!("tickets-{}", now.as_millis());
    let named = |(n, message): (usize, Message)| message.client_reference(format!("{batch}-{n}"));
    let copies = ticket.to_each(PASSENGERS).into_iter().enumerate();
    let messages: Vec<Message> = copies.map(named).collect();

    let options = SendOptions::new().batch_reference(&batch);
    let outcome = client.send(&messages, &options).await.map_err(explained)?;
    let n_queued = outcome.n_queued();
    for verdict in outcome.verdicts {
        match verdict.map_err(explained) {
            Ok(queued) => println!("the ticket is queued as {:?}", queued.message_id()),
            Err(error) => println!("{error:#}"),
        }
    }
    ensure!(n_queued == messages.len(), "not every ticket was sold");

    if stops {
        // The answer names exactly what was stopped; all else has left or will leave.
        let stopped = client.stop_batch(&batch).await?;
        println!("stopped {} tickets", stopped.stopped_messages.len());
    } else {
        let waiting = client.batch(&batch).await?;
        let n_left = waiting.total_size.map_or(0, |size| size.0);
        println!("{n_left} tickets wait until tomorrow at eight, as batch {batch}");
    }
    Ok(())
}

/// From eight to ten in Norway, on the day after this moment.
fn tomorrow_morning(now: Timestamp) -> anyhow::Result<SendWindow> {
    let oslo = TimeZone::named("Europe/Oslo")?;
    let tomorrow = ZonedTime::new(now, &oslo).day().next();
    let opens = oslo.at(tomorrow, "08:00".parse()?)?;
    let closes = oslo.at(tomorrow, "10:00".parse()?)?;
    Ok(SendWindow::between(opens, closes)?)
}

/// What a failure means for those who would pay.
fn explained(error: Error) -> anyhow::Error {
    let meaning = match error.acceptance() {
        Acceptance::NotSent => "nothing was sold: nothing was sent",
        Acceptance::Refused => "nothing was sold: Puzzel refused the message",
        // Nobody can know. To sell it a second time may take the money twice.
        _ => "it may be sold: wait for its report, and do not send it again",
    };
    anyhow::Error::new(error).context(meaning)
}
