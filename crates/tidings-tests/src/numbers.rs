//! Phone numbers that a provider serves, whichever countries those are.
//!
//! Made by the behaviour suite, which knows a provider's calling codes and nothing else of it. Whether a
//! provider takes them is not known here.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};
use tidings::{Capabilities, E164};

/// Where nothing else is asked for: Guinea, and some countries whose numbers are of other lengths.
const USUAL: u16 = 224;
const OTHERS: [u16; 6] = [1, 20, 44, 47, 86, 244];

/// How many digits at the end of an example number are counted up.
const COUNTED: usize = 4;

/// Mobile numbers of one country, counted from 0 to 9999.
#[derive(Clone, Debug)]
pub struct PhoneNumbers {
    stem: String,
}

impl PhoneNumbers {
    /// Numbers that a provider with these capabilities serves.
    ///
    /// # Panics
    /// When it serves a calling code that no country has.
    pub fn served(capabilities: &Capabilities) -> Self {
        Self::of(*capabilities.calling_codes.first().unwrap_or(&USUAL))
    }

    /// Numbers of several countries that a provider serves.
    ///
    /// # Panics
    /// As [`Self::served`].
    pub fn of_countries(capabilities: &Capabilities) -> Vec<Self> {
        let codes = match capabilities.calling_codes {
            [] => &OTHERS[..],
            served => served,
        };
        codes.iter().copied().map(Self::of).collect()
    }

    /// Numbers of a country that a provider does not serve; `None` where it serves all.
    pub fn elsewhere(capabilities: &Capabilities) -> Option<Self> {
        let served = capabilities.calling_codes;
        let other = OTHERS.into_iter().find(|code| !served.contains(code));
        other.filter(|_| !served.is_empty()).map(Self::of)
    }

    /// Numbers of a calling code: what its numbering plan has as an example of a mobile number, with
    /// other digits at its end.
    fn of(calling_code: u16) -> Self {
        let number = example(calling_code).unwrap_or_else(|| {
            panic!("no country with the calling code {calling_code} has mobile numbers")
        });
        let text = number.format_as(PhoneNumberFormat::E164).into_owned();
        let stem = text.len().saturating_sub(COUNTED);
        let stem = text.get(..stem).expect("a number is ASCII").to_owned();
        Self { stem }
    }

    /// The number with this place in the count.
    ///
    /// # Panics
    /// When the count does not go so far.
    pub fn number(&self, place: usize) -> E164 {
        assert!(place < 10_usize.pow(4), "there are ten thousand numbers");
        let text = format!("{}{place:0COUNTED$}", self.stem);
        E164::parse_possible(&text, None).expect("as long as an example of the plan")
    }
}

fn example(calling_code: u16) -> Option<PhoneNumber> {
    let regions = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(calling_code.into())?;
    regions.into_iter().find_map(|region| {
        let found = PHONE_NUMBER_UTIL
            .get_example_number_for_type_and_region(region, PhoneNumberType::Mobile);
        found.ok()
    })
}
