//! What the gateway calls for what there is to tell.

use std::time::Duration;

use http::Method;
use http::header::CONTENT_TYPE;
use tidings_core::{ClientRef, InboundMessage, ProviderRef, Reason, ReportedState};

use super::{account, body, delivered};
use crate::callback::{Callback, CallbackRequest};
use crate::provider::Account;
use crate::puzzel::callback::{Form, emit, parse, receive, setting};

fn report(state: ReportedState, reason: Option<Reason>) -> Callback {
    let mut report = tidings_core::DeliveryReport::new(ProviderRef::message("a"), state);
    report.reason = reason;
    Callback::Report(report)
}

fn inbound(id: &str, text: &str) -> InboundMessage {
    InboundMessage::new(id, "+4700000001", "1960", text)
}

#[test]
fn reports_travel_in_one_post_and_messages_in_another() {
    let told = [
        Callback::Inbound(inbound("m1", "one")),
        Callback::Report(delivered("r1")),
        Callback::Inbound(inbound("m2", "two")),
        Callback::Report(delivered("r2")),
    ];
    for (form, content_type) in [
        (Form::Json, "application/json"),
        (Form::Xml, "application/xml"),
    ] {
        let calls = emit(&account(form), &told);
        let [reports, messages] = calls.as_slice() else {
            panic!("{} calls", calls.len());
        };
        for call in [reports, messages] {
            assert_eq!(call.method, Method::POST);
            assert_eq!(call.headers[CONTENT_TYPE], content_type);
        }
        let ids = |call: &CallbackRequest| -> Vec<String> {
            let received = receive(call).unwrap();
            let reports = received.reports.into_iter();
            let reports = reports.map(|report| report.message_id.unwrap());
            let messages = received.messages.into_iter();
            reports
                .chain(messages.map(|message| message.message_id))
                .collect()
        };
        assert_eq!(ids(reports), ["r1", "r2"]);
        assert_eq!(ids(messages), ["m1", "m2"]);
    }
}

#[test]
fn a_get_carries_one_item() {
    let told = [
        Callback::Inbound(inbound("m1", "one")),
        Callback::Report(delivered("r1")),
        Callback::Report(delivered("r2")),
    ];
    let calls = emit(&account(Form::Get), &told);
    assert_eq!(calls.len(), 3);
    for call in &calls {
        assert_eq!(call.method, Method::GET);
        assert!(call.body.is_empty());
        assert_eq!(parse(call).unwrap().len(), 1);
    }
    let query = calls[0].query.as_deref().unwrap();
    assert!(
        query.starts_with("messageid=r1&serviceid=1000&servicename=Demo&"),
        "{query}"
    );
}

#[test]
fn nothing_to_tell_is_no_call() {
    for form in [Form::Json, Form::Xml, Form::Get] {
        assert_eq!(emit(&account(form), &[]).len(), 0);
    }
}

#[test]
fn only_ends_are_told() {
    for state in [
        ReportedState::Submitted,
        ReportedState::Sent,
        ReportedState::Unknown,
        // The vendor has no code for it.
        ReportedState::Canceled,
    ] {
        let calls = emit(&account(Form::Json), &[report(state, None)]);
        assert_eq!(calls.len(), 0, "{state}");
    }
}

#[test]
fn an_end_is_told_with_the_code_for_state_and_reason() {
    #[track_caller]
    fn check(state: ReportedState, reason: Option<Reason>, code: i64) {
        let calls = emit(&account(Form::Json), &[report(state, reason)]);
        let received = receive(&calls[0]).unwrap();
        assert_eq!(received.reports[0].status_code, code);
    }
    use ReportedState::{Delivered, Expired, Failed, Undelivered};
    check(Delivered, None, 0);
    check(Expired, None, 361);
    check(Expired, Some(Reason::RecipientUnreachable), 361);
    check(Undelivered, None, 370);
    check(Undelivered, Some(Reason::RecipientUnreachable), 364);
    check(Undelivered, Some(Reason::RecipientBlocked), 357);
    check(Undelivered, Some(Reason::NoRoute), 350);
    check(Undelivered, Some(Reason::InvalidRecipient), 351);
    check(Failed, None, 650);
    check(Failed, Some(Reason::NoRoute), 651);
    check(Failed, Some(Reason::InvalidRecipient), 654);
    check(Failed, Some(Reason::Forbidden), 385);
    check(Failed, Some(Reason::Unauthorized), 380);
}

#[test]
fn the_vendors_own_code_wins_over_state_and_reason() {
    #[track_caller]
    fn check(state: ReportedState, raw: &str, code: i64, operator_code: Option<&str>) {
        let told = tidings_core::DeliveryReport::new(ProviderRef::message("a"), state).raw(raw);
        let calls = emit(&account(Form::Json), &[Callback::Report(told)]);
        let report = receive(&calls[0]).unwrap().reports.remove(0);
        assert_eq!(report.status_code, code);
        assert_eq!(report.operator_code.as_deref(), operator_code);
    }
    check(ReportedState::Undelivered, "356", 356, None);
    check(ReportedState::Undelivered, "369/0x45", 369, Some("0x45"));
    check(ReportedState::Delivered, "390/0", 390, Some("0"));
    // Another provider's words and numbers are no codes.
    check(ReportedState::Delivered, "delivered", 0, None);
    check(ReportedState::Undelivered, "30003", 370, None);
    check(ReportedState::Undelivered, "", 370, None);
    check(ReportedState::Unknown, "352", 352, None);
}

