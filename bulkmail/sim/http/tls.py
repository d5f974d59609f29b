"""Throwaway certificates: an authority's and a server's. Written only to the directory it is told."""

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=7)
PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def authority() -> Pair:
    """A certificate authority that signs for a week."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder("bulkmail rehearsal authority", key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def server(issuer: Pair, host: str, flaw: str = "") -> Pair:
    """A server's certificate for `host` and for loopback under its usual names, or one with a flaw."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = _names(host) if flaw != "other-name" else [x509.DNSName("elsewhere.example")]
    own = flaw == "self-signed"
    builder = (
        _builder(host, key, None if own else issuer, LIFE if flaw != "expired" else -timedelta(minutes=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )
    return Pair(builder.sign(key if own else issuer.key, hashes.SHA256()), key)


def _builder(
    name: str, key: CertificateIssuerPrivateKeyTypes, issuer: Pair | None = None, life: timedelta = LIFE
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    public = (issuer.key if issuer else key).public_key()
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # a client's clock may be a little behind
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    return list(dict.fromkeys(names))


def write_private(path: Path, content: bytes) -> Path:
    """Writes a new file that only its owner may read, whatever the umask is."""
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb"
    ) as file:
        file.write(content)
    return path


def kept_authority(folder: Path) -> Pair:
    """The authority of an earlier rehearsal in `folder`, or a new one that is kept there: runs outlive a restart of the
    simulator only if they trust it as before. One with less than half of its life left is replaced."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        lasts = certificate.not_valid_after_utc - datetime.now(UTC) > LIFE / 2
        if lasts and isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key():
            return Pair(certificate, key)
    except (OSError, ValueError):
        pass
    made = authority()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("ca.key", made.key_pem()), ("ca.pem", made.certificate_pem())):
        (folder / name).unlink(missing_ok=True)
        write_private(folder / name, content)
    return made


def server_context(directory: Path, host: str, flaw: str = "", kept: Path | None = None) -> ssl.SSLContext:
    """What a listener needs; `directory` gets `ca.pem`, for the clients to trust, and the server's own files. The
    authority is that of the folder `kept`, if one is named."""
    issuer = authority() if kept is None else kept_authority(kept)
    pair = server(issuer, host, flaw)
    write_private(directory / "ca.pem", issuer.certificate_pem())
    certificate = write_private(directory / "server.pem", pair.certificate_pem())
    key = write_private(directory / "server.key", pair.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    key.unlink()
    return context
