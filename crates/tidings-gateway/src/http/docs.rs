//! `/docs` and `/docs/errors`: the API for people, plain pages without anything from elsewhere.
//!
//! Written once from the `OpenAPI` document and from the list of codes.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::Html;
use serde_json::Value;

use super::error::Code;
use super::openapi;
use crate::intake::RejectionCode;

/// The page of all calls.
pub(crate) async fn calls() -> Html<&'static str> {
    static PAGE: LazyLock<String> = LazyLock::new(calls_page);
    Html(&PAGE)
}

/// The page of all codes of problems.
pub(crate) async fn errors() -> Html<&'static str> {
    static PAGE: LazyLock<String> = LazyLock::new(errors_page);
    Html(&PAGE)
}

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn calls_page() -> String {
    let document = openapi::document().to_json();
    let document = document.expect("the document is made of texts");
    let document: Value = serde_json::from_str(&document).expect("it was just written");
    let mut page = Page::new("Tidings: the calls");
    page.paragraph(
        "Every call needs the header Authorization: Bearer KEY. What is wrong is told as a problem \
         document whose code is stable.",
    );
    page.raw(
        "<p><a href=\"/docs/errors\">The codes</a> · <a href=\"/openapi.json\">OpenAPI 3.1</a></p>",
    );
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        page.heading(2, name, name);
        page.paragraph(text(&tag["description"]));
        for (path, item) in object(&document["paths"]) {
            for method in METHODS {
                let operation = &item[method];
                if list(&operation["tags"]).iter().any(|it| it == name) {
                    page.operation(method, path, operation);
                }
            }
        }
    }
    page.heading(2, "schemas", "Shapes");
    for (name, schema) in object(&document["components"]["schemas"]) {
        page.heading(3, &format!("schema-{name}"), name);
        page.paragraph(text(&schema["description"]));
        page.fields(schema);
    }
    page.end()
}

fn errors_page() -> String {
    let mut page = Page::new("Tidings: the codes of problems");
    page.paragraph(
        "What is wrong is told as application/problem+json (RFC 9457) with one of these codes.",
    );
    page.raw("<table><tr><th>code</th><th>status</th><th>meaning</th></tr>");
    let rejections = RejectionCode::ALL.iter();
    let rejections = rejections.map(|code| Code::Rejected(*code));
    let mut seen: Vec<&str> = Vec::new();
    for code in Code::OWN.iter().copied().chain(rejections) {
        if seen.contains(&code.as_str()) {
            continue;
        }
        seen.push(code.as_str());
        let cells = [code.as_str(), code.status().as_str(), code.meaning()].map(escaped);
        let [word, status, meaning] = cells;
        page.raw(&format!(
            "<tr id=\"{word}\"><td><code>{word}</code></td><td>{status}</td><td>{meaning}</td></tr>"
        ));
    }
    page.raw("</table>");
    page.end()
}

/// A page that is being written.
struct Page(String);

impl Page {
    fn new(title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title}</h1>"
        ))
    }

    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn heading(&mut self, level: u8, id: &str, title: &str) {
        let (id, title) = (escaped(id), escaped(title));
        write!(self.0, "<h{level} id=\"{id}\">{title}</h{level}>").expect("a string takes it");
    }

    fn paragraph(&mut self, words: &str) {
        for words in words.split("\n\n").filter(|words| !words.is_empty()) {
            write!(self.0, "<p>{}</p>", escaped(words)).expect("a string takes it");
        }
    }

    fn operation(&mut self, method: &str, path: &str, operation: &Value) {
        let id = text(&operation["operationId"]);
        self.heading(3, id, &format!("{} {path}", method.to_uppercase()));
        self.paragraph(text(&operation["summary"]));
        self.paragraph(text(&operation["description"]));
        let parameters = list(&operation["parameters"]);
        if !parameters.is_empty() {
            self.raw("<table>");
            for parameter in parameters {
                self.row(
                    text(&parameter["name"]),
                    text(&parameter["in"]),
                    text(&parameter["description"]),
                );
            }
            self.raw("</table>");
        }
        for (kind, content) in object(&operation["requestBody"]["content"]) {
            self.shape("Takes", kind, &content["schema"]);
        }
        for (status, response) in object(&operation["responses"]) {
            if status == "default" {
                continue;
            }
            self.paragraph(&format!("{status}: {}", text(&response["description"])));
            for (kind, content) in object(&response["content"]) {
                self.shape("Gives", kind, &content["schema"]);
            }
        }
    }

    fn shape(&mut self, verb: &str, kind: &str, schema: &Value) {
        let (kind, shape) = (escaped(kind), shape_of(schema));
        write!(self.0, "<p>{verb} {kind}: {shape}</p>").expect("a string takes it");
    }

    fn fields(&mut self, schema: &Value) {
        let all_of = list(&schema["allOf"]).iter();
        for part in all_of {
            if part.get("$ref").is_some() {
                self.raw(&format!("<p>All of {}, and:</p>", shape_of(part)));
            } else {
                self.fields(part);
            }
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<&str> = words.iter().map(text).collect();
            self.paragraph(&words.join(", "));
        }
        let fields = object(&schema["properties"]);
        if fields.is_empty() {
            return;
        }
        self.raw("<table>");
        for (name, field) in fields {
            let is_required = list(&schema["required"]).iter().any(|it| it == name);
            let shape = shape_of(field);
            let mark = if is_required { "" } else { ", may be missing" };
            let description = escaped(text(&field["description"]));
            self.raw(&format!(
                "<tr><td><code>{}</code></td><td>{shape}{mark}</td><td>{description}</td></tr>",
                escaped(name)
            ));
        }
        self.raw("</table>");
    }

    fn row(&mut self, name: &str, place: &str, description: &str) {
        let [name, place, description] = [name, place, description].map(escaped);
        self.raw(&format!(
            "<tr><td><code>{name}</code></td><td>{place}</td><td>{description}</td></tr>"
        ));
    }

    fn end(mut self) -> String {
        self.raw("</body></html>");
        self.0
    }
}

/// A shape in words, with links to those that have names.
fn shape_of(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escaped(reference.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    let choices = list(&schema["oneOf"]).iter().chain(list(&schema["anyOf"]));
    let choices: Vec<String> = choices.map(shape_of).collect();
    if !choices.is_empty() {
        return choices.join(" or ");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        kind => vec![text(kind)],
    };
    if kinds.contains(&"array") {
        return format!("list of {}", shape_of(&schema["items"]));
    }
    let format = schema["format"].as_str();
    let format = format.map(|format| format!(" ({format})"));
    escaped(&(kinds.join(" or ") + &format.unwrap_or_default()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn object(value: &Value) -> Vec<(&String, &Value)> {
    value.as_object().into_iter().flatten().collect()
}

fn escaped(words: &str) -> String {
    let mut html = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            letter => html.push(letter),
        }
    }
    html
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1b1b;background:#fff}h2{margin-top:3rem;border-bottom:1px solid #ccc}h3{margin-top:2rem}\
    table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #e4e4e4;padding:.3rem .6rem;\
    text-align:left;vertical-align:top}code{font-family:ui-monospace,monospace}\
    @media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181c}a{color:#8ab4f8}\
    td,th{border-color:#333}}";
