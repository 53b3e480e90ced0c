//! Where the connection to the studio stands.

use std::time::Instant;

use studio_protocol::{CONNECT_LIMIT, Feature, FeatureSet, READ_IDLE_LIMIT};

/// The connection; at most one, numbered so that late news of an older one are told apart.
///
/// ```text
/// Off -(approved)-> Waiting -(delay over)-> Connecting -(101)-> Greeting -(welcome)-> Open
///                      ^------(failed, cut, silent)--/------------/-----------------/
/// ```
#[derive(Debug)]
pub(crate) enum Link {
    /// Not approved.
    Off,
    /// Until the next try.
    Waiting { until: Instant },
    /// TCP, TLS and the upgrade.
    Connecting { socket: u64, until: Instant },
    /// `hello` is sent.
    Greeting { socket: u64, heard: Instant },
    /// Welcomed.
    Open(Open),
}

/// A welcomed session.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) socket: u64,
    pub(crate) features: FeatureSet,
    pub(crate) heard: Instant,
    pub(crate) next_heartbeat: Instant,
}

impl Link {
    /// The number of the connection, if there is one.
    pub(crate) fn socket(&self) -> Option<u64> {
        match self {
            Self::Off | Self::Waiting { .. } => None,
            Self::Connecting { socket, .. } | Self::Greeting { socket, .. } => Some(*socket),
            Self::Open(open) => Some(open.socket),
        }
    }

    pub(crate) fn open(&self) -> Option<&Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Off | Self::Waiting { .. } | Self::Connecting { .. } | Self::Greeting { .. } => None,
        }
    }

    /// Whether the open session uses `feature`.
    pub(crate) fn uses(&self, feature: Feature) -> bool {
        self.open().is_some_and(|open| open.features.has(feature))
    }

    /// A frame came in.
    pub(crate) fn heard(&mut self, now: Instant) {
        match self {
            Self::Greeting { heard, .. } => *heard = now,
            Self::Open(open) => open.heard = now,
            Self::Off | Self::Waiting { .. } | Self::Connecting { .. } => {}
        }
    }

    /// When the connection counts as dead unless something is heard.
    pub(crate) fn dead_at(&self) -> Option<Instant> {
        match self {
            Self::Off | Self::Waiting { .. } => None,
            Self::Connecting { until, .. } => Some(*until),
            Self::Greeting { heard, .. } => Some(*heard + READ_IDLE_LIMIT),
            Self::Open(open) => Some(open.heard + READ_IDLE_LIMIT),
        }
    }

    /// Why it is dead.
    pub(crate) fn silence(&self) -> String {
        match self {
            Self::Connecting { .. } => {
                format!("no answer to the upgrade within {} s", CONNECT_LIMIT.as_secs())
            }
            Self::Greeting { .. } => format!("no welcome within {} s", READ_IDLE_LIMIT.as_secs()),
            Self::Off | Self::Waiting { .. } | Self::Open(_) => {
                format!("no frame for {} s", READ_IDLE_LIMIT.as_secs())
            }
        }
    }

    /// The state's word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Waiting { .. } => "waiting",
            Self::Connecting { .. } => "connecting",
            Self::Greeting { .. } => "greeting",
            Self::Open(_) => "open",
        }
    }
}
