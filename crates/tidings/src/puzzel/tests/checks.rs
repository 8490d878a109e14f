//! Every field of a message wrong in turn: refused before anything leaves, by the name of the field.

use std::time::Duration;

use tidings_core::{E164, Priority, SendWindow as Window, SenderId, TimeZone};

use super::builder;
use crate::error::{Acceptance, ErrorKind};
use crate::puzzel::encoding::Encoding;
use crate::puzzel::map::field;
use crate::puzzel::{
    Age, Dialect, GasSettings, Message, OriginatorSettings, OriginatorType, Parameter, ParsingType,
    SendOptions, Session, Settings, StrexChannel, StrexSellOption, wire,
};
use crate::tests::scripted::Scripted;

const NORWEGIAN: &str = "+4741000000";
const SWEDISH: &str = "+46701234567";

fn with(settings: Settings) -> Message {
    Message::new(NORWEGIAN, "Hei").settings(settings)
}

/// In both dialects and all forms.
#[track_caller]
fn check_taken(message: &Message) {
    for dialect in [Dialect::V3, Dialect::Manual] {
        for encoding in [Encoding::Json, Encoding::Xml, Encoding::Form] {
            message.to_wire(dialect, encoding).unwrap();
        }
    }
}

#[track_caller]
fn check_refused(message: &Message, expected: &'static str) {
    for dialect in [Dialect::V3, Dialect::Manual] {
        check_refused_by(dialect, message, expected);
    }
}

#[track_caller]
fn check_refused_by(dialect: Dialect, message: &Message, expected: &'static str) {
    let fault = message.to_wire(dialect, Encoding::Json).unwrap_err();
    assert_eq!(fault.field, expected, "{fault}");
    assert!(fault.to_string().starts_with(expected));
}

#[tokio::test]
async fn a_wrong_message_is_refused_by_number_and_field_and_nothing_leaves() {
    let server = Scripted::answering(&[]).await;
    let client = builder(&server).build().unwrap();
    let good = || Message::new(NORWEGIAN, "Hei");
    let name = OriginatorSettings::alphanumeric("A_B");
    let cases = [
        (
            Message::new("41000000", "Hei"),
            ErrorKind::InvalidRecipient,
            "recipient",
        ),
        (
            with(Settings::new().originator(name)),
            ErrorKind::InvalidSender,
            "settings.originatorSettings.originator",
        ),
        (
            Message::new(NORWEGIAN, ""),
            ErrorKind::InvalidMessage,
            "content",
        ),
        (good().price(150), ErrorKind::InvalidMessage, "price"),
    ];
    for (wrong, kind, field) in cases {
        let messages = [good(), wrong];
        for outcome in [
            client.send(&messages, &SendOptions::new()).await,
            client.send_by_get(&messages, &SendOptions::new()).await,
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(
                (error.kind(), error.acceptance()),
                (kind, Acceptance::NotSent)
            );
            let named = format!("message[1].{field} ");
            assert!(error.to_string().starts_with(&named), "{error}");
        }
    }
    assert!(server.seen().is_empty());
}

#[test]
fn recipients_need_a_country_code() {
    for text in ["", "41000000", "004741000000", "+", "+4+7", "phone"] {
        check_refused(&Message::new(text, "Hei"), field::RECIPIENT);
    }
    check_taken(&Message::new("+47 41 00 00 00", "Hei"));
    check_taken(&Message::new(E164::parse(NORWEGIAN, None).unwrap(), "Hei"));
    let number: &E164 = &NORWEGIAN.parse().unwrap();
    check_taken(&Message::new(number, "Hei"));
}

#[test]
fn texts_have_the_length_of_the_dialect() {
    let text = |text: String| Message::new(NORWEGIAN, text);
    check_refused(&text(String::new()), field::CONTENT);
    check_taken(&text("a".repeat(918)));
    check_refused_by(Dialect::Manual, &text("a".repeat(919)), field::CONTENT);
    // 459 signs of two septets each would fill six parts, were they not kept whole.
    check_refused_by(Dialect::Manual, &text("€".repeat(459)), field::CONTENT);
    check_taken(&text("€".repeat(456)));
    check_taken(&text("ж".repeat(402)));
    check_refused_by(Dialect::Manual, &text("ж".repeat(403)), field::CONTENT);
    let v3 = |text: &Message| text.to_wire(Dialect::V3, Encoding::Json).is_ok();
    assert!(v3(&text("a".repeat(1600))) && v3(&text("ж".repeat(1600))));
    check_refused_by(Dialect::V3, &text("a".repeat(1601)), field::CONTENT);
    check_refused_by(Dialect::V3, &text("ж".repeat(1601)), field::CONTENT);
}

