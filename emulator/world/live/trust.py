"""TLS as the phone wants it: with its stored roots or without a check (PROV-223), and what went wrong in codes."""

from __future__ import annotations

import ssl
from base64 import b64encode

from attrs import Factory, define

from emulator.phone.certificates import certificate_digest
from emulator.phone.state import Phone
from emulator.phone.storage import ROOTS, saved_file

_EXPIRED, _NOT_YET, _HOSTNAME, _ADDRESS = 10, 9, 62, 64
"""X509_V_ERR_ codes of OpenSSL."""
UNTRUSTED = "certificate-untrusted"


@define
class Trust:
    """A context for each set of roots that was asked for: making one costs 50 ms where it loads a bundle."""

    contexts: dict[tuple[str, ...], ssl.SSLContext] = Factory(dict)

    def context(self, roots: tuple[str, ...], phone: Phone) -> ssl.SSLContext:
        """TLS 1.2 or later (O-13). roots: SHA-256 of the roots in hex; without any, no certificate is checked.

        Raises KeyError if the phone does not hold one of them.
        """
        if roots not in self.contexts:
            self.contexts[roots] = context_of([held(phone)[digest] for digest in roots])
        return self.contexts[roots]


def held(phone: Phone) -> dict[str, bytes]:
    """The root certificates that a phone has: in its flash, and read in this run."""
    mounted = phone.format.mount(phone.flash.chip)
    bodies = [saved_file(phone.flash.chip, mounted, name) for name in ROOTS if name in mounted.files]
    bodies += [phone.provisioning.here.get(name) for name in ROOTS]
    return {certificate_digest(body): body for body in bodies if body}


def context_of(bodies: list[bytes]) -> ssl.SSLContext:
    """A context that trusts these root certificates and checks names; without any it checks nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = bool(bodies)
    context.verify_mode = ssl.CERT_REQUIRED if bodies else ssl.CERT_NONE
    for body in bodies:
        context.load_verify_locations(cadata=_pem(body))
    return context


def _pem(body: bytes) -> str:
    """A certificate as PEM; only the first one of a file counts, as for the phone."""
    if b"-----BEGIN CERTIFICATE-----" not in body:
        text = b64encode(body).decode()
        return f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    start = body.index(b"-----BEGIN CERTIFICATE-----")
    end = body.index(b"-----END CERTIFICATE-----", start)
    return body[start:end].decode("ascii", "replace") + "-----END CERTIFICATE-----\n"


def code_of(error: BaseException) -> str:
    """Why a certificate was refused, as a code of the world; "" if ``error`` is about something else."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            names = {_EXPIRED: "certificate-expired", _NOT_YET: "certificate-expired"}
            names |= {_HOSTNAME: "certificate-name", _ADDRESS: "certificate-name"}
            return names.get(seen.verify_code, UNTRUSTED)
        seen = seen.__cause__ or seen.__context__
    return ""
