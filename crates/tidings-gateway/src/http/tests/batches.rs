//! Batches over HTTP: every form of rows, every verdict, and the orders.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::{Value, json};

use super::messages::gzip;
use super::{Doors, JSON, bearer};

const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const TABLE: (&str, &str) = ("content-type", "text/csv; charset=utf-8");

/// Why rows were not taken.
fn details(answer: &Value) -> Vec<&str> {
    let rejected = answer["rejected"].as_array().unwrap().iter();
    rejected
        .map(|row| row["detail"].as_str().unwrap())
        .collect()
}

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

/// Lines of so many rows, each with a text of its own.
fn lines(rows: std::ops::Range<u32>) -> String {
    let row = |n: u32| format!("{{\"to\":\"+47900{n:05}\",\"text\":\"row {n}\"}}\n");
    rows.map(row).collect()
}

/// A body that breaks off behind these bytes.
fn broken_off(body: String) -> Body {
    let pieces = [Ok(Bytes::from(body)), Err(std::io::Error::other("gone"))];
    Body::from_stream(stream::iter(pieces))
}

/// What a batch that broke off behind 1,000 rows says of another request under its key: nothing of that
/// one is taken, and nothing is said to be.
#[tokio::test]
async fn a_batch_that_broke_off_goes_on_with_the_same_request_alone() {
    let doors = Doors::new().await;
    let call = async |query: &str, body: Body| {
        let headers = [LINES, ("idempotency-key", "k")];
        let path = format!("/v1/batches?{query}");
        doors.call("POST", &path, &headers, body).await
    };
    let query = "reference=autumn&defaults=%7B%22from%22%3A%22Acme%22%7D";
    let broken = call(query, broken_off(lines(0..1_100))).await;
    broken.is_problem(400, "incomplete_body");
    let n_messages = async || {
        let found = doors.get("/v1/batches?reference=autumn").await.json();
        assert_eq!(found["items"][0]["state"], "receiving");
        found["items"][0]["messages"].clone()
    };
    assert_eq!(n_messages().await, 1_000);
    let refused = async |query: &str, body: String, says: &str| {
        let answer = call(query, body.into()).await;
        let problem = answer.is_problem(422, "idempotency_key_reused");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
        assert_eq!(n_messages().await, 1_000);
    };
    let changed = lines(0..1_200).replace("row 5\"", "another\"");
    refused(query, changed, "row 5, counted from 0,").await;
    let in_front = lines(5_000..5_003) + &lines(0..1_200);
    refused(query, in_front, "row 0, counted from 0,").await;
    refused(query, lines(0..900), "was used for another request").await;
    let others = [
        "reference=winter&defaults=%7B%22from%22%3A%22Acme%22%7D",
        "reference=autumn&defaults=%7B%22from%22%3A%22Other%22%7D",
        "reference=autumn",
        "reference=autumn&defaults=%7B%22from%22%3A%22Acme%22%7D&template=Hi",
        "reference=autumn&defaults=%7B%22from%22%3A%22Acme%22%7D&allow_duplicates=true",
    ];
    for other in others {
        refused(
            other,
            lines(0..1_200),
            "another reference, template or defaults",
        )
        .await;
    }
    let whole = call(query, lines(0..1_200).into()).await.is(202).json();
    assert_eq!(
        (&whole["accepted"], &whole["rejected_count"]),
        (&json!(1_200), &json!(0))
    );
    let again = call(query, lines(0..1_200).into()).await.is(202);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json(), whole);
    let other = call(&format!("{query}&template=Hi"), lines(0..1_200).into()).await;
    other.is_problem(422, "idempotency_key_reused");
}

