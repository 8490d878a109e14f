//! The vendor's XML schemas of 2013 as data, and a check of documents against them that shares nothing
//! with the reader and the writer: order, number and namespace of all elements, and the figures.

use quick_xml::events::Event;
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

/// The type of an element.
pub(super) enum Type {
    Text,
    Int,
    Boolean,
    /// Members in a fixed order.
    Sequence(&'static [Element]),
}

/// An element among its siblings.
pub(super) struct Element {
    name: &'static str,
    content: Type,
    min: usize,
    max: usize,
}

pub(super) struct Root {
    name: &'static str,
    namespace: &'static str,
    members: &'static [Element],
}

const fn one(name: &'static str, content: Type) -> Element {
    Element {
        name,
        content,
        min: 1,
        max: 1,
    }
}

const fn maybe(name: &'static str, content: Type) -> Element {
    Element {
        name,
        content,
        min: 0,
        max: 1,
    }
}

const fn many(name: &'static str, min: usize, content: Type) -> Element {
    Element {
        name,
        content,
        min,
        max: usize::MAX,
    }
}

use Type::{Boolean, Int, Sequence, Text};

pub(super) static REQUEST: Root = Root {
    name: "request",
    namespace: "http://chimera.intele.com/gw/xsd/SMSGateway/Request/2013/02",
    members: &[
        one("serviceId", Int),
        one("username", Text),
        one("password", Text),
        maybe("batchReference", Text),
        many("message", 1, Sequence(MESSAGE)),
    ],
};

const MESSAGE: &[Element] = &[
    one("recipient", Text),
    one("content", Text),
    maybe("price", Int),
    maybe("clientReference", Text),
    maybe("settings", Sequence(SETTINGS)),
];

const SETTINGS: &[Element] = &[
    maybe(
        "originatorSettings",
        Sequence(&[one("originator", Text), one("originatorType", Text)]),
    ),
    maybe("priority", Int),
    maybe("validity", Int),
    maybe("differentiator", Text),
    maybe("age", Int),
    maybe(
        "gasSettings",
        Sequence(&[one("serviceCode", Text), maybe("description", Text)]),
    ),
    maybe("newSession", Boolean),
    maybe("sessionId", Text),
    maybe("invoiceNode", Text),
    maybe(
        "sendWindow",
        Sequence(&[
            one("startDate", Text),
            maybe("stopDate", Text),
            one("startTime", Text),
            maybe("stopTime", Text),
        ]),
    ),
    maybe("autoDetectEncoding", Boolean),
    maybe("safeRemoveNonGsmCharacters", Boolean),
    many(
        "parameter",
        0,
        Sequence(&[one("key", Text), one("value", Text)]),
    ),
];

pub(super) static RESPONSE: Root = Root {
    name: "response",
    namespace: "http://chimera.intele.com/gw/xsd/SMSGateway/Response/2013/02",
    members: &[
        // The schema asks for this one and for the client's reference below; the manual's own samples
        // leave both out where there is none, and so do we.
        maybe("batchReference", Text),
        many(
            "messageStatus",
            1,
            Sequence(&[
                one("statusCode", Int),
                one("statusMessage", Text),
                maybe("clientReference", Text),
                one("recipient", Text),
                maybe("messageId", Text),
                maybe("sessionId", Text),
                one("sequenceIndex", Int),
            ]),
        ),
    ],
};

pub(super) static FAULT: Root = Root {
    name: "fault",
    namespace: "http://chimera.intele.com/gw/xsd/SMSGateway/Fault/2013/02",
    members: &[maybe("code", Int), maybe("reason", Text)],
};

/// An element as it was found.
#[derive(Default)]
struct Found {
    name: String,
    namespace: Option<String>,
    text: String,
    inner: Vec<Self>,
}

/// Panics where the document departs from the schema.
#[track_caller]
pub(super) fn check(root: &Root, document: &[u8]) {
    if let Err(fault) = departure(root, document) {
        panic!("{fault}: {}", String::from_utf8_lossy(document));
    }
}

/// Where a document departs from the schema.
fn departure(root: &Root, document: &[u8]) -> Result<(), String> {
    let found = parse(std::str::from_utf8(document).unwrap());
    if found.name != root.name || found.namespace.as_deref() != Some(root.namespace) {
        return Err(format!(
            "the root is {} in {:?}",
            found.name, found.namespace
        ));
    }
    check_sequence(root.members, &found)
}

fn check_sequence(expected: &[Element], parent: &Found) -> Result<(), String> {
    let mut rest = parent.inner.as_slice();
    for element in expected {
        let is_other = |found: &Found| found.name != element.name;
        let count = rest.iter().position(is_other).unwrap_or(rest.len());
        if count < element.min || count > element.max {
            return Err(format!("{count} times {} in {}", element.name, parent.name));
        }
        let (these, others) = rest.split_at(count);
        for found in these {
            check_content(&element.content, found)?;
        }
        rest = others;
    }
    match rest.first() {
        None => Ok(()),
        Some(found) => Err(format!(
            "{} is out of its place in {}",
            found.name, parent.name
        )),
    }
}

fn check_content(expected: &Type, found: &Found) -> Result<(), String> {
    if let Some(namespace) = &found.namespace {
        return Err(format!("{} is in {namespace}", found.name));
    }
    let is_right = match expected {
        Text => found.inner.is_empty(),
        Int => found.inner.is_empty() && found.text.parse::<i32>().is_ok(),
        Boolean => found.inner.is_empty() && ["true", "false"].contains(&found.text.as_str()),
        Sequence(members) => {
            check_sequence(members, found)?;
            found.text.is_empty()
        }
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("{} has a wrong content", found.name))
    }
}

