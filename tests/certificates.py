"""Certificates for tests of TLS: an authority of our own, and servers that are right or wrong in one way each."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs server certificates; `file` holds its own, for clients that are to trust it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of these tests")])
        self.file = folder / "authority.pem"
        own = self._builder(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), True
        )
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, ended: bool = False
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 30 * _DAY)
            .not_valid_after(now - _DAY if ended else now + _DAY)
        )

    def server(self, fault: str = "") -> ssl.SSLContext:
        """What a server on 127.0.0.1 uses; `fault` is what is wrong with it."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "venue")])
        host: x509.GeneralName = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        if fault == "wrong host":
            host = x509.DNSName("venue.example")
        own = fault == "self-signed"
        builder = self._builder(subject, subject if own else self._name, key, ended=fault == "expired")
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), False)
        certificate = builder.sign(key if own else self._key, hashes.SHA256())
        pair = self._folder / f"{fault or 'right'}.pem"
        pair.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        if fault == "TLS 1.0":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1
            # OpenSSL 3 speaks it only without a security level.
            context.set_ciphers("ALL:@SECLEVEL=0")
        return context
