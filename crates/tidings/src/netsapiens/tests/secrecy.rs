//! No token, no text, no address of a file and no whole number in what is shown or logged.

use futures_util::TryStreamExt as _;
use tidings_core::{ClientRef, E164, Media, Message as Neutral, ProviderRef};
use tracing::Instrument;

use super::{KEY, builder};
use crate::conversations::{Page, StoredMedia};
use crate::netsapiens::{Message, wire};
use crate::numbers::OwnNumber;
use crate::provider::{AttemptRef, Outbound, Provider};
use crate::tests::log::{CapturedLog, check_clean};
use crate::tests::scripted::{Reply, Scripted, Seen};

const TEXT: &str = "Your code is 314159";

const SECRETS: [&str; 8] = [
    KEY,
    TEXT,
    "314159",
    "5550101234",
    "5550109876",
    "f00dcafe",
    "picture.png",
    "iVBORw0KGgo",
];

fn answer(seen: &Seen, url: &str, fails: bool) -> Reply {
    let told = format!("{TEXT} to +15550101234 with {KEY}");
    if fails {
        return Reply::status(
            400,
            "",
            format!(r#"{{"code":400,"message":"{told}","error":"{told}"}}"#),
        );
    }
    let path = seen.path.split('?').next().unwrap();
    Reply::ok(if path.ends_with("/count") {
        r#"{"total":1}"#.to_owned()
    } else if seen.method == "GET" && path.ends_with("/messages") {
        format!(
            r#"[{{"id":"m-1","timestamp":"2026-01-02 03:04:05","type":"sms","direction":"term","dialed":"15550101234","text":"{TEXT}","status":"sending","from-number":15550109876,"media-type":"image/png","file-access-url":"{url}/?auth=f00dcafe"}}]"#
        )
    } else if seen.method == "GET" && path.contains("smsnumbers") {
        r#"[{"number":15550109876,"application":"user","dest":"200"}]"#.to_owned()
    } else if seen.method == "GET" {
        format!(
            r#"[{{"messagesession-id":"a1","messagesession-remote":15550101234,"messagesession-last-message":"{TEXT}","messagesession-name":"{TEXT}"}}]"#
        )
    } else {
        format!(
            r#"{{"id":"m-1","messagesession-id":"a1","text":"{TEXT}","from-number":15550109876}}"#
        )
    })
}

/// Every call once; what came back or went wrong, as `Debug` shows it.
async fn full_run(fails: bool) -> String {
    let host = Scripted::start(|_| Reply::ok("x")).await;
    let url = host.url.clone();
    let server = Scripted::start(move |seen| answer(seen, &url, fails)).await;
    let number = |text| E164::parse_possible(text, None).unwrap();
    let (to, from) = (number("+15550101234"), number("+15550109876"));
    let builder = builder(&server).from_number(from);
    let mut shown = format!("{builder:?}");
    let client = builder.build().unwrap();
    let png = Media::new("image/png", &b"\x89PNG\r\n\x1a\n"[..])
        .unwrap()
        .name("picture.png");
    let page = Page::first(5);
    let mut show = |part: String| shown.push_str(&part);
    for message in [
        Message::sms([to], TEXT),
        Message::mms([to], png.clone(), TEXT),
        Message::chat(["201"], TEXT),
        Message::sms([to, to], TEXT),
        Message::mms([to], Media::new("image/png", TEXT).unwrap(), TEXT),
    ] {
        show(format!("{message:?} {:?}", client.send(&message).await));
        show(format!("{:?}", client.reply("a1", &message).await));
        show(format!(
            "{:?}",
            client.send_in_server_session(&message).await
        ));
    }
    show(format!("{:?}", client.sessions(page).await));
    show(format!("{:?}", client.session("a1").await));
    let all: Result<Vec<_>, _> = client.all_messages("a1").try_collect().await;
    show(format!("{all:?}"));
    let conversations = client.conversations().unwrap();
    show(format!(
        "{:?} {:?}",
        conversations.list(page).await,
        conversations.messages("a1", page).await
    ));
    show(format!("{:?}", client.rename_session("a1", TEXT).await));
    show(format!("{:?}", client.mark_session("a1", true).await));
    let mut stored = StoredMedia::new("image/png");
    stored.url = Some(format!("{}/?auth=f00dcafe", host.url).into());
    show(format!(
        "{stored:?} {:?}",
        client.fetch_media(&stored).await
    ));
    stored.url = Some("ftp://host/?auth=f00dcafe".into());
    show(format!("{:?}", client.fetch_media(&stored).await));
    let numbers = client.numbers().unwrap();
    let own = OwnNumber::new("+15550109876", "user");
    show(format!(
        "{:?} {:?}",
        numbers.list().await,
        numbers.count().await
    ));
    show(format!(
        "{:?} {:?}",
        numbers.add(&own).await,
        numbers.change(&own).await
    ));
    show(format!("{:?}", numbers.remove("+15550109876").await));
    let outbound = Outbound::new(
        ClientRef::new("r-1").unwrap(),
        Neutral::new(to, TEXT).media(png),
    );
    let both = [outbound.clone(), outbound.clone()];
    show(format!("{:?}", client.submit(&both).await));
    let attempt = AttemptRef::new(outbound, crate::Clock::now(&crate::SystemClock::new()));
    show(format!("{:?}", client.reconcile(&attempt).await));
    let mut about = ProviderRef::default();
    about.session = Some("a1".to_owned());
    show(format!("{:?}", client.status(&[about]).await));
    shown
}

#[tokio::test]
async fn the_log_and_the_debug_output_of_a_full_run_hold_no_secret() {
    let log = CapturedLog::start();
    for fails in [false, true] {
        let span = tracing::info_span!("run", fails);
        check_clean(&full_run(fails).instrument(span).await, &SECRETS);
    }
    // It is the log of the run, with ids in it.
    let expected = [
        "send_message",
        "netsapiens answered",
        "netsapiens call failed",
    ];
    log.check(&expected, &SECRETS);
}

#[test]
fn the_wire_types_show_no_secret() {
    let text = format!(
        r#"{{"id":"m","text":"{TEXT}","dialed":"15550101234","file-access-url":"https://h/?auth=f00dcafe"}}"#
    );
    let message: wire::Message = wire::read(text.as_bytes()).unwrap();
    check_clean(&format!("{message:?}"), &SECRETS);
}
