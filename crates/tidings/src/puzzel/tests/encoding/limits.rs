//! Documents that want more than a reader gives.

use crate::puzzel::encoding::{self, Encoding};
use crate::puzzel::wire;

#[track_caller]
fn refused(body: &str, expected: &str) {
    let read = encoding::read::<wire::GatewayRequest>(Encoding::Xml, body.as_bytes());
    assert_eq!(read.unwrap_err().to_string(), expected);
}

#[test]
fn elements_may_be_nested_sixteen_deep() {
    let nested = |depth: usize| {
        let inner = depth - 1;
        format!(
            "<request>{}{}</request>",
            "<x>".repeat(inner),
            "</x>".repeat(inner)
        )
    };
    encoding::read::<wire::GatewayRequest>(Encoding::Xml, nested(16).as_bytes()).unwrap();
    refused(&nested(17), "the body has elements nested too deeply");
    // Without an end, and far more than a stack would hold.
    let endless = format!("<request>{}", "<message>".repeat(1_000_000));
    let at = ["message[0]"; 15].join(".");
    refused(&endless, &format!("{at} has elements nested too deeply"));
}

#[test]
fn a_document_may_have_a_hundred_thousand_elements() {
    let wide = |count: usize| format!("<request>{}</request>", "<x/>".repeat(count - 1));
    encoding::read::<wire::GatewayRequest>(Encoding::Xml, wide(100_000).as_bytes()).unwrap();
    refused(
        &wide(100_001),
        "the body has more elements than are accepted",
    );
}

#[test]
fn a_document_may_have_sixteen_mebibytes() {
    let large = |bytes: usize| {
        let frame = "<request><username></username></request>".len();
        format!(
            "<request><username>{}</username></request>",
            "a".repeat(bytes - frame)
        )
    };
    encoding::read::<wire::GatewayRequest>(Encoding::Xml, large(16 << 20).as_bytes()).unwrap();
    refused(
        &large((16 << 20) + 1),
        "the body is larger than is accepted",
    );
}

#[test]
fn tags_and_their_attributes_are_bounded() {
    let huge = format!("<request a='{}'/>", "x".repeat(5_000));
    refused(&huge, "the body has a tag that is longer than is accepted");
    let many = numbered(1_000, |n| format!(" a{n}='x'"));
    refused(
        &format!("<request{many}/>"),
        "the body has a tag that is longer than is accepted",
    );
    let name = format!("<request><{}/></request>", "x".repeat(5_000));
    refused(&name, "the body has a tag that is longer than is accepted");
    let prefixes = numbered(100, |n| format!(" xmlns:a{n}='u'"));
    refused(
        &format!("<request{prefixes}/>"),
        "the body is not well-formed XML",
    );
}

fn numbered(count: usize, attribute: impl Fn(usize) -> String) -> String {
    (0..count).map(attribute).collect()
}

#[test]
fn there_is_no_doctype_and_no_entity() {
    let doctype = "the body has a DOCTYPE, which is not accepted";
    refused("<!DOCTYPE request><request/>", doctype);
    let laughs = "<!DOCTYPE request [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>\
        <!ENTITY c '&b;&b;&b;&b;'>]><request><username>&c;</username></request>";
    refused(laughs, doctype);
    let file = "<!DOCTYPE request [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>\
        <request><username>&f;</username></request>";
    refused(file, doctype);
    refused(
        "<request><username>&c;</username></request>",
        "username has an entity, which is not accepted",
    );
}

#[test]
fn a_form_may_have_a_hundred_thousand_values() {
    let many = |count: usize| vec!["x=1"; count].join("&");
    let read =
        |body: String| encoding::read::<wire::GatewayRequest>(Encoding::Form, body.as_bytes());
    read(many(100_000)).unwrap();
    assert_eq!(
        read(many(100_001)).unwrap_err().to_string(),
        "the body has more values than are accepted"
    );
}

#[test]
fn a_text_that_xml_cannot_carry_is_not_written() {
    let check = |text: &str, is_written: bool| {
        let message = wire::Message {
            content: Some(wire::Content(text.into())),
            ..wire::Message::default()
        };
        let request = wire::GatewayRequest {
            message: vec![wire::Message::default(), message],
            ..wire::GatewayRequest::default()
        };
        for form in [Encoding::Json, Encoding::Form] {
            let bytes = encoding::write(form, &request).unwrap();
            assert_eq!(
                encoding::read(form, &bytes),
                Ok(request.clone()),
                "{form:?}"
            );
        }
        let written = encoding::write(Encoding::Xml, &request);
        assert_eq!(written.is_ok(), is_written, "{text:?}");
        if let Err(error) = written {
            assert_eq!(
                error.to_string(),
                "message[1].content has a character that XML cannot carry"
            );
        }
    };
    for allowed in [
        "\t",
        "\n",
        "\r",
        " ",
        "\u{7f}",
        "\u{85}",
        "\u{fffd}",
        "\u{1f600}",
    ] {
        check(allowed, true);
    }
    for refused in [
        "\0", "\u{8}", "a\u{b}", "\u{c}", "\u{1f}", "\u{fffe}", "\u{ffff}",
    ] {
        check(refused, false);
    }
}

#[test]
fn a_problem_with_members_that_have_no_name_in_xml_is_not_written() {
    let check = |json: &str, expected: &str| {
        let problem: wire::ProblemDetails =
            encoding::read(Encoding::Json, json.as_bytes()).unwrap();
        let error = encoding::write(Encoding::Xml, &problem).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(r#"{"a b":1}"#, "a b has a name that XML cannot carry");
    check(r#"{"":{}}"#, "the body has a name that XML cannot carry");
    check(
        r#"{"errors":{"a":[[1]]}}"#,
        "errors.a[0] has a list inside a list, which has no name",
    );
}
