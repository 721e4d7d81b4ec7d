//! A certificate for the server, signed by an authority of the folder's own.

use std::path::PathBuf;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::folder::{self, Folder};
use crate::exit::bad_input;

/// Where certificates stand.
pub(super) const FOLDER: &str = "tls";
/// The authority that clients trust: `nats.root_certificates_file`.
const AUTHORITY: &str = "tls/ca.pem";

/// Makes an authority and a server's certificate for these hosts; without hosts, keeps what is there.
/// Gives the authority's file, if there is one. The authority's own key is thrown away: who needs
/// another name makes all anew.
pub(super) fn make(folder: &Folder, hosts: &[String]) -> anyhow::Result<Option<PathBuf>> {
    let authority_file = folder.path(AUTHORITY);
    if hosts.is_empty() {
        return Ok(authority_file.exists().then_some(authority_file));
    }
    let mut params = CertificateParams::new(hosts.to_vec()).map_err(|error| {
        bad_input(anyhow::anyhow!(
            "--tls {}: {error}; give host names or addresses",
            hosts.join(" --tls ")
        ))
    })?;
    params
        .distinguished_name
        .push(DnType::CommonName, hosts[0].as_str());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let authority = authority()?;
    let key = KeyPair::generate().context("no key could be made for the certificate")?;
    let certificate = params
        .signed_by(&key, &authority)
        .context("the certificate could not be signed")?;
    Folder::open(&folder.path(FOLDER))?;
    folder::write(&folder.path("tls/server-key.pem"), &key.serialize_pem())?;
    folder::write(&folder.path("tls/server.pem"), &certificate.pem())?;
    folder::write(&authority_file, &authority.pem())?;
    Ok(Some(authority_file))
}

fn authority() -> anyhow::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Callboard NATS authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().context("no key could be made for the authority")?;
    CertifiedIssuer::self_signed(params, key).context("the authority could not be made")
}
