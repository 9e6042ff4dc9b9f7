"""The REGISTER request of a line, byte for byte (RFC 3261 s.10.2), with the credentials that were asked for (s.22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.events import DatagramSent, Payload
from emulator.phone.accounts import Account
from emulator.phone.httpauth import authorization, parse_challenges
from emulator.phone.identity import user_agent
from emulator.phone.network import IPV4, own_address
from emulator.phone.sip import COOKIE, PORT
from emulator.wire import sip

if TYPE_CHECKING:
    from emulator.phone.line_state import Line, Proof
    from emulator.phone.state import Phone

METHOD = "REGISTER"


def branch_of(phone: Phone, number: int, cseq: int) -> str:
    """The branch of the line's request with that CSeq."""
    return f"{COOKIE}{phone.draw(f'register-branch-{number}', cseq):016x}"


def contact(phone: Phone, account: Account) -> str:
    """The URI under which the line can be reached."""
    return f"sip:{account.user}@{own_address(phone, IPV4)}:{PORT}"


def request(phone: Phone, number: int, line: Line, account: Account, branch: str) -> DatagramSent:
    """The REGISTER of a transaction, the same bytes each time. Raises SipError for settings that SIP cannot say.

    Call-ID and the tag of From stay for a power cycle, the CSeq counts on (RFC 3261 s.10.2.4).
    """
    own = own_address(phone, IPV4)
    identity = f"sip:{account.user}@{account.domain}"
    rport = ";rport" if account.rport else ""
    headers = [
        ("Via", f"SIP/2.0/UDP {own}:{PORT};branch={branch}{rport}"),
        ("Max-Forwards", "70"),
        ("From", f"<{identity}>;tag={phone.draw('register-tag', number):016x}"),
        ("To", f"<{identity}>"),
        ("Call-ID", f"{phone.draw('register-call-id', number):016x}"),
        ("CSeq", f"{line.cseq} {METHOD}"),
        ("Contact", f"<{contact(phone, account)}>"),
        ("Expires", str(line.expires)),
        ("User-Agent", user_agent(phone)),
    ]
    if account.proxied:
        headers.insert(2, ("Route", f"<sip:{account.server}:{account.port};lr>"))
    for name, proof in (("Authorization", line.registrar), ("Proxy-Authorization", line.proxy)):
        value = credentials(phone, number, line.cseq, account, proof)
        if value:
            headers.append((name, value))
    payload = Payload(sip.request(METHOD, account.target, headers))
    return DatagramSent(own, PORT, line.address, account.port, payload)


def credentials(phone: Phone, number: int, cseq: int, account: Account, proof: Proof) -> str:
    """The answer to a challenge; "" if there is none, or if it cannot be answered: SIP has no Basic (s.22)."""
    if not proof.challenges:
        return ""
    made = authorization(
        proof.challenges,
        method=METHOD,
        target=account.target,
        user=account.login,
        password=account.password,
        cnonce=f"{phone.draw(f'register-cnonce-{number}', cseq):016x}",
        nonce_count=max(1, proof.uses),
    )
    return made[1] if made is not None and made[0] == "Digest" else ""


def stale(challenges: tuple[str, ...]) -> bool:
    """Whether the login was right and only its nonce too old (RFC 7616 s.3.3)."""
    return any(each.values.get("stale", "").lower() == "true" for each in parse_challenges(challenges))
