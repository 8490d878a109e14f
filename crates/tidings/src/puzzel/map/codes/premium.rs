//! What belongs to messages that the recipient pays for: business models, codes of goods and
//! services, ages. Part of `codes`, which exports it.
//!
//! Bounds of prices are those that were published; they change over time, so they serve for warnings
//! and not for refusals.

use std::ops::RangeInclusive;

/// A way in which a recipient is billed: the value of the parameter `businessModel`. The list is open:
/// operators have values of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusinessModel {
    /// The value on the wire.
    pub name: &'static str,
    /// The largest price, in the smallest unit of the currency; the smallest is 100.
    pub maximum_price: i64,
}

impl BusinessModel {
    /// The prices that were published for it, in the smallest unit of the currency.
    pub fn prices(&self) -> RangeInclusive<i64> {
        MINIMUM_PRICE..=self.maximum_price
    }
}

/// The smallest price of everything that has one.
const MINIMUM_PRICE: i64 = 100;

const fn model(name: &'static str, maximum_price: i64) -> BusinessModel {
    BusinessModel {
        name,
        maximum_price,
    }
}

/// The business models of the vendor's clients, with the bounds of its documents on direct payment.
pub static BUSINESS_MODELS: &[BusinessModel] = &[
    model("STREX-PAYMENT", 100_000),
    model("TRANSPORT", 100_000),
    model("DONATION", 100_000),
    model("MEDIA", 100_000),
    model("INFORMATIONSERVICES", 50_000),
    model("AUTOMATICNUMBERDIRECTORYSERVICE", 50_000),
    model("MOBILECONTENTSERVICES", 50_000),
    model("MOBILECONTENTSERVICES18+", 50_000),
    model("ALERTSERVICES", 50_000),
    model("VOTING", 50_000),
];

/// A business model by its value on the wire; `None` for one that is not listed, which may well exist.
pub fn business_model(name: &str) -> Option<&'static BusinessModel> {
    BUSINESS_MODELS.iter().find(|model| model.name == name)
}

/// How old a recipient may have to be: not at all, 16 or 18.
pub const AGES: [i64; 3] = [0, 16, 18];

/// What a recipient who pays is buying: `gasSettings.serviceCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceCode {
    /// Five digits, leading zeros included.
    pub code: &'static str,
    /// What is bought.
    pub name: &'static str,
    /// The largest price, in the smallest unit of the currency; the smallest is 100.
    pub maximum_price: i64,
}

impl ServiceCode {
    /// The prices that were published for it, in the smallest unit of the currency.
    pub fn prices(&self) -> RangeInclusive<i64> {
        MINIMUM_PRICE..=self.maximum_price
    }

    /// Whether it stands for a whole group of codes rather than for one thing.
    pub fn is_group(&self) -> bool {
        self.code.ends_with("000")
    }
}

const fn low(code: &'static str, name: &'static str) -> ServiceCode {
    ServiceCode {
        code,
        name,
        maximum_price: 50_000,
    }
}

const fn high(code: &'static str, name: &'static str) -> ServiceCode {
    ServiceCode {
        code,
        name,
        maximum_price: 100_000,
    }
}

/// All codes of goods and services that the vendor lists (its manual, 2020), by ascending number.
pub static SERVICE_CODES: &[ServiceCode] = &[
    low("01000", "mobile internet"),
    low("01001", "mobile internet"),
    low("02000", "communication"),
    low("02001", "SMS"),
    low("02002", "MMS"),
    low("02003", "instant messaging"),
    low("02004", "e-mail"),
    low("03000", "content"),
    low("03001", "ringtone"),
    low("03002", "music"),
    low("03003", "game"),
    low("03004", "picture"),
    low("03005", "audio streaming, single"),
    low("03006", "audio streaming, subscription"),
    low("03007", "video"),
    low("03008", "video streaming, single"),
    low("03009", "video streaming, subscription"),
    low("03010", "chat"),
    low("03011", "community"),
    low("03012", "competition"),
    low("04000", "information"),
    low("04001", "directory"),
    low("04002", "television and radio"),
    low("04003", "directory 1881 at a special price"),
    high("05000", "culture"),
    high("05001", "theatre"),
    high("05002", "cinema"),
    high("05003", "concert"),
    high("05004", "book"),
    high("05005", "audio book"),
    high("05006", "film"),
    high("05007", "music on CD"),
    high("05008", "newspaper"),
    high("05009", "magazine"),
    high("05010", "event"),
    high("06000", "transport"),
    high("06001", "train"),
    high("06002", "bus"),
    high("06003", "metro and tram"),
    high("06004", "taxi"),
    high("06005", "parking"),
    high("06006", "ferry"),
    high("06007", "road charges"),
    high("06008", "car services"),
    high("06009", "air travel"),
    high("07000", "health"),
    high("07001", "treatment"),
    high("07002", "medicines"),
    high("07003", "public fees"),
    high("08000", "advertising"),
    high("08001", "advertising"),
    high("08002", "classified advertisements over 200 kroner"),
    high("09000", "finance"),
    high("09001", "gift certificate"),
    high("09002", "insurance"),
    high("09003", "payment between persons"),
    high("10000", "food and drink"),
    high("10001", "food and drink"),
    high("10002", "food and drink, physical"),
    high("11000", "serving"),
    high("11001", "restaurants"),
    high("12000", "lodging"),
    high("12001", "lodging"),
    high("13000", "personal services"),
    high("13001", "public fishing licence"),
    high("13002", "private fishing licence"),
    high("13003", "access to sports"),
    high("13004", "coaching"),
    high("13005", "access to television"),
    high("13006", "manual services"),
    high("13007", "fee for not showing up"),
    high("13008", "coaching, not digital"),
    high("14000", "clubs"),
    high("14001", "membership"),
    high("14002", "regular giving"),
    high("14003", "donation"),
    high("14004", "digital membership"),
    high("15000", "goods"),
    high("15001", "goods"),
    high("15002", "physical goods"),
    high("15003", "electronic commerce, internal to Strex"),
    high("16000", "media"),
    high("16001", "television over the internet"),
    high("16002", "film"),
    high("16003", "electronic book"),
    high("16004", "electronic magazine"),
    high("16005", "electronic newspaper"),
    high("16006", "music"),
    high("16007", "digital education"),
    low("16008", "automatic number directory"),
    high("89001", "information that costs nothing"),
];

/// A code of goods and services; `None` for one that is not listed.
pub fn service_code(code: &str) -> Option<&'static ServiceCode> {
    SERVICE_CODES.iter().find(|row| row.code == code)
}
