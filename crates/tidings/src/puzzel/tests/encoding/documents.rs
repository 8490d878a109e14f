//! Documents by chance, for the tests that hold for all of them.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::puzzel::wire::{
    BatchListResponse, BatchResponse, BatchSingleResponse, Content, Flag, GasSettings,
    GatewayRequest, GatewayResponse, Integer, Message, MessageStatus, OriginatorSettings,
    Parameter, Password, Phone, Scalar, SendWindow, Settings, StopBatchResponse,
    StoppedMessageResponse,
};

/// Texts of all kinds, among them what the forms have to escape; without the characters that XML
/// cannot carry.
pub(super) fn text() -> BoxedStrategy<String> {
    prop_oneof![
        "[a-zA-Z0-9 +&=%<>\"';\\[\\].,\r\n\t]{0,20}",
        any::<String>().prop_map(|text| text.chars().filter(|&c| is_xml(c)).collect()),
        Just(" ".to_owned()),
        Just("]]>&amp;<!--".to_owned()),
        Just("\u{feff}\u{fffd}\u{10ffff}".to_owned()),
    ]
    .boxed()
}

/// The characters of XML 1.0, in the standard's words.
fn is_xml(c: char) -> bool {
    let code = u32::from(c);
    [0x9, 0xa, 0xd].contains(&code)
        || (0x20..=0xd7ff).contains(&code)
        || (0xe000..=0xfffd).contains(&code)
        || code >= 0x10000
}

fn integer() -> BoxedStrategy<Integer> {
    any::<i32>()
        .prop_map(|number| Integer(number.into()))
        .boxed()
}

fn flag() -> BoxedStrategy<Flag> {
    any::<bool>().prop_map(Flag).boxed()
}

fn phone() -> BoxedStrategy<Phone> {
    prop_oneof!["\\+[0-9]{8,12}", "[ +][0-9 ]{0,5}", text()]
        .prop_map(Phone)
        .boxed()
}

prop_compose! {
    fn sender()(originator in phone(), kind in text()) -> OriginatorSettings {
        OriginatorSettings { originator: Some(originator), originator_type: Some(kind) }
    }
}

prop_compose! {
    fn goods()(code in text(), description in option::of(text())) -> GasSettings {
        GasSettings { service_code: Some(code), description }
    }
}

prop_compose! {
    fn window()(
        start_date in text(), stop_date in option::of(text()),
        start_time in text(), stop_time in option::of(text()),
    ) -> SendWindow {
        SendWindow { start_date: Some(start_date), stop_date, start_time: Some(start_time), stop_time }
    }
}

prop_compose! {
    fn parameter()(key in text(), value in text()) -> Parameter {
        Parameter { key, value: Scalar(value) }
    }
}

prop_compose! {
    fn settings()(
        figures in (option::of(integer()), option::of(integer()), option::of(integer())),
        texts in (option::of(text()), option::of(text()), option::of(text())),
        flags in (option::of(flag()), option::of(flag()), option::of(flag())),
        originator_settings in option::of(sender()),
        gas_settings in option::of(goods()),
        send_window in option::of(window()),
        // An empty list is none in every form but JSON.
        parameter in option::of(vec(parameter(), 1..4)),
    ) -> Settings {
        Settings {
            originator_settings,
            priority: figures.0,
            validity: figures.1,
            differentiator: texts.0,
            age: figures.2,
            gas_settings,
            new_session: flags.0,
            session_id: texts.1,
            invoice_node: texts.2,
            send_window,
            auto_detect_encoding: flags.1,
            safe_remove_non_gsm_characters: flags.2,
            parameter,
        }
    }
}

prop_compose! {
    fn message()(
        recipient in phone(), content in text(), price in option::of(integer()),
        client_reference in option::of(text()), settings in option::of(settings()),
    ) -> Message {
        Message {
            recipient: Some(recipient),
            content: Some(Content(Arc::from(content))),
            price,
            // Not in XML; the form that has it is tested by the golden calls.
            price_xml: None,
            client_reference,
            settings,
        }
    }
}

prop_compose! {
    /// Calls with all that the vendor's schema demands.
    pub(super) fn request()(
        service_id in integer(), username in text(), password in text(),
        batch_reference in option::of(text()), message in vec(message(), 1..5),
    ) -> GatewayRequest {
        GatewayRequest {
            service_id: Some(service_id),
            username: Some(username),
            password: Some(Password(password)),
            batch_reference,
            message,
        }
    }
}

prop_compose! {
    fn verdict()(
        figures in (integer(), integer()), texts in (text(), phone()),
        maybe in (option::of(text()), option::of(text()), option::of(text())),
    ) -> MessageStatus {
        MessageStatus {
            status_code: Some(figures.0),
            status_message: Some(texts.0),
            client_reference: maybe.0,
            recipient: Some(texts.1),
            message_id: maybe.1,
            session_id: maybe.2,
            sequence_index: Some(figures.1),
        }
    }
}

prop_compose! {
    pub(super) fn response()(
        batch_reference in option::of(text()), message_status in vec(verdict(), 1..5),
    ) -> GatewayResponse {
        GatewayResponse { batch_reference, message_status }
    }
}

prop_compose! {
    fn batch()(name in option::of(text()), sizes in (option::of(integer()), option::of(integer()))) -> BatchResponse {
        BatchResponse { client_batch_reference: name, total_size: sizes.0, on_hold: sizes.1 }
    }
}

prop_compose! {
    pub(super) fn batch_list()(message_batch in vec(batch(), 0..4)) -> BatchListResponse {
        BatchListResponse { message_batch }
    }
}

prop_compose! {
    pub(super) fn single_batch()(message_batch in option::of(batch())) -> BatchSingleResponse {
        BatchSingleResponse { message_batch }
    }
}

prop_compose! {
    fn stopped()(message_id in option::of(text()), reference in option::of(text())) -> StoppedMessageResponse {
        StoppedMessageResponse { message_id, client_message_reference: reference }
    }
}

prop_compose! {
    pub(super) fn stop()(
        service_id in option::of(integer()), name in option::of(text()),
        stopped_messages in vec(stopped(), 0..4),
    ) -> StopBatchResponse {
        StopBatchResponse { service_id, client_batch_reference: name, stopped_messages }
    }
}
