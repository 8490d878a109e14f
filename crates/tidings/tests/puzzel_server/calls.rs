//! What a call that sends asks of the backend, and how the answer says what became of each message.

use serde_json::{Value, json};
use tidings::backend::{Refusal, TakenMessage};
use tidings::puzzel::Dialect;
use tidings::puzzel::server::ServerOptions;

use crate::desk::{self, Desk};
use crate::forms::{self, FORMS};
use crate::{Answer, ask, call_of, call_with, post, serve, serve_as};

/// What the backend is asked of a message with these members, in each form.
async fn check(dialect: Dialect, members: Value, expected: &str) {
    let desk = Desk::new();
    let router = serve_as(&desk, ServerOptions::new(dialect));
    for form in FORMS {
        let answer = ask(&router, forms::write(form, &call_with(&members))).await;
        assert_eq!(
            answer.statuses()[0].0,
            1,
            "{form} {members}: {}",
            answer.body
        );
    }
    for (form, asked) in FORMS.iter().zip(desk.asked()) {
        assert_eq!(asked, format!("accept: {expected}"), "{form} {members}");
    }
    assert_eq!(desk.asked().len(), FORMS.len());
}

async fn check_both(members: Value, expected: &str) {
    for dialect in [Dialect::V3, Dialect::Manual] {
        check(dialect, members.clone(), expected).await;
    }
}

#[tokio::test]
async fn a_message_is_handed_over_with_all_that_was_said_of_it() {
    let members = json!({
        "recipient": "+47 41 00 00 01",
        "content": "Hei p\u{e5} deg \u{20ac} & <alle>",
        "clientReference": "ref-1",
        "settings": {
            "differentiator": "grp",
            "invoiceNode": "dept",
            "originatorSettings": {"originator": "1960", "originatorType": "Network"},
            "gasSettings": {"serviceCode": "02001", "description": "SMS"},
            "newSession": true,
            "sessionId": "00demosession0000001",
            "sendWindow": {
                "startDate": "2026-12-21", "startTime": "09:00:00",
                "stopDate": "2026-12-22", "stopTime": "17:00:00",
            },
            "parameter": [
                {"key": "pid", "value": "65"},
                {"key": "flash", "value": "true"},
                {"key": "skip_customer_report_delivery", "value": "true"},
                {"key": "something_else", "value": "kept"},
            ],
        },
    });
    let window = "2026-12-21..=2026-12-22 09:00:00..17:00:00 Europe/Oslo";
    let desk = Desk::new();
    let answer = ask(&serve(&desk), post(&call_with(&members))).await;
    assert_eq!(answer.statuses()[0].0, 1);
    let asked = &desk.asked()[0];
    for expected in [
        "accept: +4741000001 from=short:1960 ref=ref-1 window=",
        "session=new report=no pid=65 flash=true something_else=kept differentiator=grp",
        "invoiceNode=dept gasSettings.serviceCode=02001 gasSettings.description=SMS",
        "text=Hei p\u{e5} deg \u{20ac} & <alle>",
    ] {
        assert!(
            asked.contains(expected),
            "{asked} lacks {expected} ({window})"
        );
    }
}

#[tokio::test]
async fn what_is_null_or_empty_is_absent() {
    let nulls = json!({
        "price": null, "priceXml": null, "clientReference": null,
        "settings": {
            "priority": null, "validity": null, "differentiator": null, "age": null,
            "newSession": null, "sessionId": null, "invoiceNode": null, "sendWindow": null,
            "autoDetectEncoding": null, "safeRemoveNonGsmCharacters": null, "parameter": null,
            "gasSettings": null,
            "originatorSettings": {"originator": null, "originatorType": null},
        },
    });
    let empty = json!({
        "clientReference": "", "priceXml": "",
        "settings": {
            "sessionId": "", "differentiator": "", "invoiceNode": "",
            "gasSettings": {"serviceCode": "", "description": ""},
            "newSession": false, "age": 0,
        },
    });
    for members in [json!({}), json!({"settings": null}), nulls, empty] {
        check_both(members, "+4741000001 text=Hei").await;
    }
    let mut call = call_with(&json!({}));
    call["batchReference"] = Value::Null;
    let desk = Desk::new();
    let answer = ask(&serve(&desk), post(&call)).await;
    assert_eq!(answer.json()["batchReference"], desk::MADE_NAME);
}

