//! `tidings callbacks`: receives what a provider tells by calling its customer's server.
//!
//! The server is in `listen.rs`, what a call looks like is known to the provider alone. A call is
//! answered with 200 only when everything that it told has been written.

mod listen;

use anyhow::Context as _;
use tidings::callback::{Callback, ConversationEvent};
use tidings::conversations::Direction;
use tidings::serve::listen::Listener;
use tidings::{DeliveryReport, Error, ErrorKind, InboundMessage, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::listen::{Door, Heard, Token};
use super::Context;
use crate::args::CallbacksArgs;
use crate::config;
use crate::interrupt::Interrupt;
use crate::output::{bad_input, shown};
use crate::reports::Line;

/// Calls that wait to be written.
const MAX_WAITING: usize = 64;

pub(super) async fn run(
    context: &Context,
    interrupt: &mut Interrupt,
    args: &CallbacksArgs,
) -> anyhow::Result<()> {
    let spec = config::provider(&args.account, &context.environment)?;
    let parse = spec.parse_callback.ok_or_else(|| {
        let what = format!("{} does not call its customer's server", spec.title);
        Error::not_sent(ErrorKind::Unsupported, what)
    })?;
    let token = args.token.as_deref();
    let token = token
        .map(|written| config::value(written, &context.environment))
        .transpose()?;
    if token.as_deref() == Some("") {
        return Err(bad_input("the token is empty"));
    }
    let socket = Listener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let base_url = socket.base_url();

    let (heard, mut calls) = mpsc::channel(MAX_WAITING);
    let door = Door {
        path: args.path.clone(),
        token: token.map(Token::new),
        parse,
        heard,
    };
    let stopping = CancellationToken::new();
    // Dropped at the end: no call is answered any more by then.
    let mut listener = JoinSet::new();
    listener.spawn(socket.http1_only().serve(door, stopping.clone()));
    // The address ends its line: what is marked there and copied is the address alone.
    context.output.remark(format_args!(
        "what {} tells is received at {base_url}{}",
        spec.title, args.path
    ));
    context.output.remark(if args.token.is_some() {
        "calls carry ?token= and the token; Ctrl-C ends it"
    } else {
        "Ctrl-C ends it"
    });
    loop {
        tokio::select! {
            call = calls.recv() => match call {
                Some(call) => take(context, call)?,
                // The listener has ended, and everything that it heard has been written.
                None => return Ok(()),
            },
            () = interrupt.wait() => {
                if stopping.is_cancelled() {
                    // The second time, the person does not want to wait for the open calls.
                    return Ok(());
                }
                stopping.cancel();
            }
        }
    }
}

fn take(context: &Context, call: Heard) -> anyhow::Result<()> {
    let (callbacks, written) = match call {
        Heard::Told { callbacks, written } => (callbacks, written),
        Heard::Refused(why) => {
            context.output.remark(format_args!("refused: {why}"));
            return Ok(());
        }
    };
    let now = context.clock.now();
    let mut lines = Vec::new();
    for callback in &callbacks {
        if context.output.is_json() {
            serde_json::to_writer(&mut lines, &Line::of(callback, now))?;
        } else {
            lines.extend_from_slice(sentence(callback, now).as_bytes());
        }
        lines.push(b'\n');
    }
    // On failure the call stays without an answer, and the provider tells it again.
    context.output.whole(&lines)?;
    // Whoever has gone meanwhile will call again: the same line comes twice.
    written.send(()).ok();
    Ok(())
}

/// One line for a person.
fn sentence(callback: &Callback, now: Timestamp) -> String {
    match callback {
        Callback::Report(report) => sentence_of_report(report, now),
        Callback::Inbound(message) => sentence_of_text(message, now),
        Callback::Conversation(event) => sentence_of_event(event, now),
        _ => format!("{now}  something that this version does not know"),
    }
}

fn sentence_of_report(report: &DeliveryReport, now: Timestamp) -> String {
    let about = &report.about;
    let mut sentence = format!("{}  {}", report.at.unwrap_or(now), report.state);
    let reference = about.reference.as_ref().map(ToString::to_string);
    let named = [
        ("message", about.message.as_deref()),
        ("reference", reference.as_deref()),
        ("batch", about.batch.as_deref()),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            sentence = format!("{sentence}  {name} {}", shown(value));
        }
    }
    if let Some(reason) = report.reason {
        sentence = format!("{sentence}  {reason}");
    }
    let words = [report.raw.as_deref(), report.detail.as_deref()];
    let words: Vec<String> = words.into_iter().flatten().map(shown).collect();
    if !words.is_empty() {
        sentence = format!("{sentence}  ({})", words.join(": "));
    }
    sentence
}