fn parse(document: &str) -> Found {
    let mut reader = NsReader::from_str(document);
    let mut open = vec![Found::default()];
    loop {
        let (namespace, event) = reader.read_resolved_event().unwrap();
        match event {
            Event::Start(tag) => open.push(Found {
                name: tag.local_name().as_ref().to_owned(),
                namespace: match namespace {
                    ResolveResult::Bound(Namespace(uri)) => Some(uri.to_owned()),
                    ResolveResult::Unbound => None,
                    ResolveResult::Unknown(prefix) => panic!("prefix {prefix}"),
                },
                ..Found::default()
            }),
            Event::End(_) => {
                let ended = open.pop().unwrap();
                open.last_mut().unwrap().inner.push(ended);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text),
            Event::GeneralRef(name) => open.last_mut().unwrap().text.push_str(&name),
            Event::Eof => break,
            other => panic!("{other:?}"),
        }
    }
    let mut top = open.pop().unwrap();
    assert_eq!((open.len(), top.inner.len(), top.text.as_str()), (0, 1, ""));
    top.inner.remove(0)
}

#[test]
fn the_check_sees_departures() {
    let check = |inner: &str, expected: Result<(), &str>| {
        let document = format!(
            "<a:request xmlns:a=\"{}\">{inner}</a:request>",
            REQUEST.namespace
        );
        let found = departure(&REQUEST, document.as_bytes());
        assert_eq!(found, expected.map_err(str::to_owned), "{inner}");
    };
    let head = "<serviceId>1</serviceId><username>u</username><password>p</password>";
    let message = "<message><recipient>1</recipient><content>2</content></message>";
    check(&format!("{head}{message}{message}"), Ok(()));
    check(head, Err("0 times message in request"));
    check(
        &format!("{message}{head}"),
        Err("0 times serviceId in request"),
    );
    check(
        &format!("{head}{message}<other></other>"),
        Err("other is out of its place in request"),
    );
    check(
        &format!("{head}<message><content>2</content><recipient>1</recipient></message>"),
        Err("0 times recipient in message"),
    );
    check(
        &format!("{}{message}", head.replace(">1<", ">x<")),
        Err("serviceId has a wrong content"),
    );
    check(
        &format!(
            "{}{message}",
            head.replace("<username>", "<username xmlns=\"urn:x\">")
        ),
        Err("username is in urn:x"),
    );
    let elsewhere = departure(&REQUEST, b"<request></request>");
    assert_eq!(elsewhere, Err("the root is request in None".to_owned()));
}
