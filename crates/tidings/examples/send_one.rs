//! One text to one phone: an account, the layers around it, a message, and what a failure means.
//!
//! Against a provider in memory, which sends nothing anywhere, and against a simulated carrier:
//!
//! ```sh
//! cargo run -p tidings --example send_one
//!
//! tidings sim passinfo --set sender=Tidings --listen 127.0.0.1:0 --json > account.json &
//! cargo run -p tidings --example send_one -- account.json +224622000001 "Your parcel is here"
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod account;

use std::env;
use std::sync::Arc;

use anyhow::Context as _;
use tidings::memory::MemoryProvider;
use tidings::messenger::{Failure, Messenger};
use tidings::{E164, ErrorKind, HttpClient, Message, Provider, layers};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = env::args().skip(1);
    let client: Arc<dyn Provider> = match arguments.next() {
        Some(path) => {
            let (spec, account) = account::read(&path)?;
            (spec.connect)(&account, HttpClient::builder().build()?)?
        }
        None => Arc::new(MemoryProvider::new()),
    };
    let to = arguments.next().unwrap_or("+224622000001".to_owned());
    let text = arguments.next().unwrap_or("Your parcel is here".to_owned());

    // A limit on time, a rate, another try where it is proved that the first one sent nothing.
    let provider = layers::around(client);
    let messenger = Messenger::builder().account("main", provider).build()?;

    let to = E164::parse(&to, None).context("the number needs a plus and its country code")?;
    let sent = match messenger.send(Message::new(to, text)).await {
        Ok(sent) => sent,
        Err(failure) => {
            let advice = advice(&failure);
            return Err(anyhow::Error::new(failure).context(advice));
        }
    };
    // Keep this: it is how to ask about the message later, also after a restart.
    let kept = serde_json::to_string(&sent)?;
    println!("taken by {}: {kept}", sent.account);

    for state in messenger.status(&[sent]).await {
        match state {
            Ok(report) => println!("at present it is {}", report.state),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                println!("it cannot be asked about: reports are sent, see receive_reports");
            }
            Err(error) => println!("how far it is cannot be told at present: {error}"),
        }
    }
    Ok(())
}

/// What to do about a message that was not taken. The first question is always the same: could it be
/// on its way?
fn advice(failure: &Failure) -> &'static str {
    if failure.is_unknown() {
        return "it may arrive: wait for a report, and do not send it again";
    }
    match failure.error.kind() {
        ErrorKind::InvalidRecipient => "not sent: correct the number",
        ErrorKind::InvalidSender => "not sent: set a sender that the account may use",
        ErrorKind::InvalidMessage => "not sent: correct the message",
        ErrorKind::InsufficientCredit => "not sent: top up the account",
        ErrorKind::Unauthorized | ErrorKind::Forbidden => "not sent: check the account's keys",
        _ if failure.error.is_safe_to_resend() => "not sent: try again later",
        _ => "not sent",
    }
}
