//! The `OpenAPI` document, made from the handlers: [`document`], shown at `/openapi.json`.
//!
//! What all operations have in common is added here: the key, the problem document, the headers.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header;
use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement};

use super::error::{PROBLEM_JSON, ProblemDocument};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tidings",
        description = "Sends text messages dependably: accepted means on disk, sent means once, stopped means stopped.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "messages", description = "One message"),
        (name = "batches", description = "Many messages under one name"),
        (name = "text", description = "What a text takes, before it is sent"),
        (name = "contacts", description = "Address book, groups, opt-outs"),
        (name = "inbound", description = "Texts from phones, conversations"),
        (name = "webhooks", description = "What happens, told"),
        (name = "running", description = "Accounts, keys, lanes, health"),
    ),
    components(schemas(ProblemDocument<'_>)),
)]
struct Description;

/// The document.
pub fn document() -> OpenApi {
    let mut document = Description::openapi();
    let parts = [
        super::hot(),
        super::calls(),
        super::streams(),
        super::open(),
    ];
    for part in parts {
        document.merge(part.into_openapi());
    }
    let components = document.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("key", bearer);
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            complete(operation);
        }
    }
    document
}

fn complete(operation: &mut Operation) {
    let problem = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(problem)).build();
    let response = ResponseBuilder::new()
        .description("Something is wrong; the codes are at /docs/errors")
        .content(PROBLEM_JSON, content)
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("default".to_owned(), RefOr::T(response));
    if operation.security.is_none() {
        let scopes: [&str; 0] = [];
        operation.security = Some(vec![SecurityRequirement::new("key", scopes)]);
    }
}

/// The document as JSON, written once.
static JSON: LazyLock<String> = LazyLock::new(|| {
    let json = document().to_pretty_json();
    json.expect("the document is made of texts")
});

/// Shows the document.
pub(crate) async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], JSON.as_str()).into_response()
}
