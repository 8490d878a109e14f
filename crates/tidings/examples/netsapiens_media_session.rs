//! A picture and a text in one conversation: MMS in a session at a NetSapiens PBX.
//!
//! Sessions are NetSapiens' own, so this talks to its client and not to the neutral interface. The
//! session is named before anything is sent: after a lost answer it can be looked into, and tells
//! what has arrived there.
//!
//! It needs an account; that of a simulated PBX will do. The picture may be one of yours:
//!
//! ```sh
//! tidings sim netsapiens --listen 127.0.0.1:0 --json > account.json &
//! cargo run -p tidings --example netsapiens_media_session -- account.json
//! cargo run -p tidings --example netsapiens_media_session -- account.json cat.jpg
//! ```

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod account;

use std::env;

use anyhow::{Context as _, ensure};
use tidings::conversations::Page;
use tidings::netsapiens::{Client, Message, SessionId};
use tidings::{Acceptance, Clock as _, E164, HttpClient, Provider as _, SystemClock, netsapiens};

const CUSTOMER: &str = "+12025550143";
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/parcel.png");

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let path = env::args()
        .nth(1)
        .context("expected an account's file: tidings sim netsapiens --json > account.json")?;
    let picture = env::args().nth(2).unwrap_or_else(|| PICTURE.to_owned());
    let (_, account) = account::read(&path)?;
    let client = Client::from_account(&account, HttpClient::builder().build()?)?;

    // Its type is told by its first bytes; too large a file is refused here and not after the upload.
    let picture = client.media_from_file(&picture).await?;
    let to = E164::parse_possible(CUSTOMER, None)?;

    // 32 letters, digits and underscores at least, and never the same for two conversations.
    let now = SystemClock::new().now();
    let session = SessionId::new(format!("parcel_4711_at_the_desk_{}", now.as_millis()))?;

    // Some installations refuse a picture together with a text, so they are two messages.
    let text = Message::sms(
        [to],
        "Your parcel is at the desk. This is what it looks like:",
    );
    let picture = Message::mms([to], picture, "");
    let messages = [("text", text), ("picture", picture)];
    for (n_before, (what, message)) in messages.into_iter().enumerate() {
        let sent = send(&client, &session, &message, n_before).await;
        sent.context(what)?;
        println!("the {what} is in session {session}");
    }
    show(&client, &session).await
}

/// Sends a message into a session that has `n_before` messages and that nobody else writes into.
async fn send(
    client: &Client,
    session: &SessionId,
    message: &Message,
    n_before: usize,
) -> anyhow::Result<()> {
    let Err(error) = client.send_in(session, message).await else {
        return Ok(());
    };
    match error.acceptance() {
        Acceptance::NotSent | Acceptance::Refused => {
            Err(anyhow::Error::new(error).context("it was not sent"))
        }
        // It may have arrived, and may still be under way for some seconds: after those, the session
        // tells.
        _ => {
            println!("no answer ({error}): looking into the session");
            tokio::time::sleep(netsapiens::DEFAULT_SETTLE_TIME).await;
            let page = Page::first(netsapiens::MAX_ROWS);
            let n_after = client.messages(session.as_str(), page).await?.len();
            ensure!(
                n_after > n_before,
                "it did not arrive, and may be sent again"
            );
            Ok(())
        }
    }
}

/// Shows what the PBX keeps of the conversation, and fetches the picture back.
async fn show(client: &Client, session: &SessionId) -> anyhow::Result<()> {
    let conversation = client.conversations().context("no conversations")?;
    for message in conversation
        .messages(session.as_str(), Page::first(10))
        .await?
    {
        println!(
            "{} {}: {}",
            message.kind,
            message.direction.as_str(),
            message.text
        );
        if let Some(media) = &message.media {
            let file = conversation.fetch(media).await?;
            println!(
                "fetched {} bytes of {}",
                file.content().len(),
                file.mime_type()
            );
        }
    }
    Ok(())
}