/// More than a page, in both forms, and of others' batches nothing.
#[tokio::test]
async fn what_became_of_a_batch_is_one_download() {
    let doors = Doors::new().await;
    let path = "/v1/batches?reference=down";
    let answer = doors.call("POST", path, &[LINES], lines(0..700)).await;
    let id = answer.is(202).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/batches/{id}/results");
    let rows = doors.get(&path).await.is(200);
    assert_eq!(rows.header("content-type"), "application/x-ndjson");
    let rows = rows.lines();
    assert_eq!(rows.len(), 700);
    assert_eq!(
        (&rows[0]["index"], &rows[699]["index"], &rows[0]["text"]),
        (&json!(699), &json!(0), &json!("row 699"))
    );
    let by_name = doors.get(&format!("{path}?format=csv")).await.is(200);
    let by_header = doors
        .call("GET", &path, &[("accept", "text/csv")], "")
        .await;
    assert_eq!(by_name.text(), by_header.is(200).text());
    assert_eq!(by_name.header("content-type"), "text/csv; charset=utf-8");
    let table = by_name.text();
    let table: Vec<&str> = table.lines().collect();
    assert_eq!(table.len(), 701);
    assert!(
        table[0].starts_with("index,id,reference,to,"),
        "{}",
        table[0]
    );
    let id_of_last = rows[0]["id"].as_str().unwrap();
    let last = format!("699,{id_of_last},,+4790000699,,queued,,,1,");
    assert!(table[1].starts_with(&last), "{}", table[1]);
    doors
        .get(&format!("{path}?format=xml"))
        .await
        .is_problem(400, "invalid_query");
    let other = [("authorization", &*bearer(&doors.other))];
    let refused = doors.call_as("GET", &path, &other, "").await;
    refused.is_problem(404, "not_found");
}

/// Its quotation mark holds what belongs to others: nobody gets that.
#[tokio::test]
async fn a_row_with_a_quotation_mark_too_many_is_refused() {
    let doors = Doors::new().await;
    let check = async |table: &'static str, accepted: u64, rejected: &[(u64, &str)]| {
        let answer = doors.call("POST", "/v1/batches", &[TABLE], table).await;
        let answer = answer.is(202).json();
        assert_eq!(answer["accepted"], accepted, "{answer}");
        let told = answer["rejected"].as_array().unwrap().iter();
        let told = told.map(|row| {
            (
                row["index"].as_u64().unwrap(),
                row["detail"].as_str().unwrap(),
            )
        });
        let told: Vec<(u64, &str)> = told.collect();
        assert_eq!(told.len(), rejected.len(), "{answer}");
        for (told, expected) in told.iter().zip(rejected) {
            assert!(
                told.0 == expected.0 && told.1.contains(expected.1),
                "{told:?}"
            );
        }
    };
    let open = "to,text\n+4790000601,ok\n+4790000602,\"open\n+4790000603,three\n+4790000604,four\n";
    let never = "a quotation mark that begins in line 3 is never closed";
    check(open, 1, &[(1, never)]).await;
    let cut = "to,text\n+4790000601,\"Hello Bo, your co";
    check(cut, 0, &[(0, "begins in line 2 is never closed")]).await;
    let closed_by_another = "to,text\n+4790000601,\"open\n+4790000602,\"two\"\n+4790000603,three\n";
    let goes_on = "begins in line 2 goes on behind its end in line 3";
    check(closed_by_another, 1, &[(0, goes_on)]).await;
    let good =
        "to,text\n+4790000601,\"two\nlines\"\n+4790000602,\"a \"\"b\"\"\"\n+4790000603,5\" pipe\n";
    check(good, 3, &[]).await;
}

#[tokio::test]
async fn a_table_has_windows_and_names_in_any_case() {
    let doors = Doors::new().await;
    let table = "To;Text;Window\n+4790000001;hi;{\"from\":\"2099-01-01T09:00Z\"}\n+4790000002;hi;garbage\n\
                 +4790000003;hi;{\"opens\":\"9\",\"closes\":\"17:00\"}\n+4790000004;hi;\n";
    let answer = doors
        .call("POST", "/v1/batches?delimiter=%3B", &[TABLE], table)
        .await
        .is(202)
        .json();
    assert_eq!(
        details(&answer),
        [
            "window: the field has another form; it is written as in JSON",
            "window.opens: expected a time of day such as 09:00",
        ]
    );
    let path = format!("/v1/batches/{}", answer["id"].as_str().unwrap());
    let counts = &doors.get(&path).await.json()["counts"];
    assert_eq!(*counts, json!({"held": 1, "queued": 1}));
}

