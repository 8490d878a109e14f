//! For programs without a run time: the same interface, and every call returns when it is done.
//!
//! Against a provider in memory, which sends nothing anywhere, and against a simulated carrier:
//!
//! ```sh
//! cargo run -p tidings --features blocking --example without_async
//!
//! tidings sim passinfo --set sender=Tidings --listen 127.0.0.1:0 --json > account.json &
//! cargo run -p tidings --features blocking --example without_async -- account.json
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod provider;

use std::env;

use anyhow::ensure;
use tidings::blocking::Messenger;
use tidings::layers::LayerSettings;
use tidings::messenger::VerdictOrder;
use tidings::{E164, Message};

const FAMILY: [&str; 3] = ["+224622000001", "+224622000002", "+224622000003"];

fn main() -> anyhow::Result<()> {
    let (provider, _) = provider::open(env::args().nth(1).as_deref(), &LayerSettings::default())?;
    let messenger = Messenger::builder()
        .account("main", provider)
        .build_blocking()?;

    let mut messages = Vec::new();
    for phone in FAMILY {
        let message = Message::new(E164::parse(phone, None)?, "Landed, all is well");
        messages.push(message);
    }

    // An iterator in, an iterator out: calls go on while the next verdict is waited for.
    let (mut taken, mut is_complete) = (Vec::new(), true);
    for verdict in messenger.send_many(messages, VerdictOrder::Given) {
        let verdict = verdict?;
        match verdict.outcome {
            Ok(sent) => taken.push(sent),
            Err(failure) => {
                let is_unknown = failure.is_unknown();
                let what = if is_unknown { "may arrive" } else { "not sent" };
                println!("{}: {what}: {}", verdict.reference, failure.error);
                is_complete = false;
            }
        }
    }

    // Where the account cannot be asked, the error says so, for each message.
    for (sent, report) in taken.iter().zip(messenger.status(&taken)?) {
        match report {
            Ok(report) => println!("{} is {}", sent.reference, report.state),
            Err(error) => println!("{} is taken; {error}", sent.reference),
        }
    }
    for (account, balance) in messenger.balance()? {
        match balance {
            Ok(left) => println!("{account} has {} {} left", left.amount, left.unit),
            Err(error) => println!("{error}"),
        }
    }
    ensure!(is_complete, "not every message was taken");
    Ok(())
}
