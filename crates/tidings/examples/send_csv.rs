//! A CSV file, one text per row: rows that cannot be sent are named before anything leaves, the others
//! go out in a stream, and each gets a verdict.
//!
//! Against a provider in memory, which sends nothing anywhere, and against a simulated carrier. The
//! file may be one of yours with the same columns:
//!
//! ```sh
//! cargo run -p tidings --example send_csv
//!
//! tidings sim puzzel --set sender=Tidings --listen 127.0.0.1:0 --json > account.json &
//! cargo run -p tidings --example send_csv -- account.json
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod provider;

use std::{env, fs};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use tidings::layers::LayerSettings;
use tidings::messenger::{Messenger, VerdictOrder};
use tidings::template::{Row, Template};
use tidings::{ClientRef, Message};

const PARCELS: &str = include_str!("parcels.csv");
const TEXT: &str = "{{first_name}}, your parcel {{number}} is here.";
/// How phone numbers are read that stand without a country code.
const REGION: &str = "GN";

#[derive(Deserialize)]
struct Parcel {
    phone: String,
    first_name: String,
    number: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let (provider, _) = provider::open(arguments.next().as_deref(), &LayerSettings::default())?;
    let messenger = Messenger::builder().account("main", provider).build()?;
    let table = match arguments.next() {
        Some(path) => fs::read_to_string(&path).context(path)?,
        None => PARCELS.to_owned(),
    };
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let parcels: Vec<Parcel> = table.deserialize().collect::<Result<_, _>>()?;

    // First all rows are looked at: whoever finds a mistake in the last one has sent nothing yet.
    let region = REGION.parse()?;
    let rows = parcels.iter().map(|parcel| {
        let fields = [
            ("first_name", &parcel.first_name),
            ("number", &parcel.number),
        ];
        Row::new(
            &parcel.phone,
            fields.map(|(name, field)| (name, field.as_str())),
        )
        .region(region)
    });
    let prepared = Template::new(TEXT)?.prepare(rows);
    for bad_row in &prepared.faults {
        println!("{bad_row}");
    }

    // The parcel's number names the message: the same row is the same message, also in another run.
    let mut messages: Vec<Message> = Vec::with_capacity(prepared.messages.len());
    for ready in prepared.messages {
        let parcel = &parcels[ready.row];
        let reference = ClientRef::new(format!("parcel-{}", parcel.number))?;
        messages.push(ready.message.reference(reference));
    }

    // However long the stream is, no more of it is held than travels at a time.
    let (mut n_taken, mut n_unknown, mut n_failed) = (0, 0, 0);
    let mut verdicts = messenger.send_many(stream::iter(messages), VerdictOrder::Given);
    while let Some(verdict) = verdicts.next().await {
        match verdict.outcome {
            Ok(_) => n_taken += 1,
            Err(failure) if failure.is_unknown() => {
                println!(
                    "{}: may be on its way: {}",
                    verdict.reference, failure.error
                );
                n_unknown += 1;
            }
            Err(failure) => {
                println!("{}: not sent: {}", verdict.reference, failure.error);
                n_failed += 1;
            }
        }
    }
    let n_bad = prepared.faults.len();
    println!("{n_taken} taken, {n_failed} not sent, {n_unknown} unknown, {n_bad} bad rows");
    ensure!(n_failed + n_unknown == 0, "not every message was taken");
    Ok(())
}