#[tokio::test]
async fn the_wrong_names_of_a_table_are_named() {
    let doors = Doors::new().await;
    let check = async |query: &str, table: &'static str, says: &str| {
        let path = format!("/v1/batches?{query}");
        let answer = doors.call("POST", &path, &[TABLE], table).await;
        let problem = answer.is_problem(422, "invalid_request");
        assert_eq!(problem["detail"], says);
    };
    let needs = "the first row has to name the columns, and one of them to or phone; ";
    check(
        "",
        "name,mobile\nAda,1\n",
        &format!("{needs}it names name, mobile"),
    )
    .await;
    let semicolons =
        format!("{needs}where another sign stands between the fields, say delimiter=%3B");
    check("", "to;text\n+4790000001;hi\n", &semicolons).await;
    let a_row = format!("{needs}it looks like a row of numbers").replace("; it", "; it");
    check("", "+4790000001,secret\n", &a_row).await;
    check(
        "template=Hi%20%7B%7Bfirst_name%7D%7D",
        "to,firstname\n+4790000001,Ada\n",
        "the template uses first_name, which no column of the table fills",
    )
    .await;
    check(
        "",
        "to,Text,text\n",
        "the table has two columns of one name",
    )
    .await;
    let listed = doors.get("/v1/batches").await.json();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_read_is_called_by_its_name() {
    let doors = Doors::new().await;
    let rows = "no json\n[\"+4790000001\",\"hi\"]\n{\"to\":\"+4790000001\",\"text\":\"hi\",\"max_parts\":0}\n";
    let answer = doors.call("POST", "/v1/batches", &[LINES], rows).await;
    let answer = answer.is(202).json();
    assert_eq!(
        details(&answer),
        [
            "the row is no JSON: it goes wrong at column 2",
            "the row is a list; expected an object",
            "max_parts is at least 1",
        ]
    );
    let check = async |defaults: &str, says: &str| {
        let path = format!("/v1/batches?defaults={defaults}");
        let answer = doors.call("POST", &path, &[LINES], "").await;
        assert_eq!(answer.is_problem(400, "invalid_query")["detail"], says);
    };
    check("from", "defaults is no JSON: it goes wrong at column 2").await;
    check(
        "%7B%22max_parts%22%3A%22x%22%7D",
        "defaults.max_parts: expected a whole number from 0 to 255",
    )
    .await;
}

#[tokio::test]
async fn a_table_in_another_encoding_is_refused() {
    let doors = Doors::new().await;
    let check = async |kind: &str, status: u16| {
        let headers = [("content-type", kind)];
        let table = "to,text\n+4790000001,hi\n";
        let answer = doors.call("POST", "/v1/batches", &headers, table).await;
        assert_eq!(answer.status.as_u16(), status, "{kind} {}", answer.text());
    };
    check("text/csv; charset=iso-8859-1", 415).await;
    check("text/csv;charset=\"windows-1252\"", 415).await;
    check("text/csv; header=present; charset=UTF-8", 202).await;
    check("text/csv; charset=\"utf-8\"", 202).await;
    check("text/csv; charset=us-ascii", 202).await;
}

/// Rows of a slow stream leave before a thousand are together, and before the body ends.
#[tokio::test(start_paused = true)]
async fn a_slow_stream_is_taken_as_it_comes() {
    let doors = Doors::new().await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(4);
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), receiver))
    });
    let headers = [LINES];
    let path = "/v1/batches?reference=slow";
    let taking = doors.call("POST", path, &headers, Body::from_stream(pieces));
    let watching = async {
        let bad = "{\"to\":\"x\",\"text\":\"bad\"}\n";
        sender.send((lines(0..3) + bad).into()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let shown = doors.get("/v1/batches?reference=slow").await.json();
        let batch = &shown["items"][0];
        assert_eq!(
            (&batch["state"], &batch["messages"], &batch["rejected"]),
            (&json!("receiving"), &json!(3), &json!(1))
        );
        sender.send(lines(3..4).into()).await.unwrap();
        drop(sender);
    };
    let (answer, ()) = futures_util::future::join(taking, watching).await;
    let answer = answer.is(202).json();
    assert_eq!(
        (&answer["accepted"], &answer["rejected_count"]),
        (&json!(4), &json!(1))
    );
}

/// A stream waits for room; what comes all at once is refused.
#[tokio::test(start_paused = true)]
async fn a_stream_waits_while_the_queue_is_full() {
    let doors = Doors::with(|config| config.limits.max_queued = 1).await;
    let first = doors.post("/v1/messages", Doors::message("first")).await;
    let id = Doors::sent(&first);
    let headers = [LINES];
    let taking = doors.call("POST", "/v1/batches", &headers, lines(0..2));
    let making_room = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let path = format!("/v1/messages/{id}/cancel");
        doors.post(&path, Value::Null).await.is(200);
        doors.trial.clock.advance(Duration::from_secs(2));
    };
    let (answer, ()) = futures_util::future::join(taking, making_room).await;
    assert_eq!(answer.is(202).json()["accepted"], 2);
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
