//! How digests and days look in the JSON that is stored: 64 hex digits, and the number of days since 1970-01-01.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(crate) fn serialize<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(blake3::Hash::from_bytes(*digest).to_hex().as_str())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(deserializer)?;
    blake3::Hash::from_hex(text).map(|hash| *hash.as_bytes()).map_err(|_| D::Error::custom("a digest has 64 hex digits"))
}

/// The same for a digest that may be absent.
pub(crate) mod optional {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    struct Digest(#[serde(deserialize_with = "super::deserialize")] [u8; 32]);

    pub(crate) fn serialize<S: Serializer>(digest: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => super::serialize(digest, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[u8; 32]>, D::Error> {
        Ok(Option::<Digest>::deserialize(deserializer)?.map(|digest| digest.0))
    }
}

/// A day as its number.
pub(crate) mod day {
    use domain::Day;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(day.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        i32::deserialize(deserializer).map(Day)
    }
}

/// The same for a day that may be absent.
pub(crate) mod optional_day {
    use domain::Day;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(day: &Option<Day>, serializer: S) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => serializer.serialize_i32(day.0),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Day>, D::Error> {
        Ok(Option::<i32>::deserialize(deserializer)?.map(Day))
    }
}
