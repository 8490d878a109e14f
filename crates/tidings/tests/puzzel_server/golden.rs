//! The calls of the vendor's clients as bytes on a connection, and the answers as bytes: sections 7.1,
//! 7.2 and 7.4 to 7.9 of what was recorded of them. The server listens on a port, because what a path
//! looks like is decided by whoever reads the connection.

use std::sync::Arc;

use axum::Router;
use tidings::ClientRef;
use tidings::backend::{Refusal, TakenMessage};
use tidings::batches::StoppedMessage;
use tidings::puzzel::Dialect;
use tidings::puzzel::server::ServerOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::desk::{self, Desk};
use crate::serve_as;

/// Sends the bytes and gives the answer's status line, content type and body.
async fn exchange(router: Router, call: &str) -> (String, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await });
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(call.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().to_owned();
    let content_type = lines
        .find_map(|line| line.strip_prefix("content-type: "))
        .unwrap_or_else(|| panic!("no content type: {head}"));
    (status, content_type.to_owned(), body.to_owned())
}

/// The bytes of a call. Whoever sent it kept the connection; here its end is the end of the answer.
fn call(head: &str, body: &str) -> String {
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let head = head.replace('\n', "\r\n");
    format!("{head}\r\nHost: 127.0.0.1\r\nConnection: close\r\n{length}\r\n{body}")
}

struct Golden {
    desk: Arc<Desk>,
    options: ServerOptions,
}

impl Golden {
    fn new(dialect: Dialect) -> Self {
        Self {
            desk: Desk::new(),
            options: ServerOptions::new(dialect),
        }
    }

    /// Compares the answer to the bytes, served at the root and under a prefix.
    async fn check(&self, call: &str, status: &str, content_type: &str, body: &str) {
        let router = serve_as(&self.desk, self.options);
        let answer = exchange(router.clone(), call).await;
        let expected = (
            format!("HTTP/1.1 {status}"),
            content_type.to_owned(),
            body.to_owned(),
        );
        assert_eq!(answer, expected, "{call}");
        let prefixed = call.replacen(" /", " /puzzel/", 1);
        let answer = exchange(Router::new().nest("/puzzel", router), &prefixed).await;
        assert_eq!(answer, expected, "{prefixed}");
    }

    async fn check_json(&self, call: &str, body: &str) {
        self.check(call, "200 OK", "application/json", body).await;
    }

    /// What the backend was asked, once at the root and once under the prefix.
    fn assert_asked(&self, expected: &str) {
        assert_eq!(self.desk.asked(), [expected, expected]);
    }
}

const V3_HEAD: &str = "POST /gw/rs/sendMessages HTTP/1.1\nAccept-Encoding: gzip, deflate\naccept: application/json\ncontent-type: application/json\nUser-Agent: python-httpx/0.28.1 kiota-python/1.16.0";

const V3_MINIMAL: &str = r#"{"message": [{"content": "Hei p\u00e5 deg \u20ac", "recipient": "+4700000001"}], "password": "s3cret", "serviceId": 1000, "username": "demo"}"#;

const ONE_QUEUED: &str = r#"{"batchReference":"5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11","messageStatus":[{"statusCode":1,"statusMessage":"Message enqueued for sending","clientReference":null,"recipient":"+4700000001","messageId":"7a0000000a00","sessionId":null,"sequenceIndex":1}]}"#;

#[tokio::test]
async fn the_present_clients_minimal_send() {
    let golden = Golden::new(Dialect::V3);
    assert_eq!(V3_MINIMAL.len(), 141);
    golden
        .check_json(&call(V3_HEAD, V3_MINIMAL), ONE_QUEUED)
        .await;
    golden.assert_asked("accept: +4700000001 text=Hei p\u{e5} deg \u{20ac}");
}

/// What a base address that ends in a slash makes of the path.
#[tokio::test]
async fn the_present_clients_doubled_slash() {
    let golden = Golden::new(Dialect::V3);
    let head = V3_HEAD.replace("/gw/rs", "//gw/rs");
    golden
        .check_json(&call(&head, V3_MINIMAL), ONE_QUEUED)
        .await;
}