#[test]
fn a_report_carries_every_name_that_the_message_had() {
    let mut about = ProviderRef::message("7a0000000a00");
    about.batch = Some("batch-1".to_owned());
    about.reference = ClientRef::new("ref-1").ok();
    let told = tidings_core::DeliveryReport::new(about, ReportedState::Delivered);
    let calls = emit(&account(Form::Json), &[Callback::Report(told)]);
    let expected = r#"{"dr":[{"messageid":"7a0000000a00","customerbatchreference":"batch-1","customermessagereference":"ref-1","serviceid":1000,"servicename":"Demo","mcc":242,"mnc":1,"type":6,"statuscode":0,"statusdescription":"OK. Message processed successfully.","extstatuscode":"0","extstatusdescription":"Delivered"}]}"#;
    assert_eq!(body(&calls[0]), expected);
}

#[test]
fn a_message_carries_session_keyword_and_time() {
    let message = inbound("7a0000000f00", "demo  hei")
        .keyword("DEMO")
        .session("s1")
        .received_at("2026-07-01T10:00:00Z".parse().unwrap());
    let calls = emit(&account(Form::Json), &[Callback::Inbound(message)]);
    let expected = r#"{"mo":[{"messageid":"7a0000000f00","serviceid":1000,"servicename":"Demo","sno":"1960","originator":"+4700000001","mcc":242,"mnc":1,"content":"demo  hei","command":"DEMO","strippedcontent":"hei","type":1,"timestamp":"20260701 12:00:00","sctimestamp":"20260701 12:00:00","sessionid":"s1"}]}"#;
    assert_eq!(body(&calls[0]), expected);
}

#[test]
fn only_a_keyword_at_the_beginning_is_taken_off() {
    #[track_caller]
    fn check(text: &str, keyword: &str, expected: &str) {
        let told = Callback::Inbound(inbound("a", text).keyword(keyword));
        let calls = emit(&account(Form::Json), &[told]);
        let message = receive(&calls[0]).unwrap().messages.remove(0);
        assert_eq!(&*message.stripped_content.unwrap().0, expected);
    }
    check("DEMO hei", "DEMO", "hei");
    check("demo", "DEMO", "");
    check("demo: hei", "DEMO", ": hei");
    check("DEMOS hei", "DEMO", "DEMOS hei");
    check("hei DEMO", "DEMO", "hei DEMO");
    check("", "DEMO", "");
    check("hei", "", "hei");
    check("åå", "å", "åå");
    check("éa", "x", "éa");
    check("a", "é", "a");
}

#[test]
fn what_was_told_is_understood_again() {
    let told = vec![
        Callback::Report(delivered("r1").raw("0/0").detail("it is there")),
        Callback::Inbound(
            inbound("m1", "DEMO hei")
                .keyword("DEMO")
                .session("s1")
                .received_at("2026-11-22T01:02:03Z".parse().unwrap()),
        ),
    ];
    for form in [Form::Json, Form::Xml, Form::Get] {
        let calls = emit(&account(form), &told);
        let again: Vec<Callback> = calls.iter().flat_map(|call| parse(call).unwrap()).collect();
        assert_eq!(again, told, "{form:?}");
    }
}

#[test]
fn an_account_without_settings_is_told_in_json_under_its_own_name() {
    let bare = Account::new("oslo").with(setting::CALLBACK_FORMAT, "smoke signals");
    let calls = emit(&bare, &[Callback::Report(delivered("r1"))]);
    let report = receive(&calls[0]).unwrap().reports.remove(0);
    assert_eq!(calls[0].headers[CONTENT_TYPE], "application/json");
    assert_eq!(report.service_id, None);
    assert_eq!(report.service_name.as_deref(), Some("oslo"));
}

#[test]
fn forms_are_read_from_settings() {
    for form in [Form::Json, Form::Xml, Form::Get] {
        assert_eq!(form.as_str().parse(), Ok(form));
        assert_eq!(
            format!(" {} ", form.as_str().to_uppercase()).parse(),
            Ok(form)
        );
    }
    let error = "soap".parse::<Form>().unwrap_err();
    assert_eq!(error.to_string(), "expected json, xml or get");
}

#[test]
fn the_gateway_calls_once_a_second_and_waits_a_minute() {
    let emitter = crate::puzzel::SPEC.emit_callback.unwrap();
    assert_eq!(emitter.at_most_every, Duration::from_secs(1));
    assert_eq!(emitter.time_limit, Duration::from_mins(1));
}
