//! How much memory the body of a call with a file takes, and how many heap allocations a list costs:
//! shown with a counting allocator.

use std::hint::black_box;

use allocation_counter::measure;
use tidings::netsapiens::wire::{self, Destination, Rows, SendMessage, SentMessage};
use tidings_core::Media;

/// The largest file that is sent unless a setting says otherwise.
const FILE_BYTES: usize = tidings::netsapiens::DEFAULT_MAX_MEDIA_BYTES;

fn photo() -> Media {
    let content: Vec<u8> = (0..=u8::MAX).cycle().take(FILE_BYTES).collect();
    Media::new("image/png", content).expect("the file is right")
}

/// The file itself and the body are the two copies.
#[track_caller]
fn check_written(text: &str, to: Destination<'_>) {
    let media = photo();
    let mut message = SendMessage::new("mms", text);
    message.attach(&media);
    message.destination = Some(to);
    message.from_number = Some("15550109876");
    let mut body = bytes::Bytes::new();
    let counted = measure(|| body = black_box(wire::write_send(&message)));
    let most = usize::try_from(counted.bytes_max).expect("it was in memory");
    assert!(most >= body.len(), "{most} bytes: not counted");
    let beside = most - body.len();
    assert!(
        beside <= 2048 + 5 * text.len(),
        "{beside} bytes beside the body"
    );
    assert!(
        counted.count_total <= 3,
        "{} allocations",
        counted.count_total
    );
}

#[test]
fn a_file_is_written_without_a_copy_between_it_and_the_body() {
    let several = ["15550101234".to_owned(), "15550105678".to_owned()];
    check_written("photo.png", Destination::One("15550101234"));
    check_written(&"\u{1f600}".repeat(400), Destination::Several(&several));
    check_written(&"\"\\\n\u{1}".repeat(400), Destination::Several(&several));
}

/// The body, the base64 in it, and the file's content are the three copies.
#[test]
fn a_file_is_read_without_a_copy_between_body_and_content() {
    let media = photo();
    let mut message = SendMessage::new("mms", "photo.png");
    message.attach(&media);
    let body = wire::write_send(&message);
    let mut content = None;
    let counted = measure(|| {
        let sent: SentMessage = wire::read(&body).expect("it was just written");
        content = sent.content().expect("it was just written");
    });
    assert_eq!(content.as_deref(), Some(&media.content()[..]));
    let most = usize::try_from(counted.bytes_max).expect("it was in memory");
    let copies = FILE_BYTES.div_ceil(3) * 4 + FILE_BYTES;
    assert!(most >= copies, "{most} bytes: not counted");
    assert!(most <= copies + 2048, "{most} bytes beside the body");
}

/// One allocation for each member that is a text, and none for names.
#[test]
fn a_list_costs_one_allocation_for_each_text() {
    const N_ROWS: u64 = 1000;
    let row = r#"{"id":"m-65f0a1b2c3d4e","timestamp":"2026-01-02 03:04:05","type":"sms","text":"hello","from-number":15550101234,"unknown":[{"a":"b"}],"media-size":"0"}"#;
    let list = format!(
        "[{}]",
        vec![row; usize::try_from(N_ROWS).expect("it is small")].join(",")
    );
    let read = || wire::read::<Rows<wire::Message>>(list.as_bytes()).expect("the list is right");
    let counted = measure(|| drop(black_box(read()))).count_total;
    assert!(counted <= 6 * N_ROWS + 40, "{counted} allocations");
    assert!(counted >= 6 * N_ROWS, "the bound is loose: {counted}");
}
