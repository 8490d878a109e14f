//! How many heap allocations a call with a thousand messages costs in JSON, read and written: shown
//! with a counting allocator. Figures with times come from `cargo bench -p tidings --bench
//! puzzel_encoding`.

#[path = "../benches/puzzel_encoding/call.rs"]
mod call;

use std::hint::black_box;

use allocation_counter::measure;
use tidings::puzzel::encoding::{self, Encoding};
use tidings::puzzel::wire;

use self::call::{N_MESSAGES, call};

/// Reads and writes the call and holds both against a number of allocations for each message. The
/// list that grows and the fields of the call cost a few dozen more.
#[track_caller]
fn check(members: &str, for_each_message: u64) {
    let body = call(members);
    let read = || {
        encoding::read::<wire::GatewayRequest>(Encoding::Json, body.as_bytes())
            .expect("the call is right")
    };
    let request = read();
    assert_eq!(request.message.len() as u64, N_MESSAGES);

    let counted = measure(|| drop(black_box(read()))).count_total;
    let allowed = for_each_message * N_MESSAGES + 40;
    assert!(counted <= allowed, "reading: {counted} allocations");
    assert!(
        counted >= for_each_message * N_MESSAGES,
        "the bound is loose: {counted}"
    );

    let write = || encoding::write(Encoding::Json, &request).expect("JSON carries every text");
    assert_eq!(write(), body.as_bytes());
    let counted = measure(|| drop(black_box(write()))).count_total;
    assert!(counted <= 40, "writing: {counted} allocations");
}

#[test]
fn a_message_is_read_with_one_allocation_for_each_text_and_written_with_none() {
    check(r#""content":"Hei""#, 2);
    // Escapes cost nothing more.
    check(
        r#""content":"Quote \" and\nline","clientReference":"ref-1""#,
        3,
    );
    let settings = r#""originatorSettings":{"originator":"Demo","originatorType":"Alphanumeric"},"priority":3,"newSession":false"#;
    check(&format!(r#""content":"Hei","settings":{{{settings}}}"#), 4);
    let parameter = r#"{"key":"pid","value":"65"}"#;
    let parameters = format!(r#""parameter":[{parameter},{parameter}]"#);
    check(
        &format!(r#""content":"Hei","settings":{{{settings},{parameters}}}"#),
        9,
    );
}
