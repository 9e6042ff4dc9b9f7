"""Provisioning URLs, as sources give them: usual ones, careless ones, wrong ones; and those that somebody types."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import FilesSpec
from tools.fuzz.dice import Dice
from tools.fuzz.mutators.draft import Draft
from tools.fuzz.mutators.people import again
from tools.fuzz.mutators.words import ADDRESSES, HOSTS, LOGINS, allowed, guarded

MANUAL_LOGIN = ("USR_PROV_SVR_AUTH_ID", "USR_PROV_SVR_AUTH_PASSWORD")
OPTIONS = ("option160", "option159", "option66")
MOST_TEXT = 240
"""Bytes of an option, so that it fits into a message beside two others."""


def usual_url(draft: Draft) -> str:
    """A URL at which the base has its files."""
    given = [getattr(spec, name) for spec in draft.base.dhcp for name in OPTIONS]
    given += [*(spec.url for spec in draft.base.pnp), *(spec.url for spec in draft.base.dhcpv6)]
    found = [url for url in given if url]
    first = draft.survey.asked[0] if draft.survey.asked else None
    if first is not None:
        found.append(f"{first.scheme}://{first.host}{first.target}")
    return draft.dice.choice(found) if found else "http://192.0.2.20/{MODEL}.cfg"


def odd_url(draft: Draft, usual: str) -> str:
    """A text of a source: with something around it, in another form, or leading elsewhere."""
    dice = draft.dice
    made = dice.choice((surrounded, surrounded, reformed, reformed, elsewhere))(usual, dice)
    for host in HOSTS[:2]:
        if host in made:
            draft.known(host, dice.choice(("192.0.2.20", "192.0.2.21,192.0.2.20", "!timeout", "!no-such-name")))
    return made.encode()[:MOST_TEXT].decode("utf-8", "ignore")


def surrounded(usual: str, dice: Dice) -> str:
    """With something before or behind it, as careless servers send it."""
    before = ("", "", "", " ", "\t", "'", '"', "<", "\0", "\ufeff")
    behind = ("\0", "\0", "\0\0\0", " ", "\r\n", "\n", "\t ", '"', "'", ">", " \0", "\0x", "\x7f", "?", "#a", "/", "")
    head, tail = dice.choice(before), dice.choice(behind)
    return head + usual + (tail if tail or head else "\0")


def reformed(usual: str, dice: Dice) -> str:
    """Nearly the same: scheme, port, macros, login, case, a letter less."""
    scheme, _, rest = usual.partition("://")
    host, _, path = rest.partition("/")
    forms: Sequence[str] = (
        *(f"{scheme.upper()}://{rest}", f"https://{rest}", f"tftp://{rest}", f"ftp://{rest}", rest, host),
        *(f"{scheme}://{host}:8080/{path}", f"{scheme}://{host}:80/{path}", f"{scheme}:/{rest}", f"{scheme}://{host}"),
        *(f"{scheme}://{host}/", f"{scheme}://{host}/{{MAC}}.cfg", f"{scheme}://{host}/{{mac}}/{path}", usual[:-1]),
        *(f"{scheme}://{host}/{{model}}.cfg", f"{scheme}://joe:a-sample-word@{rest}", f"{scheme}://jo%65@{rest}"),
        *(f"{usual}?mac={{MAC}}&v={{fwver}}", f"{scheme}://{host}//{path}", f"{scheme}://{host}/./{path}", ""),
    )
    return dice.choice(forms)


def elsewhere(usual: str, dice: Dice) -> str:
    """A place that there is not, or another one."""
    return dice.choice(
        (
            *(f"http://{dice.choice(ADDRESSES)}/", f"http://{dice.choice(HOSTS[:2])}/{{MODEL}}.cfg"),
            *(
                "http://",
                "http://a b/",
                "http://[2001:db8::20]/",
                "http://300.1.1.1/",
                "gopher://192.0.2.20/",
                "x" * 240,
            ),
            *("http://192.0.2.20/nothing/here.cfg", dice.choice(ADDRESSES), "http://192.0.2.20:0/", "ä://x", "\0"),
        )
    )


def manual(draft: Draft) -> bool:
    """The user has set a URL, long ago or now, and may take it back."""
    if not allowed(draft, "USR_PROV_SVR_URL"):
        return False
    dice, usual = draft.dice, usual_url(draft)
    url = usual if dice.chance(400_000) else odd_url(draft, usual)
    at = draft.when()
    if dice.chance(500_000) and draft.phone.flash is None and url.isprintable() and " " not in url and url:
        draft.phone = evolve(draft.phone, user={**draft.phone.user, "USR_PROV_SVR_URL": url})
    else:
        draft.act(dice.choice(("web", "phone")), at, key="USR_PROV_SVR_URL", value=url)
        again(draft, at + dice.below(5 * SECOND))
    if dice.chance(300_000):
        draft.act("web", at + dice.below(20 * SECOND), key="USR_PROV_SVR_URL")
    if dice.chance(350_000):
        wanted(draft)
    return True


def wanted(draft: Draft) -> None:
    """The server wants a login, and one was typed in beside the URL, the right one or another."""
    dice, place = draft.dice, draft.pick("files")
    shown = dice.choice(LOGINS)
    if place is not None:
        spec: FilesSpec = draft.tables["files"][place]
        guard = guarded(draft, spec)
        draft.spoil("files", place, evolve(spec, **guard), (0, draft.calm))
        shown = (guard["user"], guard["password"]) if dice.chance(800_000) else shown
    if draft.phone.flash is None and dice.chance(700_000):
        draft.phone = evolve(draft.phone, user={**draft.phone.user, **dict(zip(MANUAL_LOGIN, shown, strict=True))})
    else:
        for key, value in zip(MANUAL_LOGIN, shown, strict=True):
            draft.act("web", dice.below(SECOND), key=key, value=value)
