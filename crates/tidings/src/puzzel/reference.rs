//! The names that the client makes for batches: unique, and each says how many messages it was made
//! for.
//!
//! Called by `client.rs` before a call that sends, and by `submit.rs`, which may stop, repeat or judge
//! a batch as a whole only when it knows that nothing else is in it.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use tidings_core::ClientRef;

/// Makes names of batches, all different. They look like those that the gateway makes, random UUIDs
/// (RFC 9562, version 4), with the number of messages behind a dot:
/// `5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.1`.
pub(super) struct BatchNames(Mutex<fastrand::Rng>);

impl BatchNames {
    pub(super) fn new(random: fastrand::Rng) -> Self {
        Self(Mutex::new(random))
    }

    /// A new name for a batch of so many messages.
    pub(super) fn next(&self, n_messages: usize) -> String {
        let random = {
            let mut generator = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            generator.u128(..)
        };
        let mut name = String::with_capacity(42);
        // Digit by digit: formatting the number as a whole costs more than all the rest.
        for (position, byte) in random.to_be_bytes().into_iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                name.push('-');
            }
            // The two digits that say which kind of UUID it is.
            let byte = match position {
                6 => 0x40 | byte & 0x0f,
                8 => 0x80 | byte & 0x3f,
                _ => byte,
            };
            for digit in [byte >> 4, byte & 0x0f] {
                name.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        write!(name, ".{n_messages}").expect("writing into a string does not fail");
        name
    }
}

/// The name of the batch that a message travels in alone where the gateway checks for duplicates.
/// It follows from the message's own name, so that it is known even when the program that sent the
/// message has died. A reference that would be too long for the gateway with its ending goes without.
pub(super) fn of_one(reference: &ClientRef) -> String {
    let name = format!("{reference}.1");
    if name.len() > ClientRef::MAX_LENGTH {
        return reference.as_str().to_owned();
    }
    name
}

/// Whether a batch was made for one message, which has this name where it is known.
pub(super) fn is_of_one(batch: &str, reference: Option<&ClientRef>) -> bool {
    made_for(batch) == Some(1) || reference.is_some_and(|reference| batch == of_one(reference))
}

/// For how many messages this client, or another one of this library, drew a name. `None` for names
/// that it did not draw.
pub(super) fn made_for(name: &str) -> Option<u64> {
    let (uuid, count) = name.split_once('.')?;
    let is_uuid = uuid.len() == 36
        && uuid
            .bytes()
            .enumerate()
            .all(|(position, byte)| match position {
                8 | 13 | 18 | 23 => byte == b'-',
                14 => byte == b'4',
                19 => b"89ab".contains(&byte),
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
    let is_number = !count.starts_with('0') && count.bytes().all(|byte| byte.is_ascii_digit());
    (is_uuid && is_number).then(|| count.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use tidings_core::ClientRef;

    use super::{BatchNames, is_of_one, made_for, of_one};

    #[test]
    fn a_batch_of_one_message_is_known_by_the_name_of_the_message() {
        let order = ClientRef::new("order-1").unwrap();
        assert_eq!(of_one(&order), "order-1.1");
        assert!(is_of_one("order-1.1", Some(&order)));
        assert!(!is_of_one("order-1.1", None));
        assert!(!is_of_one("order-2.1", Some(&order)));
        let drawn = "5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.1";
        assert!(is_of_one(drawn, None) && is_of_one(drawn, Some(&order)));
        let longest = ClientRef::new("x".repeat(ClientRef::MAX_LENGTH)).unwrap();
        assert_eq!(of_one(&longest), longest.as_str());
        assert!(is_of_one(longest.as_str(), Some(&longest)));
    }

    #[test]
    fn names_are_different_and_tell_for_how_many_they_were_made() {
        let names = BatchNames::new(fastrand::Rng::with_seed(1));
        let made: std::collections::HashSet<String> =
            (0..1000).map(|n| names.next(n + 1)).collect();
        assert_eq!(made.len(), 1000);
        let mut counts: Vec<u64> = made.iter().map(|name| made_for(name).unwrap()).collect();
        counts.sort_unstable();
        assert!(counts.into_iter().eq(1..=1000));
    }

    #[test]
    fn names_of_others_tell_nothing() {
        #[track_caller]
        fn check(name: &str, expected: Option<u64>) {
            assert_eq!(made_for(name), expected, "{name}");
        }
        check("5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.1", Some(1));
        check("5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.100", Some(100));
        check("5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11", None);
        check("5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.", None);
        check("5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.0", None);
        check("5f0c1f0e-8a53-4c1e-9b0e-3d8f5d1f0a11.+1", None);
        check("5f0c1f0e-8a53-1c1e-9b0e-3d8f5d1f0a11.1", None);
        check("5F0C1F0E-8A53-4C1E-9B0E-3D8F5D1F0A11.1", None);
        check("spring.1", None);
        check("", None);
        check(".1", None);
    }
}
