//! Phone numbers on the wire: digits without a plus. Part of `map`.

use tidings_core::E164;

/// A number as it is written on the wire: digits with the country code, without a plus.
pub fn to_wire(number: &E164) -> &str {
    let text = number.as_str();
    text.strip_prefix('+').unwrap_or(text)
}

/// A number as clients and servers are known to write it: with a plus, without one, or the ten digits
/// of a North American number alone. `None` for what is no phone number, such as an extension.
///
/// ```
/// use tidings::netsapiens::map::number;
///
/// for text in ["15550101234", "+15550101234", "5550101234", "+1 (555) 010-1234"] {
///     assert_eq!(number::from_wire(text).unwrap().as_str(), "+15550101234");
/// }
/// assert_eq!(number::from_wire("200"), None);
/// ```
pub fn from_wire(text: &str) -> Option<E164> {
    let text = text.trim();
    if text.starts_with('+') {
        return E164::parse_possible(text, None).ok();
    }
    let digits = || text.bytes().filter(u8::is_ascii_digit);
    let is_dialled = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b" ()-.".contains(&byte));
    if !is_dialled {
        return None;
    }
    let prefix = match digits().count() {
        10 => "+1",
        _ => "+",
    };
    E164::parse_possible(&format!("{prefix}{text}"), None).ok()
}

/// Whether two texts name the same party: the same number in whatever form, or the same user.
pub fn is_same_party(one: &str, other: &str) -> bool {
    match (from_wire(one), from_wire(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.trim() == other.trim(),
    }
}