#[tokio::test]
async fn senders_are_read_in_any_casing_of_their_type() {
    for kind in [
        "INTERNATIONAL",
        "International",
        "international",
        "iNtErNaTiOnAl",
    ] {
        let sender = json!({"originator": "+47 41 00 00 09", "originatorType": kind});
        let members = json!({"settings": {"originatorSettings": sender}});
        check_both(members, "+4741000001 from=number:+4741000009 text=Hei").await;
    }
    for (kind, written, read) in [
        ("ALPHANUMERIC", "A1 %&-+.,", "name:A1 %&-+.,"),
        ("alphanumeric", "Elleve tegn", "name:Elleve tegn"),
        ("NETWORK", "1960", "short:1960"),
        ("network", "12345678", "short:12345678"),
    ] {
        let sender = json!({"originator": written, "originatorType": kind});
        let members = json!({"settings": {"originatorSettings": sender}, "price": 0});
        check_both(members, &format!("+4741000001 from={read} text=Hei")).await;
    }
}

#[tokio::test]
async fn the_dialect_decides_what_priority_and_validity_mean() {
    for (dialect, number, said) in [
        (Dialect::V3, 1, " priority=high"),
        (Dialect::V3, 2, ""),
        (Dialect::V3, 3, " priority=low"),
        (Dialect::Manual, 1, " priority=low"),
        (Dialect::Manual, 2, ""),
        (Dialect::Manual, 3, " priority=high"),
    ] {
        let members = json!({"settings": {"priority": number}});
        check(dialect, members, &format!("+4741000001{said} text=Hei")).await;
    }
    for (dialect, number, seconds) in [
        (Dialect::V3, 1, 60),
        (Dialect::V3, 173, 173 * 60),
        (Dialect::V3, 1440, 86_400),
        (Dialect::Manual, 0, 300),
        (Dialect::Manual, 11, 3_600),
        (Dialect::Manual, 143, 43_200),
        (Dialect::Manual, 167, 86_400),
        (Dialect::Manual, 168, 172_800),
        (Dialect::Manual, 173, 604_800),
    ] {
        let members = json!({"settings": {"validity": number}});
        let expected = format!("+4741000001 valid={seconds}s text=Hei");
        check(dialect, members, &expected).await;
    }
}

#[tokio::test]
async fn the_dialect_decides_how_long_a_text_may_be() {
    let fits = |dialect, text: String, parameters: Value| async move {
        let desk = Desk::new();
        let router = serve_as(&desk, ServerOptions::new(dialect));
        let settings = json!({"parameter": parameters});
        let call = call_with(&json!({"content": text, "settings": settings}));
        ask(&router, post(&call)).await.statuses()[0].0 == 1
    };
    let auto = json!([{"key": "parsing-type", "value": "AUTO_DETECT"}]);
    let data = json!([{"key": "dcs", "value": "F5"}]);
    for (dialect, text, longest, parameters) in [
        (Dialect::V3, "a", 1_600, json!([])),
        (Dialect::V3, "\u{20ac}", 1_600, json!([])),
        (Dialect::V3, "\u{1f600}", 1_600, auto.clone()),
        (Dialect::V3, "0", 1_600, data.clone()),
        (Dialect::Manual, "a", 918, json!([])),
        // Two septets each, and none is cut in two: 76 fit into each of six parts.
        (Dialect::Manual, "\u{20ac}", 456, json!([])),
        (Dialect::Manual, "\u{e7}", 402, auto.clone()),
        (Dialect::Manual, "\u{1f600}", 198, auto),
        (Dialect::Manual, "0", 1_608, data),
    ] {
        let longest_fits = fits(dialect, text.repeat(longest), parameters.clone()).await;
        assert!(longest_fits, "{dialect:?} {longest} of {text}");
        let longer_fits = fits(dialect, text.repeat(longest + 1), parameters).await;
        assert!(
            !longer_fits,
            "{dialect:?} one more than {longest} of {text}"
        );
    }
}

#[tokio::test]
async fn characters_outside_the_alphabet_are_treated_as_asked_for() {
    let written = "Caf\u{e9} \u{e1}\u{142}\u{e7} \u{201c}x\u{201d} \u{1f600}!";
    let whole = format!("+4741000001 text={written}");
    let removed = "+4741000001 text=Caf\u{e9}  x !";
    let replaced = "+4741000001 text=Caf\u{e9} alc x !";
    let parameter = |value: &str| json!([{"key": "parsing-type", "value": value}]);
    for (settings, expected) in [
        (json!({"autoDetectEncoding": true}), &*whole),
        (json!({"parameter": parameter("AUTO_DETECT")}), &whole),
        (json!({"safeRemoveNonGsmCharacters": true}), removed),
        (
            json!({"parameter": parameter("SAFE_REMOVE_NON_GSM")}),
            removed,
        ),
        (
            json!({"parameter": parameter("safe_remove_non_gsm")}),
            removed,
        ),
        (
            json!({"parameter": parameter("SAFE_REMOVE_NON_GSM_WITH_REPLACE")}),
            replaced,
        ),
        // The parameter wins over the switches, and of these the one that keeps the text.
        (
            json!({"autoDetectEncoding": true, "parameter": parameter("SAFE_REMOVE_NON_GSM")}),
            removed,
        ),
        (
            json!({"autoDetectEncoding": true, "safeRemoveNonGsmCharacters": true}),
            &whole,
        ),
        (
            json!({"autoDetectEncoding": false, "safeRemoveNonGsmCharacters": true}),
            removed,
        ),
    ] {
        check_both(json!({"content": written, "settings": settings}), expected).await;
    }
    // What the alphabet has is never touched.
    let all_inside = "@\u{a3}$\u{a5}\u{e8}\u{e9}\u{f9}\u{ec}\u{f2}\u{c7}\n\u{d8}\u{20ac}[]{}~^|";
    for value in [
        "NONE",
        "SAFE_REMOVE_NON_GSM",
        "SAFE_REMOVE_NON_GSM_WITH_REPLACE",
    ] {
        let settings = json!({"parameter": parameter(value)});
        let members = json!({"content": all_inside, "settings": settings});
        check_both(members, &format!("+4741000001 text={all_inside}")).await;
    }
}

