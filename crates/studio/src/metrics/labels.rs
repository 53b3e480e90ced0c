//! What tells the values of one metric apart.

use prometheus_client::encoding::EncodeLabelSet;

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        pub struct $name {
            $(pub $field: $type,)+
        }
    )+};
}

labels! {
    /// A sort of job.
    Kind { kind: &'static str }
    /// How something ended.
    Outcome { outcome: &'static str }
    /// Where something is.
    State { state: &'static str }
    /// Where jobs of a kind are.
    StateOfKind { state: &'static str, kind: String }
    /// A request.
    Request { route: String, method: &'static str, status: u16 }
    /// A route.
    Route { route: String, method: &'static str }
    /// A route under /v1.
    Dialect { dialect: String }
    /// Which way tokens went.
    Direction { dialect: String, direction: &'static str }
    /// A model of the registry.
    Model { model: String }
    /// A project.
    Project { project: String }
    /// An engine.
    Engine { engine: String }
    /// A version of the program.
    Version { version: &'static str }
}
