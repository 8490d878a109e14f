//! Who writes and who is written to: phone numbers, which the wire has as digits without a plus, and
//! users of the PBX, which stay as they are. Used for events.

use super::number;

/// A number with its plus, anything else as it is.
pub fn neutral(text: &str) -> String {
    match number::from_wire(text) {
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
