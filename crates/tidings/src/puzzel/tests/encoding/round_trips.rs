//! What is written is read back as the same, in every form; what is written as XML agrees with the
//! vendor's schema; and no bytes make a reader panic.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde::de::DeserializeOwned;

use super::{documents, schema};
use crate::puzzel::encoding::{self, Document, Encoding};
use crate::puzzel::wire;

const FORMS: &[Encoding] = &[Encoding::Json, Encoding::Xml, Encoding::Form];

/// All documents come as JSON and XML; only calls that send come in the other forms.
const FORMS_OF_ANSWERS: &[Encoding] = &[Encoding::Json, Encoding::Xml];

fn comes_back<T: Document + DeserializeOwned + PartialEq + Debug>(
    forms: &[Encoding],
    document: &T,
) -> Result<(), TestCaseError> {
    for &form in forms {
        let bytes = encoding::write(form, document).unwrap();
        let read = encoding::read::<T>(form, &bytes);
        prop_assert_eq!(read.as_ref(), Ok(document), "{:?}", form);
    }
    Ok(())
}

/// What was read from any bytes can be written and read again.
fn settles<T: Document + DeserializeOwned + PartialEq + Debug>(
    forms: &[Encoding],
    bytes: &[u8],
) -> Result<(), TestCaseError> {
    for &form in forms {
        if let Ok(document) = encoding::read::<T>(form, bytes) {
            let written = encoding::write(form, &document).unwrap();
            let again = encoding::read::<T>(form, &written);
            prop_assert_eq!(again, Ok(document), "{:?}", form);
        }
    }
    Ok(())
}

fn all_settle(bytes: &[u8]) -> Result<(), TestCaseError> {
    settles::<wire::GatewayRequest>(FORMS, bytes)?;
    settles::<wire::GatewayResponse>(FORMS_OF_ANSWERS, bytes)?;
    settles::<wire::BatchListResponse>(FORMS_OF_ANSWERS, bytes)?;
    settles::<wire::BatchSingleResponse>(FORMS_OF_ANSWERS, bytes)?;
    settles::<wire::StopBatchResponse>(FORMS_OF_ANSWERS, bytes)?;
    settles::<wire::BareStatus>(FORMS_OF_ANSWERS, bytes)?;
    settles::<wire::Fault>(FORMS_OF_ANSWERS, bytes)?;
    // Members that it does not describe may have any name, which XML cannot always write.
    let problem = encoding::read::<wire::ProblemDetails>(Encoding::Json, bytes);
    for &form in FORMS {
        drop(encoding::read::<wire::ProblemDetails>(form, bytes));
        if let Ok(problem) = &problem {
            drop(encoding::write(form, problem));
        }
    }
    Ok(())
}

/// Bytes that come a long way into the readers: the pieces of documents, in any order.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let json = "[\\[\\]{}:,\"a-z0-9]{0,12}|\"message\":|\"settings\":|\"parameter\":|\"key\":|\"price\":|null|1e9";
    let xml = "<[a-z/]{0,6}>?|<request>|</request>|<message>|</message>|<price>1</price>|&[a-z#0-9]{0,4};|<!\\[CDATA\\[";
    let form = "[a-zA-Z0-9.%=&+]{0,8}|message\\[[0-9]{0,3}\\]\\.|settings\\.|parameter\\[0\\]\\.|price=|&|=";
    let piece = prop_oneof![json, xml, form];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_that_sends_comes_back_in_every_form(request in documents::request()) {
        comes_back(FORMS, &request)?;
        let query = encoding::write_query(&request);
        prop_assert_eq!(encoding::read_query(&query), Ok(request));
    }

    #[test]
    fn answers_come_back_in_every_form(
        response in documents::response(),
        list in documents::batch_list(),
        single in documents::single_batch(),
        stop in documents::stop(),
    ) {
        comes_back(FORMS_OF_ANSWERS, &response)?;
        comes_back(FORMS_OF_ANSWERS, &list)?;
        comes_back(FORMS_OF_ANSWERS, &single)?;
        comes_back(FORMS_OF_ANSWERS, &stop)?;
    }

    #[test]
    fn failures_come_back_in_every_form(
        code in proptest::option::of(any::<i32>()), text in proptest::option::of(documents::text()),
    ) {
        let code = code.map(|code| wire::Integer(code.into()));
        comes_back(FORMS_OF_ANSWERS, &wire::Fault { code, reason: text.clone() })?;
        comes_back(FORMS_OF_ANSWERS, &wire::BareStatus { status_code: code, status_message: text.clone() })?;
        comes_back(FORMS_OF_ANSWERS, &wire::ProblemDetails { status: code, detail: text, ..wire::ProblemDetails::default() })?;
    }

    #[test]
    fn xml_agrees_with_the_schema(
        request in documents::request(),
        response in documents::response(),
        code in any::<i32>(),
        reason in documents::text(),
    ) {
        schema::check(&schema::REQUEST, &encoding::write(Encoding::Xml, &request).unwrap());
        schema::check(&schema::RESPONSE, &encoding::write(Encoding::Xml, &response).unwrap());
        let fault = wire::Fault { code: Some(wire::Integer(code.into())), reason: Some(reason) };
        schema::check(&schema::FAULT, &encoding::write(Encoding::Xml, &fault).unwrap());
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        all_settle(&bytes)?;
        all_settle(text.as_bytes())?;
        drop(encoding::read_query(&text));
    }

    #[test]
    fn no_pieces_make_a_reader_panic(bytes in pieces()) {
        all_settle(&bytes)?;
        drop(encoding::read_query(&String::from_utf8_lossy(&bytes)));
    }

    /// Every byte of a right document in turn gone wrong.
    #[test]
    fn a_damaged_document_makes_no_reader_panic(
        request in documents::request(), position in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        for &form in FORMS {
            let mut bytes = encoding::write(form, &request).unwrap().to_vec();
            let position = position.index(bytes.len());
            bytes[position] = byte;
            all_settle(&bytes)?;
            all_settle(&bytes[..position])?;
        }
    }
}
