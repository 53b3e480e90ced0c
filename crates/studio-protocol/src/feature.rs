//! Extensions to the base protocol, used only when both sides announce them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Feature {
    /// `progress` frames.
    Progress,
    /// `preview` frames.
    Preview,
    /// `delta` frames.
    Stream,
    /// `cancel` frames.
    Cancel,
    /// Attempt numbers and leases.
    Lease,
    /// Claims that outlive a connection.
    Resume,
    /// `release` frames.
    Release,
    /// Several offers in flight.
    Slots,
    /// `goodbye` frames.
    Goodbye,
    /// What an operator may do remotely.
    Control,
    /// Task fields beyond section 5.
    Options,
}

impl Feature {
    /// Every feature, in the order that announcements list them.
    pub const ALL: [Self; 11] = [
        Self::Progress,
        Self::Preview,
        Self::Stream,
        Self::Cancel,
        Self::Lease,
        Self::Resume,
        Self::Release,
        Self::Slots,
        Self::Goodbye,
        Self::Control,
        Self::Options,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Preview => "preview",
            Self::Stream => "stream",
            Self::Cancel => "cancel",
            Self::Lease => "lease",
            Self::Resume => "resume",
            Self::Release => "release",
            Self::Slots => "slots",
            Self::Goodbye => "goodbye",
            Self::Control => "control",
            Self::Options => "options",
        }
    }
}

/// A set of features; words that this build does not know are dropped when it is read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct FeatureSet(u16);

impl FeatureSet {
    /// No feature: a base peer.
    pub const NONE: Self = Self(0);

    /// The set of `features`.
    pub fn of(features: &[Feature]) -> Self {
        features.iter().copied().collect()
    }

    /// Whether `feature` is in the set.
    pub fn has(self, feature: Feature) -> bool {
        self.0 & (1 << feature as u8) != 0
    }

    /// What both sides announced.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether it is a base peer's set.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The features in it.
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |feature| self.has(*feature))
    }
}

impl FromIterator<Feature> for FeatureSet {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        Self(features.into_iter().fold(0, |bits, feature| bits | 1 << feature as u8))
    }
}

impl fmt::Debug for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Feature::as_str)).finish()
    }
}

impl Serialize for FeatureSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Feature::as_str))
    }
}

impl<'de> Deserialize<'de> for FeatureSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default();
        Ok(Feature::ALL.into_iter().filter(|f| words.iter().any(|word| word == f.as_str())).collect())
    }
}
