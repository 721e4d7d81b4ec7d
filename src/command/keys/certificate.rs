//! A certificate for the server, signed by an authority of the folder's own.

use std::net::IpAddr;
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
/// The server's certificate, in there.
pub(super) const SERVER: &str = "server.pem";
/// Its key.
pub(super) const SERVER_KEY: &str = "server-key.pem";
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
    if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
        return Err(bad_input(anyhow::anyhow!(
            "--tls {host:?} is neither a host's name nor an address; give what stands between tls:// and :4222"
        )));
    }
    let mut params = CertificateParams::new(hosts.to_vec())
        .map_err(|error| bad_input(anyhow::anyhow!("--tls {}: {error}", hosts.join(" --tls "))))?;
    params
        .distinguished_name
        .push(DnType::CommonName, hosts[0].as_str());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let authority = authority()?;
    let key = KeyPair::generate().context("no key could be made for the certificate")?;
    let certificate = params
        .signed_by(&key, &authority)
        .context("the certificate could not be signed")?;
    let certificates = Folder::open(&folder.path(FOLDER))?;
    folder::write(&certificates.path(SERVER_KEY), &key.serialize_pem())?;
    folder::write(&certificates.path(SERVER), &certificate.pem())?;
    folder::write(&authority_file, &authority.pem())?;
    Ok(Some(authority_file))
}

/// Whether a certificate can be for it: an address, or a name whose first label may be `*`.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let name = host.strip_prefix("*.").unwrap_or(host);
    host.parse::<IpAddr>().is_ok() || name.len() <= 253 && name.split('.').all(is_label)
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

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn hosts_are_names_and_addresses() {
        for host in [
            "nats",
            "nats-0.nats.svc",
            "*.example.com",
            "10.0.0.1",
            "::1",
            "XN--bcher-kva.example",
        ] {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "",
            "https://foo:4222",
            "a..b",
            "a b",
            "-a",
            "foo:4222",
            "[::1]",
            "*",
            "a.*.b",
            "ü.example",
        ] {
            assert!(!is_host(host), "{host}");
        }
    }
}
