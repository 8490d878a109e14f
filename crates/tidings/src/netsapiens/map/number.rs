//! Who writes and who is written to: phone numbers, which the wire has as digits without a plus, and
//! users of the PBX, which stay as they are. Part of `map`; used by both halves and for events.

use tidings_core::E164;

/// The digits of a North American number without its country code: whoever reads so many takes them for
/// that.
const NATIONAL_DIGITS: usize = 10;

/// A number as it is written on the wire: digits with the country code, without a plus. One of ten
/// digits, country code included, keeps its plus: it would be read as a number of North America.
///
/// ```
/// use tidings::E164;
/// use tidings::netsapiens::map::number;
///
/// assert_eq!(number::to_wire(&"+224622000001".parse()?), "224622000001");
/// assert_eq!(number::to_wire(&"+4741000001".parse()?), "+4741000001");
/// # Ok::<(), tidings::E164Error>(())
/// ```
pub fn to_wire(number: &E164) -> &str {
    written(number.as_str())
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
        NATIONAL_DIGITS => "+1",
        _ => "+",
    };
    E164::parse_possible(&format!("{prefix}{text}"), None).ok()
}

/// A number with its plus, anything else, such as a user of the PBX, as it is.
pub fn neutral(text: &str) -> String {
    match from_wire(text) {
        Some(number) => number.as_str().to_owned(),
        None => text.trim().to_owned(),
    }
}

/// The parties of a list of the wire, with commas between its entries, each as [`neutral`] has it.
pub fn neutral_list(text: &str) -> Vec<String> {
    entries(text).map(neutral).collect()
}

/// The opposite of [`neutral`]: a number as [`to_wire`] has it, anything else as it is.
pub fn written(party: &str) -> &str {
    let is_to_be_bare = |digits: &&str| {
        digits.len() != NATIONAL_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let digits = party.strip_prefix('+').filter(is_to_be_bare);
    digits.unwrap_or(party)
}

/// The opposite of [`neutral_list`].
pub fn written_list<T: AsRef<str>>(parties: &[T]) -> String {
    let written: Vec<&str> = parties.iter().map(|it| written(it.as_ref())).collect();
    written.join(",")
}

/// A number as the wire has it, from whatever form; anything else as it is.
pub fn canonical(text: &str) -> String {
    written(&neutral(text)).to_owned()
}

/// The entries of a list of the wire, which has commas between them.
pub fn entries(list: &str) -> impl Iterator<Item = &str> {
    let entries = list.split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty())
}

/// Whether two texts name the same party: the same number in whatever form, or the same user. Ten
/// digits may be a North American number or a whole one of a country with short numbers, so both are
/// tried.
pub fn is_same_party(one: &str, other: &str) -> bool {
    let (one, other) = (digits(one), digits(other));
    let is_north_american = |short: &str, long: &str| {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        short.len() == 10 && is_number(short) && long.strip_prefix('1') == Some(short)
    };
    one == other || is_north_american(&one, &other) || is_north_american(&other, &one)
}

/// A dialled number without all that is no digit; anything else as it is.
fn digits(text: &str) -> String {
    let text = text.trim();
    let is_digit = |character: &char| character.is_ascii_digit();
    let is_dialled = |character: char| is_digit(&character) || " ()-.+".contains(character);
    if text.chars().all(is_dialled) {
        text.chars().filter(is_digit).collect()
    } else {
        text.to_owned()
    }
}