fn sentence_of_text(message: &InboundMessage, now: Timestamp) -> String {
    let mut sentence = format!(
        "{}  text from {} to {}: \"{}\"",
        message.received_at.unwrap_or(now),
        shown(&message.from),
        shown(&message.to),
        shown(&message.text)
    );
    let named = [
        ("message", Some(message.id.as_str())),
        ("keyword", message.keyword.as_deref()),
        ("session", message.session.as_deref()),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            sentence = format!("{sentence}  {name} {}", shown(value));
        }
    }
    sentence
}

fn sentence_of_event(event: &ConversationEvent, now: Timestamp) -> String {
    let conversation = &event.conversation;
    let session = shown(&conversation.id);
    let Some(message) = &event.message else {
        let read = if conversation.is_read {
            "all is read"
        } else {
            "something is unread"
        };
        let owner = shown(&conversation.owner.to_string());
        return format!("{now}  session {session} of {owner} changed: {read}");
    };
    let way = match message.direction {
        Direction::Inbound => "came in",
        Direction::Outbound => "went out",
        _ => "was written",
    };
    let mut sentence = format!(
        "{}  {} {way} in session {session} from {} to {}: \"{}\"  message {}",
        message.at.unwrap_or(now),
        shown(&message.kind),
        shown(&message.from),
        shown(&message.to.join(", ")),
        shown(&message.text),
        shown(&message.id),
    );
    if let Some(media) = &message.media {
        sentence = format!("{sentence}  file {}", shown(&media.mime_type));
    }
    sentence
}

#[cfg(test)]
mod tests {
    use tidings::conversations::{Conversation, ConversationMessage, Mailbox, StoredMedia};
    use tidings::{ClientRef, ProviderRef, Reason, ReportedState};

    use super::*;

    #[track_caller]
    fn check(callback: &Callback, expected: &str) {
        assert_eq!(sentence(callback, Timestamp::UNIX_EPOCH), expected);
    }

    #[test]
    fn one_line_for_each() {
        let mut about = ProviderRef::message("7a00");
        about.batch = Some("batch-1".to_owned());
        about.reference = Some(ClientRef::new("ref-1").unwrap());
        check(
            &Callback::Report(DeliveryReport::new(about.clone(), ReportedState::Delivered)),
            "1970-01-01T00:00:00Z  delivered  message 7a00  reference ref-1  batch batch-1",
        );
        let failed = DeliveryReport::new(about, ReportedState::Expired)
            .reason(Reason::Expired)
            .raw("361")
            .detail("Validity\u{1b}[2J period\nexpired");
        check(
            &Callback::Report(failed),
            "1970-01-01T00:00:00Z  expired  message 7a00  reference ref-1  batch batch-1  expired  \
             (361: Validity\\u{1b}[2J period\\nexpired)",
        );
        let text = InboundMessage::new("7f00", "+4700000001", "1960", "DEMO hei\npå deg")
            .received_at("2026-03-21T08:00:00Z".parse().unwrap())
            .keyword("DEMO");
        check(
            &Callback::Inbound(text),
            "2026-03-21T08:00:00Z  text from +4700000001 to 1960: \"DEMO hei\\npå deg\"  \
             message 7f00  keyword DEMO",
        );
    }

    #[test]
    fn what_happens_in_a_conversation_is_one_line_too() {
        let mut conversation = Conversation::new("c-1", Mailbox::new("example.test", "200"));
        conversation.is_read = false;
        let event = ConversationEvent::new(conversation);
        check(
            &Callback::Conversation(Box::new(event.clone())),
            "1970-01-01T00:00:00Z  session c-1 of 200@example.test changed: something is unread",
        );
        let mut message =
            ConversationMessage::new("m-1", "c-1", "mms", Direction::Outbound, "see\nthis");
        message.from = "200@example.test".to_owned();
        message.to = vec!["+15550101234".to_owned()];
        message.media = Some(StoredMedia::new("image/png"));
        check(
            &Callback::Conversation(Box::new(event.message(message))),
            "1970-01-01T00:00:00Z  mms went out in session c-1 from 200@example.test to \
             +15550101234: \"see\\nthis\"  message m-1  file image/png",
        );
    }
}
