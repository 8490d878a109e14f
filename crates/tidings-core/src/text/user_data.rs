//! The octets of one part as they go over the air: header, fill bits, packed text (TP-UD, TS 23.040 clause 9.2.3.24).
//!
//! Called through [`Plan::user_data`]. Protocols that carry text instead of octets do not need it.

use super::udh::{self, Element};
use super::{ConcatenationReference, Encoding, Plan, gsm7, ucs2};
use std::fmt;

/// The user data of one part. Its `Debug` shows lengths only, since the octets are the text.
#[derive(Clone, PartialEq, Eq)]
pub struct UserData {
    octets: Vec<u8>,
    header_octets: usize,
    units: usize,
    encoding: Encoding,
}

impl UserData {
    /// TP-UD: the header, where there is one, and the encoded text. At most 140 octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The header with its length octet; empty where the text needs none. With a header the TP-UDHI bit (in SMPP the UDHI bit of
    /// `esm_class`) must be set.
    pub fn header(&self) -> &[u8] {
        self.octets.get(..self.header_octets).unwrap_or_default()
    }

    /// TP-UDL: septets, header and fill bits included, or octets (TS 23.040 clause 9.2.3.16).
    pub const fn length(&self) -> usize {
        match self.encoding {
            Encoding::Gsm7 => (self.header_octets * 8).div_ceil(7) + self.units,
            Encoding::Ucs2 => self.octets.len(),
        }
    }

    /// TP-DCS for a message of no class: 0 for septets, 8 for UCS2 (TS 23.038 clause 4).
    pub const fn data_coding(&self) -> u8 {
        match self.encoding {
            Encoding::Gsm7 => 0x00,
            Encoding::Ucs2 => 0x08,
        }
    }
}

/// Lengths only: a text never reaches a log.
impl fmt::Debug for UserData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UserData")
            .field("encoding", &self.encoding)
            .field("octets", &self.octets.len())
            .field("header_octets", &self.header_octets)
            .finish_non_exhaustive()
    }
}

pub(super) fn build(plan: &Plan<'_>, index: usize, reference: u16) -> Option<UserData> {
    let part = plan.parts().get(index)?;
    let text = plan.text().get(part.range())?;
    let mut octets = header(plan, index, reference)?;
    let header_octets = octets.len();
    match plan.encoding() {
        Encoding::Gsm7 => {
            let septets = gsm7::encode(text, plan.shift_tables()).ok()?;
            octets.extend(gsm7::pack(&septets, gsm7::fill_bits(header_octets)));
        }
        Encoding::Ucs2 => octets.extend(ucs2::encode(text)),
    }
    Some(UserData {
        octets,
        header_octets,
        units: part.units,
        encoding: plan.encoding(),
    })
}

/// The header of a part; empty where it is the only one and written without national tables.
fn header(plan: &Plan<'_>, index: usize, reference: u16) -> Option<Vec<u8>> {
    let total = u8::try_from(plan.n_parts()).ok()?;
    let sequence = u8::try_from(index + 1).ok()?;
    let concatenation = (total > 1).then(|| match plan.reference() {
        ConcatenationReference::EightBit => {
            let [_, reference] = reference.to_be_bytes();
            Element::Concatenation8 {
                reference,
                total,
                sequence,
            }
        }
        ConcatenationReference::SixteenBit => Element::Concatenation16 {
            reference,
            total,
            sequence,
        },
    });
    let tables = plan.shift_tables();
    let shifts = [
        tables.single.map(Element::SingleShift),
        tables.locking.map(Element::LockingShift),
    ];
    let elements: Vec<_> = concatenation
        .into_iter()
        .chain(shifts.into_iter().flatten())
        .collect();
    if elements.is_empty() {
        Some(Vec::new())
    } else {
        udh::build(&elements).ok()
    }
}
