//! Octets: packing, headers, user data, both alphabets.

use crate::text::ucs2::Ucs2Error;
use crate::text::udh::{Element, HeaderError};
use crate::text::{
    ConcatenationReference, Language, NationalLanguages, Policy, ShiftTables, gsm7, plan, ucs2, udh,
};

fn packed(text: &str) -> Vec<u8> {
    gsm7::pack(&gsm7::encode(text, ShiftTables::NONE).unwrap(), 0)
}

#[test]
fn fill_bits_of_whole_octets_are_octets() {
    let packed = gsm7::pack(b"hello", 3);
    assert_eq!(
        gsm7::pack(b"hello", 19),
        [&[0, 0], packed.as_slice()].concat()
    );
    assert_eq!(gsm7::unpack(&gsm7::pack(b"hello", 19), 5, 19), b"hello");
}

#[test]
fn packing_is_the_standard_s() {
    assert_eq!(
        packed("hellohello"),
        [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]
    );
    assert!(packed("").is_empty());
    assert_eq!(packed("@"), [0]);
}

/// Seven characters leave seven bits, which would read as an eighth, an `@`.
#[test]
fn seven_spare_bits_hold_a_carriage_return() {
    let octets = packed("1234567");
    assert_eq!(octets, [0x31, 0xD9, 0x8C, 0x56, 0xB3, 0xDD, 0x1A]);
    assert_eq!(gsm7::unpack(&octets, 8, 0), b"1234567\r");
    assert_eq!(gsm7::unpack(&octets, 7, 0), b"1234567");
    assert_eq!(gsm7::unpack_padded(&octets, 0), b"1234567");
    // Eight characters fill the octets; nothing is taken away.
    assert_eq!(gsm7::unpack_padded(&packed("12345678"), 0), b"12345678");
    // After fill bits the rule counts them: 1 + 6 * 7 + 5 bits is no case of it, 1 + 8 * 7 is.
    assert_eq!(gsm7::pack(b"12345678", 1).len(), 8);
    assert_eq!(
        gsm7::unpack_padded(&gsm7::pack(b"12345678", 1), 1),
        b"12345678"
    );
}

#[test]
fn unpacking_reads_no_further_than_the_octets() {
    assert!(gsm7::unpack(&[], 5, 0).is_empty());
    assert_eq!(gsm7::unpack(&[0xFF], 5, 0), [0x7F]);
    assert!(gsm7::unpack(&[0xFF], 5, 6).is_empty());
    assert!(gsm7::unpack(&[0xFF], 5, 100).is_empty());
}

#[test]
fn every_character_of_every_table_round_trips() {
    let languages = Language::ALL.map(Some);
    let each = || [None].into_iter().chain(languages);
    for (single, locking) in each().flat_map(|single| each().map(move |locking| (single, locking)))
    {
        let mut tables = ShiftTables::NONE;
        tables = single.map_or(tables, |language| tables.with_single(language));
        tables = locking.map_or(tables, |language| tables.with_locking(language));
        let basic: Vec<u8> = (0..0x80).filter(|septet| *septet != gsm7::ESCAPE).collect();
        let text = gsm7::decode(&basic, tables);
        assert_eq!(text.chars().count(), 127);
        assert_eq!(gsm7::encode(&text, tables).unwrap(), basic, "{tables:?}");
        for septet in basic {
            let text = gsm7::decode(&[gsm7::ESCAPE, septet], tables);
            let encoded = gsm7::encode(&text, tables).unwrap_or_default();
            // Without an entry the basic table's character is shown; with one it is reached by the escape, unless one septet does.
            assert!(
                encoded == [gsm7::ESCAPE, septet] || encoded.len() == 1,
                "{tables:?} {septet:#x}"
            );
        }
    }
}

