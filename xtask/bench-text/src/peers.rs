//! The other crates, each called the way its documentation shows. Called by `main`.
//!
//! Where an interface takes a `String`, the copy is part of the work, since a caller who keeps the text must make it.

use crate::Answer;
use huawei_modem::gsm_encoding::GsmMessageData;
use huawei_modem::pdu::MessageEncoding;
use smpp_codec::splitter::{EncodingType, MessageSplitter, SplitMode};
use sms_splitter::{SplitSms, SplitSmsResult};
use std::hint::black_box;

fn split(text: &str) -> SplitSmsResult {
    SplitSms::default().split(text.to_owned())
}

pub fn splitter_answer(text: &str) -> Option<Answer> {
    let result = split(text);
    let (encoding, octets) = if result.character_set == "GSM" {
        ("gsm7", 1)
    } else {
        ("ucs2", 2)
    };
    Some(Answer {
        encoding,
        parts: result
            .parts
            .iter()
            .map(|part| part.bytes / octets)
            .collect(),
    })
}

pub fn splitter_work(text: &str) {
    black_box(split(black_box(text)));
}

/// The coding is the caller's choice: GSM first, UCS-2 where that fails.
fn smpp(text: &str) -> Result<(Vec<Vec<u8>>, u8), String> {
    MessageSplitter::split(text.to_owned(), EncodingType::Gsm7Bit, SplitMode::Udh)
        .or_else(|_| MessageSplitter::split(text.to_owned(), EncodingType::Ucs2, SplitMode::Udh))
}

pub fn smpp_answer(text: &str) -> Option<Answer> {
    let (parts, coding) = smpp(text).ok()?;
    let header = if parts.len() > 1 { 6 } else { 0 };
    let (encoding, octets) = if coding == 0 {
        ("gsm7", 1)
    } else {
        ("ucs2", 2)
    };
    Some(Answer {
        encoding,
        parts: parts
            .iter()
            .map(|part| (part.len() - header) / octets)
            .collect(),
    })
}

pub fn smpp_work(text: &str) {
    black_box(smpp(black_box(text)).ok());
}

pub fn huawei_answer(text: &str) -> Option<Answer> {
    let parts = GsmMessageData::encode_message(text);
    let is_gsm = parts
        .iter()
        .all(|part| matches!(part.encoding(), MessageEncoding::Gsm7Bit));
    let several = parts.len() > 1;
    let units = |part: &GsmMessageData| {
        let length = usize::from(part.user_data_len());
        match (is_gsm, several) {
            (true, true) => length - 7,
            (true, false) => length,
            (false, true) => (length - 6) / 2,
            (false, false) => length / 2,
        }
    };
    Some(Answer {
        encoding: if is_gsm { "gsm7" } else { "ucs2" },
        parts: parts.iter().map(units).collect(),
    })
}

pub fn huawei_work(text: &str) {
    black_box(GsmMessageData::encode_message(black_box(text)));
}

pub fn gsm7_alt_answer(text: &str) -> Option<Answer> {
    Some(Answer {
        encoding: "gsm7",
        parts: vec![gsm7_alt::encoded_len(text).ok()?],
    })
}

pub fn gsm7_alt_work(text: &str) {
    black_box(gsm7_alt::encoded_len(black_box(text)).ok());
}

fn packed(text: &str) -> Option<Vec<u8>> {
    let mut writer = gsm7::Gsm7Writer::new(Vec::new());
    writer.write_str(text).ok()?;
    writer.into_writer().ok()
}

/// Its answer is packed; septets are counted back from the octets.
pub fn gsm7_answer(text: &str) -> Option<Answer> {
    Some(Answer {
        encoding: "gsm7",
        parts: vec![packed(text)?.len() * 8 / 7],
    })
}

pub fn gsm7_work(text: &str) {
    black_box(packed(black_box(text)));
}
