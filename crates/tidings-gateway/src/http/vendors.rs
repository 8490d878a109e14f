//! The vendors' doors: each provider's own API under `/<id>`, over [`crate::vendors::backend`].
//!
//! Programs that were written for a vendor's API use it by changing their base URL to ours. What stands
//! behind is the same intake as for our own calls; shapes, paths and refusals are the vendor's.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use tidings::providers;

use super::auth;
use crate::Gateway;
use crate::access;
use crate::vendors::{backend, served};

/// The setting that says which of a vendor's descriptions of its API holds.
const DIALECT: &str = "dialect";
/// Those besides the default: each has a door of its own, `/<id>/<dialect>`.
const MORE_DIALECTS: [&str; 1] = ["manual"];

/// The APIs of all providers that are compiled in.
pub(crate) fn doors(gateway: &Gateway) -> Router {
    let mut doors = Router::new();
    for spec in providers::ALL {
        let backend = backend(gateway.clone(), spec);
        let has_dialects = spec.settings.iter().any(|it| it.name == DIALECT);
        let dialects = MORE_DIALECTS.iter().filter(|_| has_dialects);
        for dialect in std::iter::once(None).chain(dialects.map(Some)) {
            let mut path = format!("/{}", spec.id);
            if let Some(dialect) = dialect {
                path = format!("{path}/{dialect}");
            }
            let mut account = served::settings(gateway, spec, &path);
            if let Some(dialect) = dialect {
                account = account.with(DIALECT, *dialect);
            }
            match (spec.router)(Arc::clone(&backend), &account) {
                Ok(door) => doors = doors.nest(&path, door),
                // What the configuration says was looked at when it was read.
                Err(error) => {
                    tracing::error!(provider = spec.id, %error, "no door for this provider");
                }
            }
        }
    }
    doors.layer(middleware::from_fn(say_where_from))
}

/// Says to the backend where the caller is, which the vendors' server halves do not.
async fn say_where_from(request: Request, next: Next) -> Response {
    let from = auth::address(request.extensions());
    access::coming_from(from, next.run(request)).await
}