/// Letters at places that are easily got wrong, from the tables of TS 23.038 annex A.
#[test]
fn national_letters_have_the_standard_s_septets() {
    let check = |text: &str, tables: ShiftTables, septets: &[u8]| {
        assert_eq!(gsm7::encode(text, tables).unwrap(), septets, "{text}");
        assert_eq!(gsm7::decode(septets, tables), text);
    };
    let none = ShiftTables::NONE;
    check(
        "çÇğ€",
        none.with_single(Language::Turkish),
        &[0x1B, 0x63, 0x09, 0x1B, 0x67, 0x1B, 0x65],
    );
    check(
        "ıŞ€ç",
        none.with_locking(Language::Turkish),
        &[0x07, 0x1C, 0x04, 0x60],
    );
    check(
        "çÁú",
        none.with_single(Language::Spanish),
        &[0x1B, 0x09, 0x1B, 0x41, 0x1B, 0x75],
    );
    check(
        "êâÊ",
        none.with_single(Language::Portuguese),
        &[0x1B, 0x05, 0x1B, 0x7F, 0x1B, 0x1F],
    );
    check(
        "ê∞|º`~",
        none.with_locking(Language::Portuguese),
        &[0x04, 0x15, 0x1A, 0x24, 0x7D, 0x60],
    );
}

#[test]
fn unknown_escapes_read_as_the_standard_says() {
    let decode = |septets: &[u8]| gsm7::decode(septets, ShiftTables::NONE);
    assert_eq!(decode(&[gsm7::ESCAPE, b'A']), "A");
    assert_eq!(decode(&[gsm7::ESCAPE, gsm7::ESCAPE, b'A']), " A");
    assert_eq!(decode(&[b'A', gsm7::ESCAPE]), "A ");
    assert_eq!(decode(&[gsm7::ESCAPE, 0x65]), "€");
    assert_eq!(decode(&[0x80 | b'A']), "A");
}

#[test]
fn encoding_names_the_first_character_outside() {
    assert_eq!(
        gsm7::encode("é€ç", ShiftTables::NONE).unwrap_err().position,
        5
    );
    assert!(gsm7::encode("\u{1b}", ShiftTables::NONE).is_err());
    assert!(gsm7::encode("€", ShiftTables::NONE.with_single(Language::Turkish)).is_ok());
}

#[test]
fn utf_16_refuses_halves() {
    assert_eq!(ucs2::encode("ж😀"), [0x04, 0x36, 0xD8, 0x3D, 0xDE, 0x00]);
    assert_eq!(
        ucs2::decode(&[0x04, 0x36, 0xD8, 0x3D, 0xDE, 0x00]).unwrap(),
        "ж😀"
    );
    assert_eq!(ucs2::decode(&[0x04]), Err(Ucs2Error::OddLength));
    assert_eq!(
        ucs2::decode(&[0x04, 0x36, 0xD8, 0x3D]),
        Err(Ucs2Error::LoneSurrogate { index: 1 })
    );
    assert_eq!(
        ucs2::decode(&[0xD8, 0x3D, 0xDE, 0x00, 0xDE, 0x00]),
        Err(Ucs2Error::LoneSurrogate { index: 2 })
    );
}

#[test]
fn headers_are_built_and_read() {
    let elements = [
        Element::Concatenation16 {
            reference: 0x1234,
            total: 3,
            sequence: 2,
        },
        Element::SingleShift(Language::Turkish),
        Element::LockingShift(Language::Portuguese),
        Element::Other {
            identifier: 0x05,
            data: vec![0x0B, 0x84, 0x23, 0xF0],
        },
    ];
    let octets = udh::build(&elements).unwrap();
    let expected = [
        18, 0x08, 4, 0x12, 0x34, 3, 2, 0x24, 1, 1, 0x25, 1, 3, 0x05, 4, 0x0B, 0x84, 0x23, 0xF0,
    ];
    assert_eq!(octets, expected);
    assert_eq!(udh::parse(&octets).unwrap(), (elements.to_vec(), 19));
    assert_eq!(udh::parse(&[0, 0xFF]).unwrap(), (vec![], 1));
}

