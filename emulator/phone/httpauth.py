"""HTTP authentication, Basic and Digest: the answer to a 401 (PROV-113) and what a server checks.

RFC 7235 for the header fields, RFC 7617 for Basic, RFC 2617 and RFC 7616 for Digest (MD5 and SHA-256, also as
session variants, quality of protection `auth` or none). Nonces come from the caller; nothing here is random.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote, unquote

import attrs

HEADER_LIMIT = 8192
"""Characters of one header value; a longer one is ignored."""

_CHALLENGES = 16
_PARAMETERS = 32
_ALGORITHMS: Mapping[str, str] = MappingProxyType(
    {"md5": "md5", "md5-sess": "md5", "sha-256": "sha256", "sha-256-sess": "sha256"}
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A word, and if "=" follows its value, quoted (the closing quote may be missing) or bare.
_PIECE = re.compile(
    r"""([!#$%&'*+.^_`|~0-9A-Za-z/-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)(?:"|\\?\Z)|([^\s,]*)))?""", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@attrs.frozen
class Challenge:
    """One challenge or one set of credentials: `scheme` and names of `values` in lower case, values unquoted."""

    scheme: str
    values: Mapping[str, str]


def parse_challenges(header_values: Sequence[str]) -> tuple[Challenge, ...]:
    """The challenges in the values of `WWW-Authenticate`, in order.

    Liberal: what is not understood is passed over, and at most 16 challenges are read. Challenges with control
    characters are left out, as their values are sent back in a header. Raises nothing.
    """
    found: list[Challenge] = []
    for header_value in header_values:
        if len(header_value) <= HEADER_LIMIT and not _CONTROL.search(header_value.replace("\t", " ")):
            found += _parsed(header_value.replace("\t", " "))
    return tuple(found[:_CHALLENGES])


def authorization(
    challenges_header_values: Sequence[str],
    *,
    method: str,
    target: str,
    user: str,
    password: str,
    cnonce: str,
    nonce_count: int = 1,
) -> tuple[str, str] | None:
    """Scheme ("Digest" or "Basic") and the value of `Authorization`, or None if no challenge can be answered.

    The first usable Digest challenge is answered, else Basic (PROV-113). `target` is the request target as sent.
    A user name with a colon cannot be sent by Basic (RFC 7617 s.2).
    """
    challenges = parse_challenges(challenges_header_values)
    for challenge in challenges:
        if challenge.scheme == "digest" and _usable(challenge.values):
            value = _digest_value(challenge.values, method, target, user, password, cnonce, nonce_count)
            return "Digest", value
    if ":" not in user and any(challenge.scheme == "basic" for challenge in challenges):
        return "Basic", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return None


def challenge_digest(realm: str, nonce: str, algorithm: str = "MD5") -> str:
    """The value of a server's `WWW-Authenticate`, with quality of protection `auth`."""
    return f'Digest realm="{_escape(realm)}", nonce="{_escape(nonce)}", algorithm={algorithm}, qop="auth"'


def check_basic(header_value: str, user: str, password: str) -> bool:
    """Whether the value of `Authorization` holds these Basic credentials. Raises nothing."""
    scheme, _, encoded = header_value.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded.strip().encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    return hmac.compare_digest(given, f"{user}:{password}".encode())


def check_digest(header_value: str, *, method: str, user: str, password: str, realm: str, nonce: str) -> bool:
    """Whether the value of `Authorization` is a right Digest answer for this realm and nonce.

    The request target is taken from the header; a server compares it with the request line itself. Raises nothing.
    """
    credentials = parse_challenges([header_value])
    if len(credentials) != 1 or credentials[0].scheme != "digest":
        return False
    values = credentials[0].values
    if (_user_of(values), values.get("realm"), values.get("nonce")) != (user, realm, nonce):
        return False
    if values.get("algorithm", "MD5").lower() not in _ALGORITHMS:
        return False
    if "qop" in values and (values["qop"].lower() != "auth" or not values.get("nc")):
        return False
    wanted = _response(
        values,
        method=method,
        target=values.get("uri", ""),
        user=user,
        password=password,
        cnonce=values.get("cnonce", ""),
        count=values.get("nc", "") if "qop" in values else "",
    )
    return hmac.compare_digest(values.get("response", "").lower().encode(errors="replace"), wanted.encode())


def _parsed(text: str) -> list[Challenge]:
    found: list[tuple[str, dict[str, str]]] = []
    at = 0
    while (piece := _PIECE.search(text, at)) is not None and len(found) <= _CHALLENGES:
        at = piece.end()
        word, quoted, bare = piece[1].lower(), piece[2], piece[3]
        if quoted is None and bare is None:
            found.append((word, {}))
        elif found and len(found[-1][1]) < _PARAMETERS:
            value = bare if quoted is None else _ESCAPED.sub(r"\1", quoted)
            found[-1][1].setdefault(word, value)
    return [Challenge(scheme, MappingProxyType(values)) for scheme, values in found]


def _usable(values: Mapping[str, str]) -> bool:
    if "realm" not in values or "nonce" not in values:
        return False
    offered = values.get("qop", "")
    return values.get("algorithm", "MD5").lower() in _ALGORITHMS and (not offered.strip() or "auth" in _words(offered))


def _words(text: str) -> list[str]:
    return text.lower().replace(",", " ").split()


def _digest_value(
    values: Mapping[str, str], method: str, target: str, user: str, password: str, cnonce: str, nonce_count: int
) -> str:
    protected = "auth" in _words(values.get("qop", ""))
    count = f"{nonce_count:08x}" if protected else ""
    response = _response(values, method=method, target=target, user=user, password=password, cnonce=cnonce, count=count)
    # RFC 7616 s.3.4: a name beyond ASCII goes in the extended notation.
    name = f'username="{_escape(user)}"' if user.isascii() else f"username*=UTF-8''{quote(user, safe='')}"
    parts = [name, f'realm="{_escape(values["realm"])}"', f'nonce="{_escape(values["nonce"])}"']
    parts += [f'uri="{_escape(target)}"', f'response="{response}"']
    if "algorithm" in values:
        parts.append(f"algorithm={values['algorithm']}")
    if protected:
        parts += ["qop=auth", f"nc={count}"]
    if protected or _is_session(values):
        parts.append(f'cnonce="{_escape(cnonce)}"')
    if "opaque" in values:
        parts.append(f'opaque="{_escape(values["opaque"])}"')
    return "Digest " + ", ".join(parts)


def _response(
    values: Mapping[str, str], *, method: str, target: str, user: str, password: str, cnonce: str, count: str
) -> str:
    """RFC 7616 s.3.4.1; without `count` the older form of RFC 2069, which has no quality of protection."""
    algorithm, nonce = values.get("algorithm", "MD5").lower(), values["nonce"]

    def hashed(*parts: str) -> str:
        data = ":".join(parts).encode(errors="replace")
        return hashlib.new(_ALGORITHMS[algorithm], data, usedforsecurity=False).hexdigest()

    secret = hashed(user, values["realm"], password)
    if _is_session(values):
        secret = hashed(secret, nonce, cnonce)
    request = hashed(method, target)
    return hashed(secret, nonce, count, cnonce, "auth", request) if count else hashed(secret, nonce, request)


def _is_session(values: Mapping[str, str]) -> bool:
    return values.get("algorithm", "").lower().endswith("-sess")


def _user_of(values: Mapping[str, str]) -> str | None:
    charset, _, encoded = values.get("username*", "").partition("''")
    return unquote(encoded) if charset.lower() == "utf-8" else values.get("username")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
