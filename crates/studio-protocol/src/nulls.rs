//! Readers take an explicit `null` for an absent value.

use serde::{Deserialize, Deserializer};

/// For a field with a default of its own type: `null` reads as that default.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Declares `mod $name` whose `deserialize` reads `null` as `$value`, and whose `value` is the serde default.
macro_rules! default_value {
    ($name:ident, $type:ty, $value:expr) => {
        pub(crate) mod $name {
            use serde::{Deserialize, Deserializer};

            pub(crate) fn value() -> $type {
                $value
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                Ok(Option::<$type>::deserialize(deserializer)?.unwrap_or_else(value))
            }
        }
    };
}
pub(crate) use default_value;
