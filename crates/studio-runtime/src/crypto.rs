//! The one TLS implementation of the process.

/// Makes `ring` the provider of every rustls user; call it first thing in `main`, again is harmless.
pub fn install_crypto() {
    // An error says that a provider is there already, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
