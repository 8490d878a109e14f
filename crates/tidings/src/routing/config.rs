//! How rules are written in a configuration, where that is shorter than their fields: one value in the place
//! of a list, a name in the place of an account, a table of senders. Called by serde.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use tidings_core::SenderId;

use super::rule::{Place, RouteAccount};
use crate::account::AccountName;

/// Reads one value, or a list of them.
pub(super) fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct OneOrMany<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value or a list of values")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            T::deserialize(text.into_deserializer()).map(|value| vec![value])
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
            T::deserialize(number.into_deserializer()).map(|value| vec![value])
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
            T::deserialize(number.into_deserializer()).map(|value| vec![value])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(values))
        }
    }

    deserializer.deserialize_any(OneOrMany(PhantomData))
}

/// Reads a table of senders by place.
pub(super) fn senders<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(Place, SenderId)>, D::Error> {
    BTreeMap::deserialize(deserializer).map(|senders| senders.into_iter().collect())
}

impl<'de> Deserialize<'de> for RouteAccount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = RouteAccount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an account, or a table with `name`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(RouteAccount::new(name))
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(table))?;
                Ok(RouteAccount {
                    name: table.name,
                    weight: table.weight,
                    cost: table.cost,
                    preference: table.preference,
                    sender: table.sender,
                })
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

/// The fields of [`RouteAccount`].
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: AccountName,
    #[serde(default = "one")]
    weight: f64,
    cost: Option<f64>,
    preference: Option<u16>,
    sender: Option<SenderId>,
}

fn one() -> f64 {
    1.0
}

/// Reads a duration in seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| D::Error::custom("expected a number of seconds, from 0 on"))
}
