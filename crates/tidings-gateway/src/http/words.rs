//! What readers of JSON and queries say of data, in words for people: without the names of our types, and without
//! what was sent, which could be a number or a text.
//!
//! Called by `body.rs` alone.

/// What is said of data in JSON.
pub(super) fn of_data(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    plain(said.strip_suffix(&place).unwrap_or(&said))
}

/// What is said of a query: the parameter, and what it should be.
pub(super) fn of_query(said: &str) -> String {
    match said.split_once(": ") {
        Some((parameter, said)) if is_name(parameter) => format!("{parameter}: {}", plain(said)),
        _ => plain(said),
    }
}

/// Whether a text is a name and can be repeated: it is none of a number, and none of a message.
pub(super) fn is_name(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-');
    (1..=40).contains(&text.len()) && text.bytes().all(is_sign)
}

fn plain(said: &str) -> String {
    let whole_numbers = [
        "invalid digit found in string",
        "cannot parse integer from empty string",
        "number too large to fit in target type",
        "number too small to fit in target type",
    ];
    if whole_numbers.contains(&said) {
        return "expected a whole number that is not too large".to_owned();
    }
    if said.starts_with("provided string was not") {
        return "expected true or false".to_owned();
    }
    if said.contains("untagged enum") {
        return "expected a text or a number".to_owned();
    }
    if let Some(field) = said.strip_prefix("duplicate field ") {
        return format!("{field} stands there twice");
    }
    let kinds = [
        "invalid type: ",
        "invalid value: ",
        "invalid length ",
        "unknown variant ",
    ];
    let is_of_values = kinds.iter().any(|kind| said.starts_with(kind));
    match said.rsplit_once("expected ") {
        Some((_, expected)) if is_of_values => format!("expected {}", expectation(expected)),
        _ if is_of_values => "the value has another form".to_owned(),
        _ => said.to_owned(),
    }
}

/// What was expected, as people call it.
fn expectation(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, not below 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string" | "a borrowed string" | "str" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("a tuple") || expected.starts_with("tuple ") => "a list",
        _ => expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_of_ours_and_no_value_is_repeated() {
        #[track_caller]
        fn check(said: &str, expected: &str) {
            assert_eq!(of_query(said), expected);
        }
        check(
            "limit: invalid digit found in string",
            "limit: expected a whole number that is not too large",
        );
        check(
            "allow_duplicates: provided string was not `true` or `false`",
            "allow_duplicates: expected true or false",
        );
        check(
            "invalid type: integer `4790000001`, expected a string",
            "expected a text",
        );
        check(
            "invalid length 1, expected struct MessageBody with 17 elements",
            "expected an object",
        );
        check(
            "invalid value: integer `300`, expected u8",
            "expected a whole number from 0 to 255",
        );
        check(
            "invalid type: string \"+47, expected\", expected u64",
            "expected a whole number, not below 0",
        );
        check(
            "unknown variant `x`, expected `low` or `high`",
            "expected `low` or `high`",
        );
        check(
            "data did not match any variant of untagged enum FieldValue",
            "expected a text or a number",
        );
        check("duplicate field `state`", "`state` stands there twice");
        check("missing field `to`", "missing field `to`");
    }
}
