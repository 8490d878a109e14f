//! What is read leniently, what is refused, and with which words.

use serde::de::DeserializeOwned;

use crate::puzzel::encoding::{self, Document, Encoding};
use crate::puzzel::wire;

#[track_caller]
fn read<T: Document + DeserializeOwned>(encoding: Encoding, body: &str) -> T {
    encoding::read(encoding, body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// The sentence for a call that cannot be read; it repeats nothing of the call's values.
#[track_caller]
fn refused(encoding: Encoding, body: &str, expected: &str) {
    refused_as::<wire::GatewayRequest>(encoding, body, expected);
}

#[track_caller]
fn refused_as<T: Document + DeserializeOwned>(encoding: Encoding, body: &str, expected: &str) {
    match encoding::read::<T>(encoding, body.as_bytes()) {
        Ok(_) => panic!("was read: {body}"),
        Err(error) => assert_eq!(error.to_string(), expected, "{body}"),
    }
}

#[track_caller]
fn query_refused(query: &str, expected: &str) {
    match encoding::read_query(query) {
        Ok(_) => panic!("was read: {query}"),
        Err(error) => assert_eq!(error.to_string(), expected, "{query}"),
    }
}

// ---- content types ----

#[test]
fn content_types_are_read_with_parameters_and_in_any_casing() {
    let check = |content_type, expected| {
        assert_eq!(Encoding::of_content_type(content_type), expected);
    };
    check("application/json", Some(Encoding::Json));
    check("Application/JSON; charset=utf-8", Some(Encoding::Json));
    check("text/json", Some(Encoding::Json));
    check("application/problem+json", Some(Encoding::Json));
    check("application/xml;charset=\"UTF-8\"", Some(Encoding::Xml));
    check(" text/xml ", Some(Encoding::Xml));
    check("application/soap+xml", Some(Encoding::Xml));
    check(
        "application/x-www-form-urlencoded; charset=UTF-8",
        Some(Encoding::Form),
    );
    check("text/plain", None);
    check("", None);
    for encoding in [Encoding::Json, Encoding::Xml, Encoding::Form] {
        check(encoding.content_type(), Some(encoding));
    }
}

// ---- JSON ----

#[test]
fn json_names_the_field_and_repeats_no_value() {
    let check = |body, expected| refused(Encoding::Json, body, expected);
    check(
        r#"{"message":[{},{},{},{"settings":{"price":1}},{"price":"secret expected x"}]}"#,
        "message[4].price has to be a whole number",
    );
    check(
        r#"{"message":[{"settings":{"age":1.5}}]}"#,
        "message[0].settings.age has to be a whole number",
    );
    check(
        r#"{"serviceId":18446744073709551615}"#,
        "serviceId has to be a whole number",
    );
    check(r#"{"username":4700000001}"#, "username has to be a text");
    check(r#"{"password":{"a":"b"}}"#, "password has to be a text");
    check(
        r#"{"message":[{"recipient":["+4700000001"]}]}"#,
        "message[0].recipient has to be a text",
    );
    check(
        r#"{"message":[{"content":4700000001}]}"#,
        "message[0].content has to be a text",
    );
    check(
        r#"{"message":"hello"}"#,
        "message has to be a list of objects",
    );
    check(
        r#"{"message":["+4700000001"]}"#,
        "message[0] has to be an object",
    );
    check(r#"{"message":[null]}"#, "message[0] has to be an object");
    check(
        r#"{"message":[["+4700000001","text"]]}"#,
        "message[0] has to be an object",
    );
    check(
        r#"{"message":[{"settings":[]}]}"#,
        "message[0].settings has to be an object",
    );
    check(
        r#"{"message":[{"settings":{"originatorSettings":"Demo"}}]}"#,
        "message[0].settings.originatorSettings has to be an object",
    );
    check(
        r#"{"message":[{"settings":{"newSession":"yes"}}]}"#,
        "message[0].settings.newSession has to be true or false",
    );
    check(
        r#"{"message":[{"settings":{"newSession":7}}]}"#,
        "message[0].settings.newSession has to be true or false",
    );
    check(
        r#"{"message":[{"settings":{"parameter":[{"key":"pid","value":[1]}]}}]}"#,
        "message[0].settings.parameter[0].value has to be a text, a number or a truth value",
    );
    check(
        r#"{"message":[{"settings":{"parameter":[{"value":"1"}]}}]}"#,
        "message[0].settings.parameter[0].key is missing",
    );
    check(
        r#"{"message":[{"settings":{"parameter":[{"key":"pid","value":123456789012345678901}]}}]}"#,
        "message[0].settings.parameter[0].value has to be a number of up to 15 digits",
    );
    check("[]", "the body has to be an object");
    check("null", "the body has to be an object");
    check("1", "the body has to be an object");
}

#[test]
fn json_parameters_as_an_object_are_refused_by_name() {
    refused(
        Encoding::Json,
        r#"{"message":[{"settings":{"parameter":{"flash":"true"}}}]}"#,
        "message[0].settings.parameter.key is missing",
    );
}

#[test]
fn json_with_a_name_twice_is_refused() {
    let check = |body, expected| refused(Encoding::Json, body, expected);
    check(
        r#"{"username":"a","username":"b"}"#,
        "username is there twice",
    );
    check(
        r#"{"message":[{"recipient":"1","recipient":"2"}]}"#,
        "message[0].recipient is there twice",
    );
    // What is not known is passed over, however often.
    read::<wire::GatewayRequest>(Encoding::Json, r#"{"other":1,"other":{"a":[]}}"#);
}

#[test]
fn json_that_is_broken_is_refused_with_its_place() {
    let check = |body, expected| refused(Encoding::Json, body, expected);
    check("", "the body is not valid JSON (line 1, column 0)");
    check("{", "the body is not valid JSON (line 1, column 1)");
    check(
        "{\n\"username\":\"a\"} x",
        "the body is not valid JSON (line 2, column 17)",
    );
    check(
        r#"{"message":[{"content":"\ud83d"}]}"#,
        "the body is not valid JSON (line 1, column 31)",
    );
    let nested = format!("{{\"other\":{}", "[".repeat(100_000));
    let error = encoding::read::<wire::GatewayRequest>(Encoding::Json, nested.as_bytes());
    assert_eq!(
        error.unwrap_err().to_string(),
        "the body is not valid JSON (line 1, column 100009)"
    );
    let error = encoding::read::<wire::ProblemDetails>(Encoding::Json, nested.as_bytes());
    assert_eq!(
        error.unwrap_err().to_string(),
        "the body is not valid JSON (line 1, column 136)"
    );
    let error = encoding::read::<wire::GatewayRequest>(Encoding::Json, b"{\"username\":\"\xff\"}");
    assert_eq!(
        error.unwrap_err().to_string(),
        "the body is not valid JSON (line 1, column 14)"
    );
}

#[test]
fn json_is_read_leniently() {
    let body = "\u{feff}{\"serviceId\":\"1000\",\"username\":null,\"message\":{\"price\":\" 200 \",\
        \"other\":[{}],\"settings\":{\"newSession\":\"TRUE\",\"gasSettings\":null,\"parameter\":[\
        {\"key\":\"pid\",\"value\":65},{\"key\":\"flash\",\"value\":true},{\"key\":\"x\",\"value\":1.5}]}}}";
    let request: wire::GatewayRequest = read(Encoding::Json, body);
    assert_eq!(request.service_id, Some(wire::Integer(1000)));
    assert_eq!(request.username, None);
    let [message] = request.message.as_slice() else {
        panic!("{request:?}")
    };
    assert_eq!(message.price, Some(wire::Integer(200)));
    let settings = message.settings.as_ref().unwrap();
    assert_eq!(settings.new_session, Some(wire::Flag(true)));
    assert_eq!(settings.gas_settings, None);
    let values: Vec<&str> = settings
        .parameter
        .iter()
        .flatten()
        .map(|parameter| parameter.value.0.as_str())
        .collect();
    assert_eq!(values, ["65", "true", "1.5"]);
}

// ---- XML ----

const REQUEST: &str = "http://chimera.intele.com/gw/xsd/SMSGateway/Request/2013/02";

fn request(inner: &str) -> String {
    format!("<r:request xmlns:r=\"{REQUEST}\">{inner}</r:request>")
}

#[test]
fn xml_names_the_element_and_repeats_no_value() {
    let check = |inner: &str, expected| refused(Encoding::Xml, &request(inner), expected);
    check(
        "<message/><message><price>secret</price></message>",
        "message[1].price has to be a whole number",
    );
    check(
        "<message><settings><newSession>2</newSession></settings></message>",
        "message[0].settings.newSession has to be true or false",
    );
    check(
        "<username>a</username><username>b</username>",
        "username is there twice",
    );
    check(
        "<message><settings/><settings/></message>",
        "message[0].settings is there twice",
    );
    check(
        "<message>hello</message>",
        "message[0] has text between its elements",
    );
    check("hello", "the body has text between its elements");
    check(
        "<username><content>x</content></username>",
        "username is a single value, but has elements",
    );
    check(
        "<message><settings><parameter><key>pid</key></parameter></settings></message>",
        "message[0].settings.parameter[0].value is missing",
    );
    check(
        "<message><content>&secret;</content></message>",
        "message[0].content has an entity, which is not accepted",
    );
    check(
        "<message><content>&#0;</content></message>",
        "message[0].content refers to a character that XML does not allow",
    );
    check(
        "<username>&#xFFFF;</username>",
        "username refers to a character that XML does not allow",
    );
    check("<x:username/>", "the body has a prefix without a namespace");
    check(
        "<username a='1' a='2'/>",
        "the body has an attribute that is not well-formed",
    );
}

#[test]
fn xml_that_is_broken_is_refused() {
    let check = |body: &str, expected| refused(Encoding::Xml, body, expected);
    check("", "the body ends before its root element does");
    check("hello", "the body has text outside its root element");
    check("<request>", "the body ends before its root element does");
    check("<request></wrong>", "the body is not well-formed XML");
    check("<request", "the body is not well-formed XML");
    check(
        "<request/><request/>",
        "the body has more than one root element",
    );
    check("<request/>x", "the body has text outside its root element");
    check(
        "<request><?xml version='1.0'?></request>",
        "the body is not well-formed XML",
    );
    check("<other/>", "the body has to have the root request");
    check("<Request/>", "the body has to have the root request");
    check(
        "<request xmlns='urn:other'/>",
        "the body has the root request in another namespace",
    );
    check(
        "<?xml version='1.0' encoding='ISO-8859-1'?><request/>",
        "the body declares an encoding other than UTF-8",
    );
    check(
        "<request><username>\u{1}</username></request>",
        "the body has a character that XML does not allow",
    );
    let error = encoding::read::<wire::GatewayRequest>(Encoding::Xml, b"<request>\xe5</request>");
    assert_eq!(error.unwrap_err().to_string(), "the body is not UTF-8");
}

#[test]
fn xml_is_read_with_or_without_its_namespace_and_in_any_order() {
    let inner = "<!-- a call --><message><content>a</content><recipient>1</recipient></message>\
        <serviceId> 1000 </serviceId><?pi?>\n<message/>";
    let expected: wire::GatewayRequest = read(
        Encoding::Json,
        r#"{"serviceId":1000,"message":[{"recipient":"1","content":"a"},{}]}"#,
    );
    let check = |body: &str| {
        assert_eq!(
            read::<wire::GatewayRequest>(Encoding::Xml, body),
            expected,
            "{body}"
        );
    };
    check(&request(inner));
    check(&format!("<request>{inner}</request>"));
    // Wrong by the schema, and what one gets who writes it by hand.
    check(&format!("<request xmlns='{REQUEST}'>{inner}</request>"));
    check(&format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{}\n",
        request(inner)
    ));
    // What belongs to somebody else is passed over with all that is in it.
    check(&request(&format!(
        "{inner}<o:username xmlns:o='urn:other'><username>x</username></o:username>\
         <unknown>text<message/></unknown>"
    )));
}

#[test]
fn xml_without_a_value_is_read_as_what_it_says() {
    let body = request(
        "<serviceId/><username/><password xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>\
         <message><content></content><settings/></message><message><price> </price></message>",
    );
    let request: wire::GatewayRequest = read(Encoding::Xml, &body);
    let expected: wire::GatewayRequest = read(
        Encoding::Json,
        r#"{"username":"","message":[{"content":"","settings":{}},{}]}"#,
    );
    assert_eq!(request, expected);
}

#[test]
fn xml_texts_are_read_with_references_and_sections() {
    let body = request(
        "<message><content> a&lt;&#98;&#x1F600;<![CDATA[<c> & ]]>&amp;\r\nd&#13;\n</content></message>",
    );
    let request: wire::GatewayRequest = read(Encoding::Xml, &body);
    let content = request.message[0].content.as_ref().unwrap();
    assert_eq!(&*content.0, " a<b\u{1f600}<c> & &\nd\r\n");
}

// ---- forms and queries ----

#[test]
fn forms_name_the_field_and_repeat_no_value() {
    let check = |body: &str, expected: &str| refused(Encoding::Form, body, expected);
    check(
        "message[0].price=secret",
        "message[0].price has to be a whole number",
    );
    check("username=a&username=b", "username is there twice");
    check(
        "message[0].recipient=1&message%5B0%5D.recipient=2",
        "message[0].recipient is there twice",
    );
    check(
        "message[0].recipient=1&message[2].recipient=2",
        "message[1] is missing, but later items are there",
    );
    check(
        "message[4000000000].recipient=1",
        "message[0] is missing, but later items are there",
    );
    check(
        "message[99999999999999].recipient=1",
        "message has a position that cannot be read",
    );
    for name in [
        "message[-1]",
        "message[+1]",
        "message[]",
        "message[0",
        "message[a]",
    ] {
        check(
            &format!("{}.recipient=1", name.replace('+', "%2B")),
            "message has a position that cannot be read",
        );
    }
    check(
        "message[0][0].recipient=1",
        "message has a position that cannot be read",
    );
    check(
        "message.recipient=1",
        "message is a list, whose items have names such as message[0]",
    );
    check(
        "message[0]=x",
        "message[0] has to be an object, whose members follow a dot",
    );
    check(
        "message[0].settings=x",
        "message[0].settings has to be an object, whose members follow a dot",
    );
    check(
        "message[0].settings[0].age=18",
        "message[0].settings is no list, but has a position",
    );
    check("username[0]=x", "username is no list, but has a position");
    check(
        "username.first=x",
        "username is a single value, but has members",
    );
    check(
        "message[0].settings.parameter[0].key=pid",
        "message[0].settings.parameter[0].value is missing",
    );
    check("message[0].content=%E5", "message[0].content is not UTF-8");
    check("%E5=1", "the body has a name that is not UTF-8");
    let deep = ["message[0]"; 9].join(".");
    let at = ["message[0]"; 8].join(".");
    check(
        &format!("{deep}.content=1"),
        &format!("{at} has a name of too many levels"),
    );
}

#[test]
fn forms_are_read_leniently() {
    let check = |body: &str, expected: &str| {
        let expected: wire::GatewayRequest = read(Encoding::Json, expected);
        assert_eq!(
            read::<wire::GatewayRequest>(Encoding::Form, body),
            expected,
            "{body}"
        );
    };
    check("", "{}");
    check("&&username=a&", r#"{"username":"a"}"#);
    check(
        "message[1].content=b+c&message[0].content=a%2Bb&other[7].x=1&Username=a&usernames.other",
        r#"{"message":[{"content":"a+b"},{"content":"b c"}]}"#,
    );
    check(
        "serviceId=+1000+&message[0].price=&message[0].content=",
        r#"{"serviceId":1000,"message":[{"content":""}]}"#,
    );
    // A message with nothing that is known is still a message.
    check(
        "message[0].contnt=a&message[1].content=b",
        r#"{"message":[{},{"content":"b"}]}"#,
    );
}

#[test]
fn a_bare_plus_before_a_number_is_a_plus() {
    let check = |body: &str, expected: &str| {
        let request: wire::GatewayRequest = read(Encoding::Form, body);
        let message = &request.message[0];
        let originator = || {
            message
                .settings
                .as_ref()?
                .originator_settings
                .as_ref()?
                .originator
                .as_ref()
        };
        let phone = message.recipient.as_ref().or_else(originator);
        assert_eq!(phone.unwrap().0, expected, "{body}");
    };
    check("message[0].recipient=+4700000001", "+4700000001");
    check("message[0].recipient=%2B4700000001", "+4700000001");
    check("message[0].recipient=+47+00+00", "+47 00 00");
    check("message[0].recipient=%204700000001", " 4700000001");
    check("message[0].recipient=+", " ");
    let sender = "message[0].settings.originatorSettings.originator=";
    check(&format!("{sender}+4700000001"), "+4700000001");
    check(&format!("{sender}+3+Shops"), " 3 Shops");
    check(&format!("{sender}+Demo"), " Demo");
}

#[test]
fn queries_are_read_in_any_casing_and_forms_are_not() {
    let query =
        "ServiceId=1000&USERNAME=demo&Message[0].Recipient=%2B4700000001&message[0].CONTENT=a";
    let expected: wire::GatewayRequest = read(
        Encoding::Json,
        r#"{"serviceId":1000,"username":"demo","message":[{"recipient":"+4700000001","content":"a"}]}"#,
    );
    assert_eq!(encoding::read_query(query).unwrap(), expected);
    let as_form: wire::GatewayRequest = read(Encoding::Form, query);
    // One name of the six is the form's, and its last part is not.
    assert_eq!(as_form, read(Encoding::Json, r#"{"message":[{}]}"#));
    query_refused("Username=a&username=b", "username is there twice");
}

#[test]
fn the_query_of_the_generated_client_is_refused_by_name() {
    let expected = "message is a list, whose items have names such as message[0]";
    query_refused(
        "Message=first%2C%20one,second&Password=p%26s%20s%2F%C3%A9&Username=demo&BatchReference=b%201&ServiceId=1000",
        expected,
    );
    query_refused("Message=&Password=&Username=", expected);
}

// ---- other documents ----

#[test]
fn failures_are_read_in_all_shapes() {
    let problem: wire::ProblemDetails = read(
        Encoding::Json,
        r#"{"type":"about:blank","status":400,"detail":null,"errors":{"Message":["a","b"]},"traceId":"00-0-00"}"#,
    );
    assert_eq!(problem.status, Some(wire::Integer(400)));
    assert_eq!(problem.detail, None);
    assert_eq!(problem.extra["traceId"], "00-0-00");
    let as_xml = encoding::write(Encoding::Xml, &problem).unwrap();
    let text = std::str::from_utf8(&as_xml).unwrap();
    assert_eq!(
        text,
        "<problem xmlns=\"urn:ietf:rfc:7807\"><type>about:blank</type><status>400</status>\
         <errors><Message>a</Message><Message>b</Message></errors><traceId>00-0-00</traceId></problem>"
    );
    assert_eq!(read::<wire::ProblemDetails>(Encoding::Xml, text), problem);

    let status: wire::BareStatus = read(Encoding::Json, r#"{"statusCode":2,"statusMessage":"No"}"#);
    assert_eq!(status.status_code, Some(wire::Integer(2)));

    let fault: wire::Fault = read(
        Encoding::Xml,
        "<f:fault xmlns:f=\"http://chimera.intele.com/gw/xsd/SMSGateway/Fault/2013/02\">\
         <code>7</code><reason>No</reason></f:fault>",
    );
    assert_eq!(fault.code, Some(wire::Integer(7)));
    assert_eq!(fault.reason.as_deref(), Some("No"));

    refused_as::<wire::ProblemDetails>(
        Encoding::Json,
        r#"{"status":"gone"}"#,
        "status has to be a whole number",
    );
    refused_as::<wire::BareStatus>(
        Encoding::Json,
        r#"{"statusCode":[]}"#,
        "statusCode has to be a whole number",
    );
    refused_as::<wire::GatewayResponse>(
        Encoding::Json,
        r#"{"messageStatus":[{"sequenceIndex":1},{"sequenceIndex":"x"}]}"#,
        "messageStatus[1].sequenceIndex has to be a whole number",
    );
}

#[test]
fn one_object_stands_for_a_list_and_a_list_for_one_object() {
    let list: wire::BatchListResponse = read(
        Encoding::Json,
        r#"{"messageBatch":{"clientBatchReference":"a","totalSize":3,"onHold":0}}"#,
    );
    assert_eq!(list.message_batch.len(), 1);
    let single: wire::BatchSingleResponse = read(
        Encoding::Json,
        r#"{"messageBatch":[{"clientBatchReference":"a","totalSize":3,"onHold":0}]}"#,
    );
    assert_eq!(single.message_batch.as_ref(), list.message_batch.first());
    let none: wire::BatchSingleResponse =
        read(Encoding::Xml, "<GetBatchStatusResponse xmlns='urn:any'/>");
    assert_eq!(none.message_batch, None);
}