#[test]
fn elements_that_break_their_own_rules_are_kept_as_they_are() {
    let other = |identifier, data: &[u8]| Element::Other {
        identifier,
        data: data.to_vec(),
    };
    for (octets, element) in [
        (&[5, 0, 3, 7, 0, 1][..], other(0, &[7, 0, 1])),
        (&[5, 0, 3, 7, 2, 3], other(0, &[7, 2, 3])),
        (&[5, 0, 3, 7, 2, 0], other(0, &[7, 2, 0])),
        (&[4, 0, 2, 7, 2], other(0, &[7, 2])),
        (&[3, 0x24, 1, 99], other(0x24, &[99])),
        (&[3, 0x25, 1, 2], other(0x25, &[2])),
    ] {
        assert_eq!(udh::parse(octets).unwrap(), (vec![element], octets.len()));
    }
}

#[test]
fn broken_headers_are_refused() {
    assert_eq!(udh::parse(&[]), Err(HeaderError::Truncated));
    assert_eq!(udh::parse(&[5, 0, 3, 7]), Err(HeaderError::Truncated));
    assert_eq!(udh::parse(&[1, 0]), Err(HeaderError::ElementTruncated));
    assert_eq!(
        udh::parse(&[4, 0, 3, 7, 2]),
        Err(HeaderError::ElementTruncated)
    );
    let long = Element::Other {
        identifier: 0x70,
        data: vec![0; 254],
    };
    assert_eq!(udh::build(&[long]), Err(HeaderError::TooLong));
}

#[test]
fn user_data_of_one_part_has_no_header() {
    let hello = plan("hellohello", &Policy::default()).unwrap();
    let data = hello.user_data(0, 0xABCD).unwrap();
    assert_eq!(
        (data.header(), data.length(), data.data_coding()),
        (&[][..], 10, 0)
    );
    assert_eq!(
        data.octets(),
        [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]
    );
    assert_eq!(hello.user_data(1, 0xABCD), None);
}

#[test]
fn user_data_of_several_parts_fills_the_message() {
    let text = "a".repeat(161);
    let octets_of = |reference| {
        let plan = plan(&text, &Policy::default().reference(reference)).unwrap();
        plan.user_data(0, 0x12A5).unwrap()
    };
    let eight = octets_of(ConcatenationReference::EightBit);
    assert_eq!(
        (eight.header(), eight.length(), eight.octets().len()),
        (&[5, 0, 3, 0xA5, 2, 1][..], 160, 140)
    );
    let sixteen = octets_of(ConcatenationReference::SixteenBit);
    assert_eq!(sixteen.header(), [6, 8, 4, 0x12, 0xA5, 2, 1]);
    assert_eq!((sixteen.length(), sixteen.octets().len()), (160, 140));

    let emoji = "😀".repeat(36);
    let plan = plan(&emoji, &Policy::default()).unwrap();
    let data = plan.user_data(1, 1).unwrap();
    assert_eq!(
        (data.header(), data.length(), data.data_coding()),
        (&[5, 0, 3, 1, 2, 2][..], 18, 8)
    );
    assert_eq!(data.octets().get(6..).unwrap(), ucs2::encode("😀😀😀"));
}

#[test]
fn user_data_announces_national_tables() {
    let policy = Policy::default().national(NationalLanguages::NONE.with_single(Language::Turkish));
    let plan = plan("ğ", &policy).unwrap();
    let data = plan.user_data(0, 0).unwrap();
    assert_eq!(data.header(), [3, 0x24, 1, 1]);
    // 32 bits of header, 3 fill bits, the escape and 0x67: 49 bits.
    assert_eq!((data.octets().len(), data.length()), (7, 7));
    assert_eq!(
        gsm7::unpack(data.octets().get(4..).unwrap(), 2, gsm7::fill_bits(4)),
        [gsm7::ESCAPE, 0x67]
    );
}
