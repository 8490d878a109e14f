//! Lists and single rows: how they are written under every switch, and how parts of them are asked
//! for.

use serde_json::{Value, json};

use crate::desk::{self, Desk, SESSION};
use crate::{API, MINE, ask, assert_accepted, assert_said, call, get, serve, serve_as};

#[tokio::test]
async fn a_session_has_every_member_of_the_vendors() {
    let router = serve(&Desk::new());
    let path = format!("{MINE}/messagesessions");
    let rows = ask(&router, get(&path)).await.document();
    let expected = json!([{
        "user": "200", "domain": "example.test", "messagesession-id": SESSION,
        "messagesession-remote": 15_550_101_234_u64,
        "messagesession-sms-number": 15_550_109_876_u64,
        "messagesession-muted": "no",
        "messagesession-last-datetime": "2026-01-02T03:04:05+00:00",
        "messagesession-start-datetime": "2026-01-01T00:00:00+00:00",
        "messagesession-last-message": "see you",
        "messagesession-last-sender": "200@example.test",
        "messagesession-last-status": "read",
        "messagesession-last-email-reminder-datetime": "",
        "messagesession-reciever-hostname": "core1.example.test",
        "messagesession-queue-termination": "", "messagesession-queue-status": "",
        "messagesession-queue-session-id": "", "messagesession-agent-start-datetime": "",
        "messagesession-last-type": "sms", "messagesession-last-media-type": "",
        "messagesession-last-media-size": 0, "messagesession-type": "",
        "messagesession-name": "", "messagesession-participants": "",
    }]);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn times_are_named_and_written_in_either_way() {
    let router = serve_as(&Desk::new(), &[("times", "timestamp")]);
    let path = format!("{MINE}/messagesessions");
    let rows = ask(&router, get(&path)).await.document();
    let row = rows[0].as_object().unwrap();
    assert_eq!(row["messagesession-last-timestamp"], "2026-01-02 03:04:05");
    assert_eq!(row["messagesession-start-timestamp"], "2026-01-01 00:00:00");
    assert!(
        row.keys().all(|name| !name.ends_with("-datetime")),
        "{row:?}"
    );
    let rows = ask(&router, get(&format!("{path}/{SESSION}/messages")))
        .await
        .document();
    let row = rows[0].as_object().unwrap();
    assert_eq!(row["timestamp"], "2026-01-02 03:04:05");
    assert!(row.contains_key("deleted-timestamp"));
    // A subscription has one spelling everywhere.
    let rows = ask(&router, get(&format!("{API}/subscriptions")))
        .await
        .document();
    let expires = &rows[0]["subscription-expires-datetime"];
    assert_eq!(expires, "2046-01-01T00:00:00+00:00");
}

/// What a text is written as.
async fn check_text(settings: &[(&str, &str)], text: &str, expected: Value) {
    let desk = Desk::new();
    desk.show(vec![desk::outbound(text)]);
    let path = format!("{MINE}/messagesessions/{SESSION}/messages");
    let rows = ask(&serve_as(&desk, settings), get(&path)).await.document();
    assert_eq!(rows[0]["text"], expected);
}

#[tokio::test]
async fn digits_are_numbers_as_long_as_that_damages_nothing() {
    for (text, expected) in [
        ("5", json!(5)),
        ("0", json!(0)),
        ("123456789012345", json!(123_456_789_012_345_u64)),
        ("1234567890123456", json!("1234567890123456")),
        ("007", json!("007")),
        ("", json!("")),
        ("-5", json!("-5")),
        ("5.0", json!("5.0")),
        ("５", json!("５")),
        (" 5", json!(" 5")),
    ] {
        check_text(&[], text, expected).await;
        check_text(&[("numeric_texts", "off")], text, json!(text)).await;
    }
    let router = serve_as(&Desk::new(), &[("numeric_texts", "off")]);
    let rows = ask(&router, get(&format!("{MINE}/messagesessions")))
        .await
        .document();
    assert_eq!(rows[0]["messagesession-remote"], "15550101234");
}

#[tokio::test]
async fn one_session_is_a_list_or_itself() {
    let path = format!("{MINE}/messagesessions/{SESSION}");
    let list = ask(&serve(&Desk::new()), get(&path)).await.document();
    assert_eq!(list[0]["messagesession-id"], SESSION);
    assert_eq!(list.as_array().unwrap().len(), 1);
    let router = serve_as(&Desk::new(), &[("single_session", "object")]);
    let object = ask(&router, get(&path)).await.document();
    assert_eq!(object, list[0]);
    let path = format!("{MINE}/messagesessions/{}", "f".repeat(32));
    assert_said(&ask(&router, get(&path)).await, 404, "Resource not found.");
}

#[tokio::test]
async fn parts_of_lists_are_asked_for_by_start_and_limit() {
    for (query, expected) in [
        ("", "0+100"),
        ("?start=0&limit=999", "0+999"),
        ("?start=100", "100+100"),
        ("?limit=1000&start=2000", "2000+1000"),
        ("?start=&limit=", "0+100"),
        ("?limit=5&limit=7", "0+7"),
        ("?unknown=1&limit=1", "0+1"),
    ] {
        for (path, asked) in [
            (
                format!("{API}/domains/~/messagesessions"),
                "conversations example.test all",
            ),
            (
                format!("{MINE}/messagesessions"),
                "conversations example.test 200",
            ),
            (
                format!("{MINE}/messagesessions/{SESSION}/messages"),
                "messages 200@example.test 0f1e2d3c4b5a69788796a5b4c3d2e1f0",
            ),
            (format!("{API}/smsnumbers"), "numbers all all"),
            (
                format!("{API}/domains/~/smsnumbers"),
                "numbers example.test all",
            ),
            (format!("{MINE}/smsnumbers"), "numbers example.test 200"),
            (format!("{API}/subscriptions"), "subscriptions all"),
            (
                format!("{API}/domains/~/subscriptions"),
                "subscriptions example.test",
            ),
        ] {
            let desk = Desk::new();
            ask(&serve(&desk), get(&format!("{path}{query}")))
                .await
                .document();
            assert_eq!(desk.asked(), [format!("{asked} {expected}")]);
        }
    }
}

#[tokio::test]
async fn numbers_are_listed_by_their_owner_and_counted() {
    for (query, asked) in [
        ("?dest=*", "numbers example.test all 0+100"),
        ("?dest=200&limit=999", "numbers example.test 200 0+999"),
    ] {
        let desk = Desk::new();
        let path = format!("{API}/domains/~/smsnumbers{query}");
        let rows = ask(&serve(&desk), get(&path)).await.document();
        assert_eq!(desk.asked(), [asked]);
        let expected = json!([{
            "number": "15550109876", "application": "user", "domain": "example.test",
            "dest": "200", "carrier": "carrier-a", "mms-capable": true,
            "group-mms-capable": false,
        }]);
        assert_eq!(rows, expected);
    }
    let path = format!("{MINE}/smsnumbers/count");
    let total = ask(&serve(&Desk::new()), get(&path)).await.document();
    assert_eq!(total, json!({"total": 2}));
}

#[tokio::test]
async fn numbers_are_added_changed_and_removed() {
    let desk = Desk::new();
    let router = serve(&desk);
    let path = format!("{API}/domains/~/smsnumbers");
    let number = json!({
        "number": "+15550109876", "application": "user", "dest": 200, "carrier": "carrier-a",
    });
    assert_accepted(&ask(&router, call("POST", &path, &number)).await);
    let path = format!("{path}/15550109876");
    let available = json!({"application": "available"});
    assert_accepted(&ask(&router, call("PUT", &path, &available)).await);
    assert_accepted(&ask(&router, call("DELETE", &path, &Value::Null)).await);
    let expected = [
        "add example.test +15550109876 user Some(\"200\") Some(\"carrier-a\")",
        "change example.test +15550109876 available None None",
        "remove example.test +15550109876",
    ];
    assert_eq!(desk.asked(), expected);
}

#[tokio::test]
async fn sessions_are_changed_left_and_deleted() {
    let desk = Desk::new();
    let router = serve(&desk);
    let path = format!("{MINE}/messagesessions/{SESSION}");
    for (method, rest, body) in [
        (
            "PUT",
            "",
            json!({"participants": "200@example.test, 201@example.test"}),
        ),
        (
            "PUT",
            "",
            json!({"session-name": "Team", "operation": "rename"}),
        ),
        ("PUT", "", json!({"messagesession-last-status": "read"})),
        ("PUT", "", json!({"messagesession-last-status": "unread"})),
        ("PUT", "/leave", Value::Null),
        ("DELETE", "", Value::Null),
    ] {
        let answer = ask(&router, call(method, &format!("{path}{rest}"), &body)).await;
        assert_accepted(&answer);
    }
    let expected = [
        "Participants([\"200@example.test\", \"201@example.test\"])",
        "Name(\"Team\")",
        "Read(true)",
        "Read(false)",
        "Leave",
        "Delete",
    ];
    let expected = expected.map(|change| format!("change 200@example.test {SESSION} {change}"));
    assert_eq!(desk.asked(), expected);
}

#[tokio::test]
async fn calls_are_listed_counted_made_and_ended() {
    let desk = Desk::new();
    let router = serve(&desk);
    let rows = ask(&router, get(&format!("{API}/domains/~/calls")))
        .await
        .document();
    assert_eq!(rows[0]["call-orig-user"], "200");
    assert_eq!(rows[0]["call-answer-datetime"], "0000-00-00 00:00:00");
    let total = ask(&router, get(&format!("{API}/domains/~/calls/count")))
        .await
        .document();
    assert_eq!(total, json!({"total": 1}));
    let path = format!("{MINE}/calls");
    assert_eq!(ask(&router, get(&path)).await.document(), rows);
    let one = ask(&router, get(&format!("{path}/{}", desk::CALL)))
        .await
        .document();
    assert_eq!(one, rows[0]);
    let none = ask(&router, get(&format!("{path}/none"))).await;
    assert_said(&none, 404, "Resource not found.");

    let mut new = json!({"call-id": "c-1", "call-term-user": "15550101234"});
    assert_accepted(&ask(&router, call("POST", &path, &new)).await);
    new["synchronous"] = json!("yes");
    new["call-orig-user"] = json!("200@example.test");
    new["auto-answer-enabled"] = json!("yes");
    new["caller-id-number"] = json!("15550109876");
    let made = ask(&router, call("POST", &path, &new)).await.document();
    assert_eq!(made, rows[0]);
    let ended = ask(
        &router,
        call("DELETE", &format!("{path}/c-1"), &Value::Null),
    )
    .await;
    assert_said(&ended, 200, "OK");
    let expected = [
        "calls example.test all",
        "calls example.test all",
        "calls example.test 200",
        "calls example.test 200",
        "calls example.test 200",
        "call 200@example.test c-1 200@example.test->15550101234 None false",
        "call 200@example.test c-1 200@example.test->15550101234 Some(\"15550109876\") true",
        "end 200@example.test c-1",
    ];
    assert_eq!(desk.asked(), expected);
}
