//! Batches over HTTP: every form of rows, every verdict, and the orders.

use serde_json::{Value, json};

use super::messages::gzip;
use super::{Doors, JSON};

const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const TABLE: (&str, &str) = ("content-type", "text/csv; charset=utf-8");

#[tokio::test]
async fn each_row_has_its_verdict_and_wrong_rows_do_not_hold_up_the_others() {
    let doors = Doors::new().await;
    let body = json!({
        "reference": "b-1",
        "defaults": {"from": "Acme", "priority": "low"},
        "messages": [
            {"to": "+4790000001", "text": "one"},
            {"to": "+47", "text": "two"},
            {"to": "+4790000003", "text": "three", "tag": "otp"},
            {"to": "+4790000004", "txt": "four"},
            {"to": "+4790000001", "text": "one"},
            {"to": "+4790000005", "text": "five", "from": "a sender that is too long"},
        ],
    });
    let answer = doors.post("/v1/batches", body).await.is(202).json();
    assert_eq!(answer["accepted"], 2);
    assert_eq!(answer["rejected_count"], 4);
    let rejected = answer["rejected"].as_array().unwrap().iter();
    let rejected: Vec<(u64, &str)> = rejected
        .map(|row| {
            (
                row["index"].as_u64().unwrap(),
                row["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rejected,
        [
            (1, "invalid_recipient"),
            (3, "invalid_request"),
            (4, "duplicate_row"),
            (5, "invalid_sender"),
        ]
    );
    let id = answer["id"].as_str().unwrap();
    let shown = doors.get(&format!("/v1/batches/{id}")).await.is(200).json();
    assert_eq!(shown["reference"], "b-1");
    assert_eq!(shown["state"], "running");
    assert_eq!(shown["counts"], json!({"queued": 2}));
    assert_eq!(
        (&shown["messages"], &shown["rejected"]),
        (&json!(2), &json!(4))
    );
    let rows = doors.get(&format!("/v1/messages?batch={id}")).await.json();
    let third = &rows["items"][0];
    assert_eq!((&third["index"], &third["tag"]), (&json!(2), &json!("otp")));
    assert_eq!(
        (&third["from"], &third["priority"]),
        (&json!("Acme"), &json!("low"))
    );
    let named = doors.get("/v1/batches?reference=b-1").await.json();
    assert_eq!(named["items"][0]["id"], id);
}

#[tokio::test]
async fn lines_and_tables_are_read_with_templates_and_defaults() {
    let doors = Doors::new().await;
    let texts = async |answer: Value, n_rejected: u64| {
        assert_eq!(answer["rejected_count"], n_rejected, "{answer}");
        let id = answer["id"].as_str().unwrap();
        let rows = doors.get(&format!("/v1/messages?batch={id}")).await.json();
        let rows = rows["items"].as_array().unwrap().iter().rev();
        let pair = |row: &Value| {
            let [text, from] = ["text", "from"].map(|it| row[it].as_str().unwrap().to_owned());
            (text, from)
        };
        rows.map(pair).collect::<Vec<_>>()
    };
    let query = "template=Hi%20%7B%7Bname%7D%7D&defaults=%7B%22from%22%3A%22Acme%22%7D";
    let lines = "{\"to\":\"+4790000001\",\"fields\":{\"name\":\"Ada\"}}\n\n\
                 {\"to\":\"+4790000002\",\"text\":\"own\"}\r\nno json\n\
                 {\"to\":\"+4790000003\",\"fields\":{\"name\":7},\"from\":\"Other\"}";
    let path = format!("/v1/batches?reference=lines&{query}");
    let answer = doors
        .call("POST", &path, &[LINES], lines)
        .await
        .is(202)
        .json();
    let expected = [("Hi Ada", "Acme"), ("own", "Acme"), ("Hi 7", "Other")];
    let expected = expected.map(|(text, from)| (text.to_owned(), from.to_owned()));
    assert_eq!(texts(answer, 1).await, expected);

    let table = "\u{feff}to,name,from,priority\r\n+4790000001,\"Ada, \"\"A\"\"\",,high\n\
                 +4790000002,,,\n+4790000003,Bo,Other,never\n+4790000004,Cy,Other\n\
                 +4790000005,\"two\nlines\",Other,low";
    let path = format!("/v1/batches?{query}");
    let table = gzip(table.as_bytes());
    let headers = [TABLE, ("content-encoding", "gzip")];
    let answer = doors
        .call("POST", &path, &headers, table)
        .await
        .is(202)
        .json();
    let codes = answer["rejected"].as_array().unwrap().iter();
    let codes: Vec<Value> = codes.map(|row| row["index"].clone()).collect();
    assert_eq!(codes, [1, 2, 3], "{answer}");
    let expected = [("Hi Ada, \"A\"", "Acme"), ("Hi two\nlines", "Other")];
    let expected = expected.map(|(text, from)| (text.to_owned(), from.to_owned()));
    assert_eq!(texts(answer, 3).await, expected);
}

#[tokio::test]
async fn a_row_with_a_key_is_taken_once_in_lines_and_in_tables() {
    let doors = Doors::new().await;
    let line = r#"{"to":"+4790000001","text":"Hi","idempotency_key":"r-1"}"#;
    let table = "to,text,idempotency_key\n+4790000001,Hi,r-1\n+4790000002,Hi,r-2\n";
    for (kind, body, accepted) in [(LINES, line, 1), (TABLE, table, 2), (LINES, line, 1)] {
        let answer = doors.call("POST", "/v1/batches", &[kind], body).await;
        assert_eq!(answer.is(202).json()["accepted"], accepted);
    }
    let other = line.replace("Hi", "Bye");
    let answer = doors.call("POST", "/v1/batches", &[LINES], other).await;
    let answer = answer.is(202).json();
    assert_eq!(answer["rejected"][0]["code"], "idempotency_key_reused");
    let all = doors.get("/v1/messages").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_verdict_is_told_as_a_line_on_request() {
    let doors = Doors::new().await;
    let lines = "{\"to\":\"+4790000001\",\"text\":\"a\"}\n{\"to\":\"1\",\"text\":\"b\"}\n";
    let path = "/v1/batches?verdicts=all&reference=told";
    let headers = [LINES, ("idempotency-key", "told-1")];
    let told = doors.call("POST", path, &headers, lines).await.is(202);
    assert_eq!(told.header("content-type"), "application/x-ndjson");
    let told = told.lines();
    assert_eq!(
        (&told[0]["index"], &told[0]["state"]),
        (&json!(0), &json!("queued"))
    );
    assert!(told[0]["id"].is_string());
    assert_eq!(told[1]["code"], "invalid_recipient");
    assert_eq!(
        (&told[2]["accepted"], &told[2]["rejected_count"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(told.len(), 3);
    // The same request again changes nothing and tells the sum.
    let again = doors.call("POST", path, &headers, lines).await.is(202);
    assert_eq!(again.lines(), [told[2].clone()]);
}

#[tokio::test]
async fn a_batch_with_a_key_is_taken_once() {
    let doors = Doors::new().await;
    let call = async |key: &str, text: &str| {
        let body =
            json!({"messages": [{"to": "+4790000001", "text": text}, {"to": "x", "text": "y"}]});
        let headers = [JSON, ("idempotency-key", key)];
        doors
            .call("POST", "/v1/batches", &headers, body.to_string())
            .await
    };
    let first = call("k", "a").await.is(202);
    let again = call("k", "a").await.is(202);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), first.json());
    call("k", "b")
        .await
        .is_problem(422, "idempotency_key_reused");
    let listed = doors.get("/v1/batches").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stopped_batch_lists_exactly_what_that_did() {
    let doors = Doors::new().await;
    let rows: Vec<Value> = (0..20)
        .map(|row| json!({"to": format!("+47900000{row:02}"), "text": "stop me"}))
        .collect();
    let answer = doors
        .post("/v1/batches", json!({"messages": rows}))
        .await
        .is(202)
        .json();
    let id = answer["id"].as_str().unwrap();
    let order = async |order: &str| {
        doors
            .post(&format!("/v1/batches/{id}/{order}"), Value::Null)
            .await
    };
    assert_eq!(order("pause").await.is(200).json()["state"], "paused");
    assert_eq!(order("resume").await.is(200).json()["state"], "running");
    let stopped = order("stop").await.is(200).json();
    assert_eq!(stopped["canceled"].as_array().unwrap().len(), 20);
    assert_eq!(
        (&stopped["already_out"], &stopped["unknown"]),
        (&json!([]), &json!([]))
    );
    let shown = doors.get(&format!("/v1/batches/{id}")).await.json();
    assert_eq!(shown["state"], "stopped");
    assert_eq!(shown["counts"], json!({"canceled": 20}));
    order("resume").await.is_problem(409, "conflict");
    assert_eq!(order("stop").await.is(200).json(), stopped);
}

#[tokio::test]
async fn what_failed_of_a_batch_is_sent_again_once() {
    let doors = Doors::new().await;
    let rows = [1, 2].map(|row| json!({"to": format!("+479000000{row}"), "text": "x"}));
    let body = json!({"defaults": {"valid_for_s": 60}, "messages": rows});
    let answer = doors.post("/v1/batches", body).await.is(202).json();
    doors
        .trial
        .clock
        .advance(std::time::Duration::from_secs(61));
    let gateway = &doors.trial.gateway;
    gateway.store().repair(100, gateway.now()).await.unwrap();
    let path = format!(
        "/v1/batches/{}/resend-failed",
        answer["id"].as_str().unwrap()
    );
    let first = doors.post(&path, Value::Null).await.is(202).json();
    assert_eq!(first["resent"].as_array().unwrap().len(), 2, "{first}");
    assert_eq!(first["refused"], json!([]));
    let again = doors.post(&path, Value::Null).await.is(202).json();
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["resent"][0]["is_repeated"], true);
    assert_eq!(again["resent"][0]["id"], first["resent"][0]["id"]);
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_is_refused_as_a_whole() {
    let doors = Doors::new().await;
    let check = async |path: &str, kind: (&str, &str), body: &'static str, status, code| {
        let answer = doors.call("POST", path, &[kind], body).await;
        answer.is_problem(status, code);
    };
    let path = "/v1/batches";
    check(path, TABLE, "name,text\nAda,hi", 422, "invalid_request").await;
    check(path, TABLE, "", 422, "invalid_request").await;
    check(path, TABLE, "to,to\n1,2", 422, "invalid_request").await;
    check(path, JSON, "{\"messages\":[{\"to\"]}", 400, "invalid_json").await;
    check(path, JSON, "{\"messages\":{}}", 422, "invalid_request").await;
    check(
        path,
        ("content-type", "text/plain"),
        "",
        415,
        "unsupported_media_type",
    )
    .await;
    check("/v1/batches?defaults=x", LINES, "", 400, "invalid_query").await;
    check(
        "/v1/batches?template=%7B%7Bx",
        LINES,
        "",
        422,
        "invalid_request",
    )
    .await;
    check("/v1/batches?delimiter=%22", TABLE, "", 400, "invalid_query").await;
    check(
        "/v1/batches?reference=x",
        JSON,
        "{\"messages\":[]}",
        400,
        "invalid_query",
    )
    .await;
}
