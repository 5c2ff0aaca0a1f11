//! TLS to a server, as much as the address asks for.

use std::{fs::File, io::BufReader, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How much TLS is asked for, in libpq's words and with libpq's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    /// Reads `sslmode`; `None` for a word that it does not have.
    pub(super) fn parse(word: Option<&str>, with_roots: bool) -> Option<Self> {
        Some(match word {
            None | Some("prefer" | "allow") => Self::Prefer,
            Some("disable") => Self::Disable,
            // libpq: with a root certificate at hand, require checks it.
            Some("require") if with_roots => Self::VerifyCa,
            Some("require") => Self::Require,
            Some("verify-ca") => Self::VerifyCa,
            Some("verify-full") => Self::VerifyFull,
            Some(_) => return None,
        })
    }
}

/// Makes what a mode asks for; `roots` names a PEM file, the system's roots when absent.
pub(super) fn connector(
    mode: Mode,
    roots: Option<&str>,
) -> std::result::Result<MakeRustlsConnect, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| format!("TLS: {e}"))?;
    let issuers = match mode {
        Mode::VerifyFull => {
            let config = builder.with_root_certificates(trusted(roots)?).with_no_client_auth();
            return Ok(MakeRustlsConnect::new(config));
        }
        Mode::VerifyCa => {
            let roots = Arc::new(trusted(roots)?);
            let issuers =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            Some(issuers.map_err(|e| format!("sslrootcert: {e}"))?)
        }
        Mode::Disable | Mode::Prefer | Mode::Require => None,
    };
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Lenient { provider, issuers }))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Returns the certificates of a file, or the system's.
fn trusted(file: Option<&str>) -> std::result::Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    match file {
        Some(path) if path != "system" => {
            let file = File::open(path).map_err(|e| format!("sslrootcert {path}: {e}"))?;
            for found in CertificateDer::pem_reader_iter(BufReader::new(file)) {
                let found = found.map_err(|_| format!("sslrootcert {path}: not a PEM file"))?;
                store.add(found).map_err(|e| format!("sslrootcert {path}: {e}"))?;
            }
        }
        _ => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(String::from("there is no root certificate to check the server's with"));
    }
    Ok(store)
}

/// Takes a certificate without asking all that a browser would.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// Whose certificates are taken, for whatever name; `None` for everybody's: what is sent is
    /// then hidden from listeners, not from whoever sits between.
    issuers: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        cert: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(issuers) = &self.issuers else { return Ok(ServerCertVerified::assertion()) };
        match issuers.verify_server_cert(cert, chain, server, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
