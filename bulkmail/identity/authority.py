"""The certificates of a file of authorities, as they are: for people, since the TLS library does the trusting."""

from pathlib import Path

from cryptography import x509

from bulkmail.errors import ConfigError
from bulkmail.identity.certificate import Certificate


def authorities(path: Path) -> list[Certificate]:
    """All that stand in a PEM file, in their order. Raises ConfigError."""
    try:
        return [Certificate(one) for one in x509.load_pem_x509_certificates(path.read_bytes())]
    except OSError as error:
        reason = error.strerror
    except ValueError:
        reason = "it holds no PEM certificate"
    raise ConfigError(f"cannot use ca_file {path}: {reason}")
