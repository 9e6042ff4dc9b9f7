"""Root certificates as files: is this one, and which (PROV-221, PROV-222).

Only the outermost shape is checked here; the transport checks signatures.
"""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256

LIMIT = 65_536
"""Longest certificate file, in bytes; no source states a limit."""
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----")


def certificate_digest(body: bytes) -> str:
    """SHA-256, in hex, of the DER form of the first certificate in ``body`` (PEM or DER); "" if there is none."""
    if len(body) > LIMIT:
        return ""
    found = _PEM.search(body)
    if found:
        try:
            der = b64decode(found[1], validate=False)
        except ValueError:
            return ""
    else:
        der = body
    return sha256(der).hexdigest() if is_der_sequence(der) else ""


def is_der_sequence(der: bytes) -> bool:
    """Whether ``der`` is one ASN.1 SEQUENCE with a definite length that fills it exactly (X.690 s.8.1.3)."""
    if len(der) < 4 or der[0] != 0x30:
        return False
    if der[1] < 0x80:
        return len(der) == 2 + der[1]
    count = der[1] & 0x7F
    return 1 <= count <= 3 and len(der) == 2 + count + int.from_bytes(der[2 : 2 + count], "big")
