//! The vendors' doors: each provider's own API under `/<id>`, over [`crate::vendors::backend`].
//!
//! Programs that were written for a vendor's API use it by changing their base URL to ours. What stands
//! behind is the same intake as for our own calls; shapes, paths and refusals are the vendor's.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use tidings::{Account, providers};

use super::auth;
use crate::Gateway;
use crate::access;
use crate::vendors::backend;

/// The setting of servers that write addresses of their own.
const PUBLIC_URL: &str = "public_url";

/// The APIs of all providers that are compiled in.
pub fn doors(gateway: &Gateway) -> Router {
    let public_url = gateway.live().config.server.public_url.clone();
    let mut doors = Router::new();
    for spec in providers::ALL {
        let mut account = Account::new(spec.id);
        let writes_addresses = spec.server_settings.iter().any(|it| it.name == PUBLIC_URL);
        if let Some(url) = public_url.as_ref().filter(|_| writes_addresses) {
            let url = format!("{}/{}", url.trim_end_matches('/'), spec.id);
            account = account.with(PUBLIC_URL, url);
        }
        match (spec.router)(backend(gateway.clone(), spec), &account) {
            Ok(door) => doors = doors.nest(&format!("/{}", spec.id), door),
            // Only its own settings could be wrong, and those are made here.
            Err(error) => tracing::error!(provider = spec.id, %error, "no door for this provider"),
        }
    }
    doors.layer(middleware::from_fn(say_where_from))
}

/// Says to the backend where the caller is, which the vendors' server halves do not.
async fn say_where_from(request: Request, next: Next) -> Response {
    let from = auth::address(request.extensions());
    access::coming_from(from, next.run(request)).await
}