#[test]
fn a_text_that_the_gateway_shortens_or_that_is_no_text_is_not_counted_as_it_stands() {
    let long = format!("{}{}", "a".repeat(900), "ж".repeat(100));
    let settings = [
        Settings::new().safe_remove_non_gsm_characters(true),
        Settings::new().parameter(Parameter::parsing_type(ParsingType::SafeRemoveNonGsm)),
    ];
    for settings in settings {
        check_taken(&Message::new(NORWEGIAN, long.as_str()).settings(settings.clone()));
        let too_long = Message::new(NORWEGIAN, "a".repeat(919)).settings(settings);
        check_refused_by(Dialect::Manual, &too_long, field::CONTENT);
    }
    check_refused_by(
        Dialect::Manual,
        &Message::new(NORWEGIAN, long.as_str()),
        field::CONTENT,
    );
    let binary = Settings::new().parameter(Parameter::dcs(0xF5));
    let data = |octets| Message::new(NORWEGIAN, "00".repeat(octets)).settings(binary.clone());
    check_taken(&data(700));
    let too_long = data(805);
    check_refused_by(Dialect::Manual, &too_long, field::CONTENT);
}

#[test]
fn prices_in_norway_go_in_steps() {
    for price in [0, 100, 200, 99_900, 100_000] {
        check_taken(&Message::new(NORWEGIAN, "Hei").price(price));
    }
    for price in [1, 50, 99, 150, 100_001, 100_100, u32::MAX] {
        check_refused(&Message::new(NORWEGIAN, "Hei").price(price), field::PRICE);
    }
    // Other countries have other rules.
    check_taken(&Message::new(SWEDISH, "Hej").price(150));
    check_refused(&Message::new(SWEDISH, "Hej").price(u32::MAX), field::PRICE);
}

#[test]
fn senders_have_the_form_of_their_kind() {
    let sender =
        |kind, text: &str| with(Settings::new().originator(OriginatorSettings::new(kind, text)));
    use OriginatorType::{Alphanumeric, International, Network};
    for (kind, text) in [
        (Alphanumeric, "Tidings"),
        (Alphanumeric, "A1 %&-+.,"),
        (International, "+4790000001"),
        (Network, "1960"),
    ] {
        check_taken(&sender(kind, text));
    }
    for (kind, text) in [
        (Alphanumeric, ""),
        (Alphanumeric, "TwelveLetter"),
        (Alphanumeric, "Bjørn"),
        (Alphanumeric, "a_b"),
        (Alphanumeric, "12345"),
        (International, "90000001"),
        (International, "Tidings"),
        (Network, "+4790000001"),
        (Network, "19"),
    ] {
        check_refused(&sender(kind, text), field::ORIGINATOR);
    }
    for text in ["Tidings", "+4790000001", "1960"] {
        let sender = SenderId::parse(text).unwrap();
        check_taken(&with(Settings::new().originator(&sender)));
        check_taken(&with(Settings::new().originator(sender)));
    }
}

#[test]
fn who_pays_or_answers_sees_the_services_own_number() {
    let from = |sender| Settings::new().originator(sender);
    let name = || OriginatorSettings::alphanumeric("Tidings");
    let short = || OriginatorSettings::network("1960");
    check_taken(&with(from(name())).price(0));
    check_refused(&with(from(name())).price(200), field::ORIGINATOR);
    check_refused(&with(from(short())).price(200), field::ORIGINATOR);
    check_taken(&with(from(short()).session(Session::New)));
    check_refused(
        &with(from(name()).session(Session::New)),
        field::ORIGINATOR_TYPE,
    );
    let number: E164 = "+4790000001".parse().unwrap();
    let number = OriginatorSettings::international(&number);
    check_refused(
        &with(from(number).session(Session::New)),
        field::ORIGINATOR_TYPE,
    );
}

#[test]
fn sessions_are_for_norwegian_phones() {
    let abroad = |session| Message::new(SWEDISH, "Hej").settings(Settings::new().session(session));
    let id = || Session::Continue("00demosession0000001".to_owned());
    check_taken(&with(Settings::new().session(Session::New)));
    check_taken(&with(Settings::new().session(id())));
    check_refused(&abroad(Session::New), field::NEW_SESSION);
    check_refused(&abroad(id()), field::SESSION_ID);
    let nothing = Session::Continue(" ".to_owned());
    check_refused(&with(Settings::new().session(nothing)), field::SESSION_ID);
}

