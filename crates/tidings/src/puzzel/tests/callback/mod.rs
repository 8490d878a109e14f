//! What the gateway tells its customer's server: `callback/`.

mod emitting;
mod golden;
mod hostile;
mod reading;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use tidings_core::{InboundMessage, ProviderRef, ReportedState};

use crate::callback::{Callback, CallbackRequest};
use crate::provider::Account;
use crate::puzzel::callback::{Form, setting};

const DR: &str = r#"{"messageid":"7a0000000a00","customerbatchreference":"batch-1","customermessagereference":"ref-1","serviceid":1000,"servicename":"Demo","originator":"Demo","mcc":242,"mnc":1,"type":6,"statuscode":0,"statusdescription":"OK. Message processed successfully.","extstatuscode":"0","extstatusdescription":"Delivered"}"#;
const MO: &str = r#"{"messageid":"7a0000000f00","serviceid":1000,"servicename":"Demo","sno":"1960","originator":"+4700000001","mcc":242,"mnc":1,"content":"DEMO hei","command":"DEMO","strippedcontent":"hei","type":1,"timestamp":"20260321 09:00:00","sctimestamp":"20260321 08:59:58","sessionid":"s1"}"#;

fn post(content_type: &'static str, body: impl Into<bytes::Bytes>) -> CallbackRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    CallbackRequest::post(headers, body)
}

fn json(body: impl Into<String>) -> CallbackRequest {
    post("application/json", body.into())
}

fn xml(body: impl Into<String>) -> CallbackRequest {
    post("application/xml", body.into())
}

fn account(form: Form) -> Account {
    Account::new("oslo")
        .with("service_id", "1000")
        .with(setting::SERVICE_NAME, "Demo")
        .with(setting::CALLBACK_FORMAT, form.as_str())
}

fn body(request: &CallbackRequest) -> &str {
    std::str::from_utf8(&request.body).unwrap()
}

fn delivered(id: &str) -> tidings_core::DeliveryReport {
    tidings_core::DeliveryReport::new(ProviderRef::message(id), ReportedState::Delivered)
}

fn report_of(callback: &Callback) -> &tidings_core::DeliveryReport {
    match callback {
        Callback::Report(report) => report,
        other => panic!("expected a report, not {other:?}"),
    }
}

fn inbound_of(callback: &Callback) -> &InboundMessage {
    match callback {
        Callback::Inbound(message) => message,
        other => panic!("expected a message, not {other:?}"),
    }
}
