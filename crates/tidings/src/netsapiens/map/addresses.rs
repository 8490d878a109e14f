//! Who writes and who is written to: phone numbers, which the wire has as digits without a plus, and
//! users of the PBX, which stay as they are. Used by both halves.

use tidings_core::E164;

/// The number that a text of the wire is. Numbers come with and without a plus; ten digits that
/// North America's plan allows are one of its numbers. Anything shorter is an extension or a short
/// number.
pub fn phone(text: &str) -> Option<E164> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number =
        (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let has_plus = digits.len() < text.len();
    let written = match digits.len() {
        _ if has_plus => format!("+{digits}"),
        ..10 => return None,
        10 if is_north_american(digits) => format!("+1{digits}"),
        _ => format!("+{digits}"),
    };
    E164::parse_possible(&written, None).ok()
}

/// Three digits and seven, neither of which begins with 0 or 1.
fn is_north_american(ten_digits: &str) -> bool {
    let begins_well = |at: usize| {
        let first = ten_digits.as_bytes().get(at);
        first.is_some_and(|digit| (b'2'..=b'9').contains(digit))
    };
    begins_well(0) && begins_well(3)
}

/// A number with its plus, anything else as it is.
pub fn neutral(text: &str) -> String {
    match phone(text) {
        Some(number) => number.as_str().to_owned(),
        None => text.trim().to_owned(),
    }
}

/// A list of the wire, with commas between its entries, each as [`neutral`] has it.
pub fn neutral_list(text: &str) -> Vec<String> {
    let entries = text.split(',').map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
        .map(neutral)
        .collect()
}

/// The opposite of [`neutral`]: a number without its plus.
pub fn written(address: &str) -> &str {
    let digits = address.strip_prefix('+');
    match digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(digits) => digits,
        None => address,
    }
}

/// The opposite of [`neutral_list`].
pub fn written_list<T: AsRef<str>>(addresses: &[T]) -> String {
    let written: Vec<&str> = addresses.iter().map(|it| written(it.as_ref())).collect();
    written.join(",")
}
