//! TLS, by rustls with ring.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read as PEM.
    #[error("{path} can't be read as PEM; give the {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What it must hold.
        what: &'static str,
        /// Why it can't be read.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// The two don't go together, or can't be used.
    #[error(
        "the certificate and its key can't be used; is it the key of the first certificate in its file?"
    )]
    Unusable(#[source] rustls::Error),
}

/// Reads a certificate with its chain, and its key.
///
/// # Errors
/// When they can't be read or used.
pub fn tls_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |path: &Path, what| {
        let path = path.to_owned();
        move |source| TlsError::File { path, what, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(file(certificate, "certificate, with the chain below it"))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(file(key, "certificate's private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        })
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What a handshake that took too long is told as.
pub(super) fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long")
}
