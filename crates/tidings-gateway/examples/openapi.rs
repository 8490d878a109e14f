//! Writes the `OpenAPI` document of the gateway: `cargo run -p tidings-gateway --example openapi >
//! docs/openapi.json`. A test holds the file equal to the handlers.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let document = tidings_gateway::http::document().to_pretty_json();
    let document = document.map_err(std::io::Error::other)?;
    writeln!(std::io::stdout(), "{document}")
}
