//! Two accounts: the second takes over when it is proved that the first has sent nothing, and only
//! then. A phone cannot tell a repeated text from a new one.
//!
//! Without accounts two providers in memory play all three cases; with accounts one message is sent:
//!
//! ```sh
//! cargo run -p tidings --example fail_over
//!
//! tidings sim puzzel --set sender=Tidings --listen 127.0.0.1:0 --json > first.json &
//! tidings sim passinfo --set sender=Tidings --listen 127.0.0.1:0 --json > spare.json &
//! cargo run -p tidings --example fail_over -- first.json spare.json
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod provider;

use std::env;
use std::sync::Arc;

use anyhow::bail;
use tidings::layers::LayerSettings;
use tidings::memory::MemoryProvider;
use tidings::messenger::{Messenger, Sent};
use tidings::routing::Routes;
use tidings::{Acceptance, DeliveryPolicy, E164, Error, ErrorKind, Message, Provider};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let paths: Vec<String> = env::args().skip(1).collect();
    let to = E164::parse("+224622000001", None)?;
    let message = Message::new(to, "The water is switched off at noon");
    match paths.as_slice() {
        [] => play(message).await,
        [first, spare] => {
            // Where nobody answers, the spare is asked at once.
            let settings = LayerSettings::default().with_other_accounts();
            let (first, _) = provider::open(Some(first), &settings)?;
            let (spare, _) = provider::open(Some(spare), &settings)?;
            let messenger = messenger(first, spare)?;
            println!("{}", messenger.decide(&message).why());
            let sent = send(&messenger, message).await?;
            println!("{} has it", sent.account);
            Ok(())
        }
        _ => bail!("expected the files of two accounts, or nothing"),
    }
}

fn messenger(first: Arc<dyn Provider>, spare: Arc<dyn Provider>) -> tidings::Result<Messenger> {
    Messenger::builder()
        .account("first", first)
        .account("spare", spare)
        .routes(Routes::failover(["first", "spare"]))
        .build()
}

async fn send(messenger: &Messenger, message: Message) -> anyhow::Result<Sent> {
    let failure = match messenger.send(message).await {
        Ok(sent) => return Ok(sent),
        Err(failure) => failure,
    };
    let meaning = if failure.is_unknown() {
        // The spare account was not asked: it would send what the first may have sent.
        "it may be on its way, so no other account was tried"
    } else {
        "not sent, by no account"
    };
    Err(anyhow::Error::new(failure).context(meaning))
}

/// All that can happen, without a network.
async fn play(message: Message) -> anyhow::Result<()> {
    let (first, spare) = (MemoryProvider::new(), MemoryProvider::new());
    let messenger = messenger(Arc::new(first.clone()), Arc::new(spare.clone()))?;
    println!("{}", messenger.decide(&message).why());

    first.fail_next(Error::not_sent(ErrorKind::Unavailable, "the line is down"));
    let sent = send(&messenger, message.clone()).await?;
    println!("proved that nothing was sent: {} has it", sent.account);

    // The answer is lost, so the first account is asked whether it took the message. It did.
    first.take_and_fail_next(lost_answer());
    let sent = send(&messenger, message.clone()).await?;
    println!("answer lost, and found on asking: {} has it", sent.account);

    // Some messages must not arrive twice whatever happens: nobody sends them again, nobody asks.
    first.take_and_fail_next(lost_answer());
    let once = message.policy(DeliveryPolicy::AtMostOnce);
    if let Err(error) = send(&messenger, once).await {
        println!("answer lost, at most once: {error:#}");
    }
    let (of_first, of_spare) = (first.messages().len(), spare.messages().len());
    println!("the first account sent {of_first} messages, the spare {of_spare}");
    Ok(())
}

fn lost_answer() -> Error {
    Error::new(
        ErrorKind::Timeout,
        Acceptance::Unknown,
        "no answer came in time",
    )
}
