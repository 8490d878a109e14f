//! Tests of the whole product: clients, servers and the simulated carrier together, and the vendors'
//! own clients against them.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod book;
mod day_in_the_life;
mod examples;
mod gateway_fairness;
mod gateway_http_api_page;
mod gateway_proxies;
mod gateway_reports;
mod gateway_running;
mod gateway_vendors;
mod netsapiens_campaign;
mod netsapiens_end_to_end;
mod netsapiens_events;
mod netsapiens_gateway_python;
mod netsapiens_gateway_tokens;
mod netsapiens_log_redaction;
mod netsapiens_python;
mod netsapiens_tokens;
mod openapi_events;
mod openapi_schemathesis;
mod passinfo_gateway_python;
mod passinfo_log_redaction;
mod passinfo_python_sdk;
mod puzzel_campaign;
mod puzzel_end_to_end;
mod puzzel_gateway_manual;
mod puzzel_gateway_python;
mod puzzel_log_redaction;
mod puzzel_python_v2;
mod puzzel_python_v3;
mod puzzel_vendor;
mod readme_commands;