/// What the gateway drops does not count.
#[tokio::test]
async fn in_the_manuals_dialect_the_length_is_that_of_what_is_left() {
    let written = "a\u{1f600}".repeat(918);
    let settings = json!({"safeRemoveNonGsmCharacters": true});
    let desk = Desk::new();
    let router = serve_as(&desk, ServerOptions::new(Dialect::Manual));
    let call = call_with(&json!({"content": written, "settings": settings}));
    assert_eq!(ask(&router, post(&call)).await.statuses()[0].0, 1);
    let expected = format!("accept: +4741000001 text={}", "a".repeat(918));
    assert_eq!(desk.asked(), [expected]);
}

#[tokio::test]
async fn content_that_is_encoded_already_is_taken_as_it_is() {
    for (key, value) in [("dcs", "F5"), ("dcs", "15"), ("udh", "050003010201")] {
        let settings = json!({"parameter": [{"key": key, "value": value}]});
        let members = json!({"content": "C0FFEE\u{e7}", "settings": settings});
        check_both(
            members,
            &format!("+4741000001 {key}={value} text=C0FFEE\u{e7}"),
        )
        .await;
    }
}

#[tokio::test]
async fn prices_ages_and_sessions_become_terms() {
    for (members, expected) in [
        (json!({"price": 100}), "+4741000001 price=100 text=Hei"),
        (
            json!({"price": 100_000}),
            "+4741000001 price=100000 text=Hei",
        ),
        (
            json!({"price": 150, "recipient": "+46700000001"}),
            "+46700000001 price=150 text=Hei",
        ),
        (
            json!({"price": 200, "priceXml": "<price/>", "settings": {"age": 18}}),
            "+4741000001 price=200 age=18 priceXml=<price/> text=Hei",
        ),
        (
            json!({"price": 100, "settings": {"originatorSettings": {"originator": "1960", "originatorType": "NETWORK"}}}),
            "+4741000001 from=short:1960 price=100 text=Hei",
        ),
        (
            json!({"settings": {"newSession": true}}),
            "+4741000001 session=new text=Hei",
        ),
        (
            json!({"settings": {"newSession": false, "sessionId": "00demo"}}),
            "+4741000001 session=00demo text=Hei",
        ),
    ] {
        // The vendor's XML schema has no priceXml, and the reader passes over what it does not have.
        let desk = Desk::new();
        let answer = ask(&serve(&desk), post(&call_with(&members))).await;
        assert_eq!(answer.statuses()[0].0, 1, "{members}: {}", answer.body);
        assert_eq!(desk.asked(), [format!("accept: {expected}")]);
    }
}

#[tokio::test]
async fn values_of_parameters_are_read_as_texts_numbers_and_truth_values() {
    let parameters = json!([
        {"key": "business_model", "value": "DONATION"},
        {"key": "pid", "value": 65},
        {"key": "flash", "value": true},
        {"key": "strex_verification_timeout", "value": "30"},
        {"key": "weight", "value": 1.5},
        {"key": "flash", "value": "no"},
    ]);
    let members = json!({"settings": {"parameter": parameters}});
    let expected = "+4741000001 businessModel=DONATION pid=65 flash=true \
                    strex_verification_timeout=30 weight=1.5 flash=no text=Hei";
    check_both(members, expected).await;
    for (value, said) in [
        ("true", " report=no"),
        ("TRUE", " report=no"),
        ("false", ""),
    ] {
        let parameter = json!({"key": "skip_customer_report_delivery", "value": value});
        let members = json!({"settings": {"parameter": [parameter]}});
        check_both(members, &format!("+4741000001{said} text=Hei")).await;
    }
}