#[test]
fn an_age_needs_a_price() {
    for age in [Age::Sixteen, Age::Eighteen] {
        check_refused(&with(Settings::new().age(age)), field::AGE);
        check_refused(&with(Settings::new().age(age)).price(0), field::AGE);
        check_taken(&with(Settings::new().age(age)).price(200));
    }
    check_taken(&with(Settings::new().age(Age::Any)));
}

#[test]
fn validities_and_priorities_are_those_of_the_dialect() {
    let written = |settings: Settings, dialect| {
        let written = with(settings).to_wire(dialect, Encoding::Json).unwrap();
        let settings = written.settings.unwrap();
        (settings.priority, settings.validity)
    };
    let settings = || {
        let settings = Settings::new().priority(Priority::High);
        settings.validity(Duration::from_mins(61))
    };
    let numbers =
        |priority, validity| (Some(wire::Integer(priority)), Some(wire::Integer(validity)));
    assert_eq!(written(settings(), Dialect::V3), numbers(1, 61));
    assert_eq!(written(settings(), Dialect::Manual), numbers(3, 11));
    let short = with(Settings::new().validity(Duration::from_secs(59)));
    check_refused(&short, field::VALIDITY);
    let four_minutes = with(Settings::new().validity(Duration::from_mins(4)));
    check_refused_by(Dialect::Manual, &four_minutes, field::VALIDITY);
}

#[test]
fn windows_have_an_order_and_a_zone() {
    let window = |fields: [&str; 4]| {
        let [start_date, start_time, stop_date, stop_time] =
            fields.map(|text| (!text.is_empty()).then(|| text.to_owned()));
        let window = wire::SendWindow {
            start_date,
            stop_date,
            start_time,
            stop_time,
        };
        with(Settings::new().send_window(window))
    };
    check_taken(&window([
        "2026-03-21",
        "09:00:00",
        "2026-03-22",
        "17:00:00",
    ]));
    check_refused(&window(["", "09:00:00", "", ""]), field::START_DATE);
    check_refused(&window(["soon", "09:00:00", "", ""]), field::START_DATE);
    check_refused(&window(["2026-03-21", "9", "", ""]), field::START_TIME);
    check_refused(
        &window(["2026-03-21", "09:00:00", "2026-03-20", "17:00:00"]),
        field::STOP_DATE,
    );
    check_refused(
        &window(["2026-03-21", "09:00:00", "2026-03-21", "08:00:00"]),
        field::STOP_TIME,
    );
    let oslo = TimeZone::named("Europe/Oslo").unwrap();
    let days = "2026-03-28".parse().unwrap()..="2026-03-29".parse().unwrap();
    let times = ["09:00", "17:00"].map(|time| time.parse().unwrap());
    let over_the_change = Window::daily(days, times[0], times[1], &oslo).unwrap();
    let message = with(Settings::new().send_window(over_the_change));
    check_refused(&message, field::SEND_WINDOW);
}

#[test]
fn goods_have_five_digits() {
    let gas = |code: &str| with(Settings::new().gas(GasSettings::new(code))).price(200);
    check_taken(&gas("02001"));
    for code in ["", "2001", "020011", "0200a", "٠٢٠٠١"] {
        check_refused(&gas(code), field::SERVICE_CODE);
    }
}

#[test]
fn published_bounds_of_prices_are_warned_of_and_nothing_is_refused_for_them() {
    #[track_caller]
    fn check(price: u32, settings: Settings, expected: &[&str]) {
        let message = with(settings).price(price);
        check_taken(&message);
        let warnings = message.warnings();
        let fields: Vec<_> = warnings.iter().map(|warning| warning.field).collect();
        assert_eq!(fields, expected);
    }
    let gas = |code: &str| Settings::new().gas(GasSettings::new(code));
    let model = |name| Settings::new().parameter(Parameter::business_model(name));
    check(200, Settings::new(), &[]);
    check(50_000, gas("02001"), &[]);
    check(50_100, gas("02001"), &[field::PRICE]);
    check(0, gas("02001"), &[]);
    check(100_000, gas("06001"), &[]);
    check(200, gas("99999"), &[field::SERVICE_CODE]);
    check(100_000, model("DONATION"), &[]);
    check(50_100, model("VOTING"), &[field::PRICE]);
    check(50_100, model("our own"), &[]);
}

