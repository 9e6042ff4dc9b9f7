"""Certificates for the lab's HTTPS servers, made anew for each lab (trustme)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from attrs import frozen

from tools.lab.addresses import FILES, NAME, OTHER_FILES
from tools.lab.errors import LabError

CERTIFICATES = ("good", "untrusted", "expired", "other-name")
"""What a server can show to a phone that has stored the root, as in a scenario's ``certificate``."""


@frozen
class Authority:
    """root: the certificate that phones store, PEM; servers: by kind, the PEM of key and certificate chain."""

    root: bytes
    servers: Mapping[str, bytes]


def make_authority() -> Authority:
    """A root, and a certificate of each kind for the lab's HTTPS servers. Raises LabError without trustme."""
    try:
        from trustme import CA
    except ImportError:
        raise LabError("trustme is missing; `make lab` installs it with the test tools") from None
    trusted, stranger = CA(organization_name="Offhook lab"), CA(organization_name="Another lab")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    hosts = (FILES, OTHER_FILES, NAME)
    issued = {
        "good": trusted.issue_cert(*hosts),
        "untrusted": stranger.issue_cert(*hosts),
        "expired": trusted.issue_cert(*hosts, not_after=yesterday),
        "other-name": trusted.issue_cert("192.0.2.250", "elsewhere.example.com"),
    }
    servers = {kind: each.private_key_and_cert_chain_pem.bytes() for kind, each in issued.items()}
    return Authority(trusted.cert_pem.bytes(), servers)
