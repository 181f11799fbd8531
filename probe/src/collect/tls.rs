//! TLS that shows a certificate even if nobody should trust it.
//!
//! The handshake accepts every certificate, so that the answer behind one of a foreign issuer shows. Afterwards the
//! certificate is verified with those that the system trusts. No secret is ever sent, so whoever intercepts the
//! connection learns nothing.

use std::{io, net::TcpStream, sync::Arc, time::Duration};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use ssm_doctor_facts::probe::{Certificate, Trust};

use super::http;

pub type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Opens TLS on a connection.
pub fn open(host: &str, mut stream: TcpStream) -> io::Result<Stream> {
    let name = server_name(host)?;
    let provider = provider();
    let verifier = Arc::new(AcceptsAll(provider.clone()));
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        http::uninterrupted(|| connection.complete_io(&mut stream))?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).map_err(io::Error::other)
}

fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "ring")]
    let provider = rustls::crypto::ring::default_provider();
    #[cfg(not(feature = "ring"))]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    Arc::new(provider)
}

/// What the server showed, and whether the node trusts it. `server_time`: that of its `Date` header, in seconds
/// since 1970.
pub fn certificate(host: &str, stream: &Stream, server_time: Option<i64>) -> Option<Certificate> {
    let chain = stream.conn.peer_certificates()?;
    let (first, rest) = chain.split_first()?;
    let parsed = webpki::EndEntityCert::try_from(first).ok();
    let names = parsed.as_ref().map(|it| it.valid_dns_names().map(str::to_owned).collect());
    Some(Certificate {
        issuer: parsed.as_ref().map(|it| distinguished_name(it.issuer())).unwrap_or_default(),
        names: names.unwrap_or_default(),
        trust: trust(host, first, rest, server_time),
    })
}

fn trust(
    host: &str,
    first: &CertificateDer,
    rest: &[CertificateDer],
    server_time: Option<i64>,
) -> Trust {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Trust::NoRoots;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let (Ok(verifier), Ok(name)) = (verifier, server_name(host)) else {
        return Trust::Other("the name cannot be verified".into());
    };
    let verify = |at| verifier.verify_server_cert(first, rest, &name, &[], at);
    match verify(UnixTime::now()) {
        Ok(_) => Trust::Trusted,
        Err(Error::InvalidCertificate(why)) => match why {
            CertificateError::UnknownIssuer => Trust::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Trust::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                let at = server_time.and_then(|it| u64::try_from(it).ok());
                let at = at.map(|it| UnixTime::since_unix_epoch(Duration::from_secs(it)));
                Trust::WrongTime { valid_by_server: at.is_some_and(|at| verify(at).is_ok()) }
            }
            other => Trust::Other(format!("{other:?}")),
        },
        Err(other) => Trust::Other(other.to_string()),
    }
}

/// Common name and organization of a name in DER, as `CN=…, O=…`. Source: RFC 5280, 4.1.2.4.
///
/// webpki hands out the content of the sequence: sets of sequences of an object id and a string.
fn distinguished_name(der: &[u8]) -> String {
    const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
    const ORGANIZATION: [u8; 3] = [0x55, 0x04, 0x0a];
    let mut parts = Vec::new();
    for attribute in Elements(der).flat_map(Elements) {
        let mut pair = Elements(attribute);
        let (Some(id), Some(text)) = (pair.next(), pair.next()) else { continue };
        let label = match id {
            _ if id == COMMON_NAME => "CN",
            _ if id == ORGANIZATION => "O",
            _ => continue,
        };
        let text = String::from_utf8_lossy(text);
        let text: String = text.chars().filter(|it| !it.is_control()).take(100).collect();
        parts.push(format!("{label}={text}"));
    }
    parts.join(", ")
}

/// The contents of elements of DER, each of which is a tag, a length and a content. Ends where the text is damaged.
struct Elements<'d>(&'d [u8]);

impl<'d> Iterator for Elements<'d> {
    type Item = &'d [u8];

    fn next(&mut self) -> Option<&'d [u8]> {
        let (_, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            let digits = rest.get(..count).filter(|it| it.len() <= 2)?;
            let length = digits.iter().fold(0, |sum, digit| sum * 256 + usize::from(*digit));
            (length, rest.get(count..)?)
        };
        let content = rest.get(..length)?;
        self.0 = rest.get(length..)?;
        Some(content)
    }
}

#[derive(Debug)]
struct AcceptsAll(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptsAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer,
        _: &[CertificateDer],
        _: &ServerName,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distinguished_name_is_read_and_damage_is_no_panic() {
        let der = [
            &[0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x04][..],
            b"Corp",
            &[0x31, 0x0e, 0x30, 0x0c, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x05],
            b"Proxy",
        ]
        .concat();
        assert_eq!(distinguished_name(&der), "O=Corp, CN=Proxy");
        for end in 0..der.len() {
            let _ = distinguished_name(&der[..end]);
            let mut damaged = der.clone();
            damaged[end] ^= 0xff;
            let _ = distinguished_name(&damaged);
        }
    }
}