#[test]
fn one_message_goes_to_each_of_many_phones() {
    let message = Message::new(NORWEGIAN, "Hei")
        .client_reference("r")
        .price(200);
    let all = message.to_each([NORWEGIAN, SWEDISH]);
    assert_eq!(all[0].client_reference, None);
    let to = |message: &Message| message.to_wire(Dialect::V3, Encoding::Json).unwrap();
    assert_eq!(to(&all[1]).recipient.unwrap().0, SWEDISH);
    assert_eq!(to(&all[1]).content, to(&message).content);
}

#[test]
fn references_and_the_unexplained_price_have_their_place() {
    let message = Message::new(NORWEGIAN, "Hei").client_reference("");
    check_refused(&message, field::CLIENT_REFERENCE);
    let message = Message::new(NORWEGIAN, "Hei").price_xml("<price/>");
    message.to_wire(Dialect::V3, Encoding::Json).unwrap();
    let fault = message.to_wire(Dialect::V3, Encoding::Xml).unwrap_err();
    assert_eq!(fault.field, "priceXml");
}

#[test]
fn parameters_have_the_form_of_their_key() {
    let parameter = |parameter| with(Settings::new().parameter(parameter));
    #[track_caller]
    fn check(parameter: &Parameter, key: &str, value: &str) {
        assert_eq!((parameter.key(), parameter.value()), (key, value));
        check_taken(&with(Settings::new().parameter(parameter.clone())));
        let again = Parameter::other(key, value);
        check_taken(&with(Settings::new().parameter(again)));
    }
    check(
        &Parameter::business_model("STREX-PAYMENT"),
        "businessModel",
        "STREX-PAYMENT",
    );
    check(&Parameter::dcs(0xF5), "dcs", "F5");
    check(&Parameter::udh(&[5, 0, 3, 1, 2, 1]), "udh", "050003010201");
    check(&Parameter::pid(65), "pid", "65");
    check(&Parameter::flash(true), "flash", "true");
    check(
        &Parameter::parsing_type(ParsingType::AutoDetect),
        "parsing-type",
        "AUTO_DETECT",
    );
    check(
        &Parameter::skip_customer_report_delivery(true),
        "skip_customer_report_delivery",
        "true",
    );
    check(
        &Parameter::strex_verification_timeout(30),
        "strex_verification_timeout",
        "30",
    );
    for (option, word) in [
        (StrexSellOption::None, "none"),
        (StrexSellOption::Confirmation, "confirmation"),
        (StrexSellOption::Pin, "pin"),
    ] {
        let parameter = Parameter::strex_merchant_sell_option(option);
        check(&parameter, "strex_merchant_sell_option", word);
    }
    for (channel, word) in [
        (StrexChannel::Sms, "sms"),
        (StrexChannel::Ussd, "ussd"),
        (StrexChannel::Otp, "otp"),
    ] {
        check(
            &Parameter::strex_confirm_channel(channel),
            "strex_confirm_channel",
            word,
        );
    }
    check(
        &Parameter::strex_authorization_token("t"),
        "strex_authorization_token",
        "t",
    );
    check(&Parameter::other("my-key", ""), "my-key", "");
    // What the vendor's own client lets through, and more.
    for wrong in [
        Parameter::other("dcs", "000"),
        Parameter::other("dcs", "G0"),
        Parameter::other("udh", "050"),
        Parameter::udh(&[]),
        Parameter::udh(&[0; 141]),
        Parameter::pid(64),
        Parameter::pid(72),
        Parameter::other("pid", "+65"),
        Parameter::other("pid", ""),
        Parameter::other("flash", "yes"),
        Parameter::other("parsing-type", "auto"),
        Parameter::strex_verification_timeout(31),
        Parameter::other("strex_verification_timeout", "-1"),
        Parameter::other("strex_merchant_sell_option", "Pin"),
        Parameter::other("strex_confirm_channel", "mail"),
        Parameter::strex_authorization_token(""),
        Parameter::business_model(""),
        Parameter::other("business_model", "DONATION"),
        Parameter::other("parsing_type", "NONE"),
        Parameter::other("", "value"),
    ] {
        check_refused(&parameter(wrong), field::PARAMETER);
    }
    let twice = Settings::new()
        .parameter(Parameter::pid(65))
        .parameter(Parameter::pid(66));
    check_refused(&with(twice), field::PARAMETER);
}