/// Everything that the present client can write, with values that break rules of the vendor's manual:
/// an age without a price, and an empty text.
const V3_FULL: &str = r#"{"batchReference": "batch-1", "message": [{"clientReference": "ref-1", "content": "Quote \" \\ and newline\n\ud83d\ude00", "price": 0, "priceXml": "<price/>", "recipient": "+4700000001", "settings": {"age": 18, "autoDetectEncoding": false, "differentiator": "grp", "gasSettings": {"description": "SMS", "serviceCode": "02001"}, "invoiceNode": "dept", "newSession": true, "originatorSettings": {"originator": "Demo", "originatorType": "Alphanumeric"}, "parameter": [{"key": "dcs", "value": "F5"}, {"key": "parsing-type", "value": "AUTO_DETECT"}], "priority": 3, "sendWindow": {"startDate": "2026-03-21", "startTime": "09:00:00", "stopDate": "2026-03-22", "stopTime": "17:00:00"}, "sessionId": "00demosession0000001", "validity": 173}}, {"content": "", "recipient": "+4700000002", "settings": {"originatorSettings": {"originator": "+4700000000", "originatorType": "International"}, "parameter": []}}], "password": "s3cret", "serviceId": 1000, "username": "demo"}"#;

#[tokio::test]
async fn the_present_clients_full_send() {
    let golden = Golden::new(Dialect::V3);
    assert_eq!(V3_FULL.len(), 960);
    golden
        .check_json(
            &call(V3_HEAD, V3_FULL),
            r#"{"batchReference":"batch-1","messageStatus":[{"statusCode":2,"statusMessage":"settings.age goes only with a price","clientReference":"ref-1","recipient":"+4700000001","messageId":null,"sessionId":null,"sequenceIndex":1},{"statusCode":2,"statusMessage":"content is missing","clientReference":null,"recipient":"+4700000002","messageId":null,"sessionId":null,"sequenceIndex":2}]}"#,
        )
        .await;
    assert!(golden.desk.asked().is_empty());

    // With the three broken rules mended, all of it arrives.
    let mended = V3_FULL
        .replace(r#""age": 18, "#, r#""age": 0, "#)
        .replace(
            r#""originator": "Demo", "originatorType": "Alphanumeric""#,
            r#""originator": "1960", "originatorType": "Network""#,
        )
        .replace(r#""content": """#, r#""content": "Hei""#);
    let golden = Golden::new(Dialect::V3);
    golden
        .check_json(
            &call(V3_HEAD, &mended),
            r#"{"batchReference":"batch-1","messageStatus":[{"statusCode":1,"statusMessage":"Message enqueued for sending","clientReference":"ref-1","recipient":"+4700000001","messageId":"7a0000000a00","sessionId":null,"sequenceIndex":1},{"statusCode":1,"statusMessage":"Message enqueued for sending","clientReference":null,"recipient":"+4700000002","messageId":"7a0000000b00","sessionId":null,"sequenceIndex":2}]}"#,
        )
        .await;
    let asked = golden.desk.asked().remove(0);
    let (first, second) = asked.split_once(" | ").unwrap();
    assert!(first.starts_with("accept \"batch-1\": +4700000001 from=short:1960 ref=ref-1 priority=low valid=10380s window="), "{first}");
    assert!(first.ends_with(" session=new dcs=F5 priceXml=<price/> differentiator=grp invoiceNode=dept gasSettings.serviceCode=02001 gasSettings.description=SMS text=Quote \" \\ and newline\n\u{1f600}"), "{first}");
    assert_eq!(second, "+4700000002 from=number:+4700000000 text=Hei");
}

#[tokio::test]
async fn the_present_clients_query() {
    let golden = Golden::new(Dialect::V3);
    // Its helper cannot carry a recipient: a client that is not told anything, and one that is.
    let head = "GET /gw/rs/sendMessages?Message=&Password=&Username= HTTP/1.1\nAccept: */*";
    let router = serve_as(&golden.desk, golden.options);
    let (status, content_type, _) = exchange(router.clone(), &call(head, "")).await;
    assert_eq!(status, "HTTP/1.1 400 Bad Request");
    assert_eq!(content_type, "application/problem+json");
    let head = "GET /gw/rs/sendMessages?Message=first%2C%20one,second&Password=p%26s%20s%2F%C3%A9&Username=demo&BatchReference=b%201&ServiceId=1000 HTTP/1.1\nAccept: */*";
    let (status, content_type, _) = exchange(router, &call(head, "")).await;
    assert_eq!(status, "HTTP/1.1 401 Unauthorized");
    assert_eq!(content_type, "application/problem+json");
    assert!(golden.desk.asked().is_empty());
}

/// Sections 7.1, 7.6 and 7.9.
#[tokio::test]
async fn batches_of_the_present_client_and_of_the_manual() {
    const LIST: &str = r#"{"messageBatch":[{"clientBatchReference":"batch-1","totalSize":1000,"onHold":0},{"clientBatchReference":"batch-2","totalSize":5,"onHold":2}]}"#;
    const SINGLE: &str =
        r#"{"messageBatch":{"clientBatchReference":"batch-1","totalSize":3000,"onHold":100}}"#;
    const STOPPED: &str = r#"{"serviceId":1000,"clientBatchReference":"batch-1","stoppedMessages":[{"messageId":"7a0000000a00","clientMessageReference":null},{"messageId":"7a0000000b00","clientMessageReference":"ref-2"}]}"#;
    let golden = Golden::new(Dialect::V3);
    golden.desk.stops(vec![
        StoppedMessage::new(desk::id(0), None),
        StoppedMessage::new(desk::id(1), Some(ClientRef::new("ref-2").unwrap())),
    ]);
    let manage = |line: &str| {
        call(
            &format!(
                "{line} HTTP/1.1\nauthorization: Basic ZGVtbzpzM2NyZXQ=\naccept: application/json"
            ),
            "",
        )
    };
    for family in ["/management/1000/batch", "/mgmt/rs/service/1000/batch"] {
        golden
            .check_json(&manage(&format!("GET {family}")), LIST)
            .await;
        golden
            .check_json(&manage(&format!("GET {family}/")), LIST)
            .await;
        golden
            .check_json(&manage(&format!("GET {family}/batch-1")), SINGLE)
            .await;
        golden
            .check_json(&manage(&format!("DELETE {family}/batch-1")), STOPPED)
            .await;
        let raw = format!("GET {family}/my%20batch%2F%C3%A6%3F%23%252F.");
        let body = r#"{"messageBatch":{"clientBatchReference":"my batch/æ?#%2F.","totalSize":3000,"onHold":100}}"#;
        golden.check_json(&manage(&raw), body).await;
        golden
            .check(
                &manage(&format!("DELETE {family}/batch-9")),
                "404 Not Found",
                "application/problem+json",
                r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.5","title":"Not Found","status":404,"detail":"No batch batch-9 for service 1000"}"#,
            )
            .await;
        // As the present client sends it with the provider of credentials that its samples use.
        let anonymous = call(
            &format!("GET {family} HTTP/1.1\naccept: application/json"),
            "",
        );
        let detail = "the credentials are missing, wrong or expired";
        golden
            .check(
                &anonymous,
                "401 Unauthorized",
                "application/problem+json",
                &format!(r#"{{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.2","title":"Unauthorized","status":401,"detail":"{detail}"}}"#),
            )
            .await;
    }
}

/// Section 7.4.
#[tokio::test]
async fn the_client_of_2024_with_its_nulls_and_its_parameters() {
    let head = "POST /gw/rs/sendMessages HTTP/1.1\nUser-Agent: python-requests/2.34.2\nAccept-Encoding: gzip, deflate\nAccept: application/json\nContent-type: application/json";
    let body = r#"{"serviceId": 1000, "username": "demo", "password": "s3cret", "message": [{"recipient": "+4700000001", "content": "Hei p\u00e5 deg \u20ac", "price": null, "clientReference": null, "settings": null}], "batchReference": null}"#;
    assert_eq!(body.len(), 223);
    let golden = Golden::new(Dialect::Manual);
    golden.check_json(&call(head, body), ONE_QUEUED).await;
    golden.assert_asked("accept: +4700000001 text=Hei p\u{e5} deg \u{20ac}");

    let settings = r#"{"priority": null, "validity": null, "differentiator": null, "age": null, "newSession": null, "sessionId": null, "invoiceNode": null, "autoDetectEncoding": null, "safeRemoveNonGsmCharacters": null, "originatorSettings": null, "gasSettings": null, "sendWindow": null, "parameter": [{"key": "business_model", "value": "DONATION"}, {"key": "pid", "value": 65}, {"key": "flash", "value": true}, {"key": "parsing-type", "value": "AUTO_DETECT"}]}"#;
    let body = body.replace(r#""settings": null"#, &format!(r#""settings": {settings}"#));
    let golden = Golden::new(Dialect::Manual);
    golden.check_json(&call(head, &body), ONE_QUEUED).await;
    golden.assert_asked("accept: +4700000001 businessModel=DONATION pid=65 flash=true text=Hei p\u{e5} deg \u{20ac}");
}

/// Section 7.5: the .NET client escapes the plus and everything that is not ASCII, and names its
/// character set.
#[tokio::test]
async fn the_dot_net_client() {
    let head = "POST /gw/rs/sendMessages HTTP/1.1\nAccept: application/json\nContent-Type: application/json; charset=utf-8";
    let body = r#"{"serviceId":1000,"username":"demo","password":"s3cret","message":[{"recipient":"\u002B4700000001","content":"Hei p\u00E5 deg","price":0,"settings":{"newSession":false,"sendWindow":{"startDate":"2026-03-21","startTime":"09:00:00\u002B01:00"},"autoDetectEncoding":false,"originatorSettings":{"originatorType":"INTERNATIONAL","originator":"\u002B4700000000"}}}]}"#;
    let golden = Golden::new(Dialect::Manual);
    golden.check_json(&call(head, body), ONE_QUEUED).await;
    let asked = golden.desk.asked().remove(0);
    assert!(
        asked.starts_with("accept: +4700000001 from=number:+4700000000 window="),
        "{asked}"
    );
    assert!(asked.ends_with(" text=Hei p\u{e5} deg"), "{asked}");
}

/// Section 7.6: a message that was taken and one that was not.
#[tokio::test]
async fn the_gateways_own_answer() {
    let golden = Golden::new(Dialect::Manual);
    golden.desk.decide(vec![
        Ok(TakenMessage::new("7a0000000a00")),
        Err(Refusal::invalid("recipient", "is not known")),
    ]);
    let body = r#"{"serviceId":1000,"username":"demo","password":"s3cret","message":[{"recipient":"+4700000001","content":"Hei"},{"recipient":"12","content":"Hei","clientReference":"ref-2"}]}"#;
    golden
        .check_json(
            &call(V3_HEAD, body),
            r#"{"batchReference":"5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11","messageStatus":[{"statusCode":1,"statusMessage":"Message enqueued for sending","clientReference":null,"recipient":"+4700000001","messageId":"7a0000000a00","sessionId":null,"sequenceIndex":1},{"statusCode":5,"statusMessage":"recipient must begin with a plus and the country code","clientReference":"ref-2","recipient":"12","messageId":null,"sessionId":null,"sequenceIndex":2}]}"#,
        )
        .await;
    golden
        .check(
            &call(V3_HEAD, &body.replace(r#""message""#, r#""messages""#)),
            "400 Bad Request",
            "application/problem+json",
            r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"One or more validation errors occurred.","status":400,"errors":{"message":["message is missing or empty"]}}"#,
        )
        .await;
    // In the present client's style, whatever the dialect.
    let golden = Golden::new(Dialect::V3);
    golden
        .check(
            &call(V3_HEAD, &V3_MINIMAL.replace("s3cret", "guess")),
            "401 Unauthorized",
            "application/problem+json",
            r#"{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.2","title":"Unauthorized","status":401,"detail":"the credentials are missing, wrong or expired"}"#,
        )
        .await;
}

/// Section 7.7.
#[tokio::test]
async fn a_call_in_xml() {
    let body = r#"<req:request xmlns:req="http://chimera.intele.com/gw/xsd/SMSGateway/Request/2013/02"><serviceId>1000</serviceId><username>demo</username><password>s3cret</password><batchReference>batch-1</batchReference><message><recipient>+4700000001</recipient><content>Hei</content><price>0</price><clientReference>ref-1</clientReference><settings><originatorSettings><originator>Demo</originator><originatorType>Alphanumeric</originatorType></originatorSettings><priority>3</priority><validity>11</validity><sendWindow><startDate>2026-03-21</startDate><stopDate>2026-03-22</stopDate><startTime>09:00:00+01:00</startTime><stopTime>17:00:00+01:00</stopTime></sendWindow><autoDetectEncoding>true</autoDetectEncoding><parameter><key>pid</key><value>68</value></parameter></settings></message></req:request>"#;
    let answer = r#"<ns2:response xmlns:ns2="http://chimera.intele.com/gw/xsd/SMSGateway/Response/2013/02"><batchReference>batch-1</batchReference><messageStatus><statusCode>1</statusCode><statusMessage>Message enqueued for sending</statusMessage><clientReference>ref-1</clientReference><recipient>+4700000001</recipient><messageId>7a0000000a00</messageId><sequenceIndex>1</sequenceIndex></messageStatus></ns2:response>"#;
    let golden = Golden::new(Dialect::Manual);
    let head = "POST /gw/rs/sendMessages HTTP/1.1\nContent-Type: application/xml";
    golden
        .check(
            &call(head, body),
            "200 OK",
            "application/xml; charset=utf-8",
            answer,
        )
        .await;
    let asked = golden.desk.asked().remove(0);
    assert!(asked.starts_with("accept \"batch-1\": +4700000001 from=name:Demo ref=ref-1 priority=high valid=3600s window="), "{asked}");
    assert!(asked.ends_with(" pid=68 text=Hei"), "{asked}");
}

const ONE_QUEUED_XML: &str = r#"<ns2:response xmlns:ns2="http://chimera.intele.com/gw/xsd/SMSGateway/Response/2013/02"><batchReference>5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11</batchReference><messageStatus><statusCode>1</statusCode><statusMessage>Message enqueued for sending</statusMessage><recipient>+4700000001</recipient><messageId>7a0000000a00</messageId><sequenceIndex>1</sequenceIndex></messageStatus></ns2:response>"#;

/// Section 7.8.
#[tokio::test]
async fn a_call_in_a_form_and_in_a_query() {
    let golden = Golden::new(Dialect::Manual);
    let head = "POST /gw/rs/sendMessages HTTP/1.1\nContent-Type: application/x-www-form-urlencoded";
    let body = "serviceId=1000&username=demo&password=s3cret&message%5B0%5D.recipient=%2B4700000001&message%5B0%5D.content=Hei+p%C3%A5+deg";
    golden
        .check(
            &call(head, body),
            "200 OK",
            "application/xml; charset=utf-8",
            ONE_QUEUED_XML,
        )
        .await;
    golden.assert_asked("accept: +4700000001 text=Hei p\u{e5} deg");

    let query = "serviceId=1000&username=demo&password=s3cret&message[0].recipient=%2B4700000001&message[0].content=Hei&message[0].settings.parameter[0].key=pid&message[0].settings.parameter[0].value=68";
    let asked = "accept: +4700000001 pid=68 text=Hei";
    for query in [
        query.to_owned(),
        query.replace('[', "%5B").replace(']', "%5D"),
        query
            .replace("message", "Message")
            .replace("serviceId", "ServiceId")
            .replace("password", "PASSWORD"),
        // One of the manual's samples leaves the plus as it is.
        query.replace("%2B47", "+47"),
    ] {
        let golden = Golden::new(Dialect::Manual);
        let head = format!("GET /gw/rs/sendMessages?{query} HTTP/1.1");
        golden
            .check(
                &call(&head, ""),
                "200 OK",
                "text/xml; charset=utf-8",
                ONE_QUEUED_XML,
            )
            .await;
        golden.assert_asked(asked);
        let head = format!("{head}\nAccept: application/json");
        let golden = Golden::new(Dialect::Manual);
        golden.check_json(&call(&head, ""), ONE_QUEUED).await;
    }
}