#[tokio::test]
async fn the_name_of_a_message_comes_back_as_it_was_written_and_is_kept_reversibly() {
    for (written, kept) in [
        ("ref-1", "ref-1"),
        ("50%", "50%"),
        ("100%25", "100%2525"),
        ("order 17", "order%2017"),
        ("bestilling \u{e6}", "bestilling%20%C3%A6"),
        (" ", "%20"),
    ] {
        let desk = Desk::new();
        let call = call_with(&json!({"clientReference": written}));
        let answer = ask(&serve(&desk), post(&call)).await;
        assert_eq!(
            answer.json()["messageStatus"][0]["clientReference"],
            written
        );
        assert_eq!(
            desk.asked(),
            [format!("accept: +4741000001 ref={kept} text=Hei")]
        );
    }
}

#[tokio::test]
async fn a_batch_may_be_called_anything() {
    for name in [
        "batch-1",
        "my batch/\u{e6}?#%2F.",
        " ",
        &"\u{e6}".repeat(255),
    ] {
        let desk = Desk::new();
        let mut call = call_with(&json!({}));
        call["batchReference"] = json!(name);
        for form in FORMS {
            let answer = ask(&serve(&desk), forms::write(form, &call)).await;
            assert_eq!(answer.json()["batchReference"], name, "{form}");
        }
        let expected = format!("accept {name:?}: +4741000001 text=Hei");
        assert!(desk.asked().iter().all(|asked| *asked == expected));
    }
}

#[tokio::test]
async fn every_message_has_its_status_in_the_order_of_the_call() {
    let desk = Desk::new();
    desk.decide(vec![
        Ok(TakenMessage::new("7a0000000a00").session(Some("00demo".to_owned()))),
        Err(Refusal::Duplicate),
        Ok(TakenMessage::new("7a0000000b00").on_hold()),
        Err(Refusal::invalid("recipient", "is not known here")),
    ]);
    let message = |recipient: &str, reference: &str| json!({"recipient": recipient, "content": "Hei", "clientReference": reference});
    let call = call_of(json!([
        message("12", "r-1"),
        message("+47 41 00 00 02", "r-2"),
        message("+4741000003", "r-3"),
        {},
        message("+4741000004", "r-5"),
        message("+4741000005", "r-6"),
    ]));
    let answer = ask(&serve(&desk), post(&call)).await;
    let status = |code: i64,
                  said: &str,
                  reference: Value,
                  recipient: Value,
                  id: Value,
                  session: Value,
                  index: i64| {
        json!({
            "statusCode": code, "statusMessage": said, "clientReference": reference,
            "recipient": recipient, "messageId": id, "sessionId": session,
            "sequenceIndex": index,
        })
    };
    let none = Value::Null;
    let no_number = "recipient must begin with a plus and the country code";
    let queued = "Message enqueued for sending";
    let expected = json!({
        "batchReference": desk::MADE_NAME,
        "messageStatus": [
            status(2, no_number, json!("r-1"), json!("12"), none.clone(), none.clone(), 1),
            status(1, queued, json!("r-2"), json!("+4741000002"), json!("7a0000000a00"), json!("00demo"), 2),
            status(25, "this reference was taken not long ago", json!("r-3"), json!("+4741000003"), none.clone(), none.clone(), 3),
            status(2, "recipient is missing", none.clone(), none.clone(), none.clone(), none.clone(), 4),
            status(24, "Message held until it is approved", json!("r-5"), json!("+4741000004"), json!("7a0000000b00"), none.clone(), 5),
            status(2, "recipient is not known here", json!("r-6"), json!("+4741000005"), none.clone(), none, 6),
        ],
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(desk.asked().len(), 1);
}

#[tokio::test]
async fn a_message_that_the_backend_forgets_counts_as_failed() {
    for (dialect, code) in [(Dialect::V3, 3), (Dialect::Manual, 6)] {
        let desk = Desk::new();
        desk.decide(Vec::new());
        let router = serve_as(&desk, ServerOptions::new(dialect));
        let answer = ask(&router, post(&call_with(&json!({})))).await;
        assert_eq!(answer.statuses(), [(code, "the server failed".to_owned())]);
    }
}

#[tokio::test]
async fn where_nothing_can_be_read_the_backend_is_not_asked() {
    let desk = Desk::new();
    let answer: Answer = ask(
        &serve(&desk),
        post(&call_of(json!([{}, {"content": "Hei"}]))),
    )
    .await;
    let codes: Vec<i64> = answer.statuses().iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [2, 2]);
    assert_eq!(answer.json()["batchReference"], Value::Null);
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_thousand_messages_are_one_call() {
    let desk = Desk::new();
    let message = json!({"recipient": "+4741000001", "content": "Hei"});
    let answer = ask(&serve(&desk), post(&call_of(json!(vec![message; 1_000])))).await;
    assert_eq!(answer.statuses().len(), 1_000);
    assert_eq!(answer.json()["messageStatus"][999]["sequenceIndex"], 1_000);
}
