"""The dictionary: parameters of the catalogue with values at and beyond their limits, marks, secrets, URLs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from emulator.phone.catalogue import Parameter, catalogue, split
from emulator.world.scenario import FilesSpec
from tools.fuzz.dice import Dice
from tools.fuzz.mutators.draft import Draft
from tools.fuzz.mutators.survey import CUTTING_OFF

PERMS = ("", "", "RW", "R", "!", "!R", "!R", "!RW", "W", "rw")
ACCESSES = ("", "", "A", "U", "AU", "UA")
LOGINS = (("joe", "a-sample-word"), ("phones", "other-sample"), ("visitor", "sample p@ss"))
"""Names and passwords that a server can want."""
KEYS = ("12341234abcdabcd12341234abcdabcd", "abcdabcd12341234abcdabcd12341234")
"""Keys of encrypted files, of the right length."""
ADDRESSES = ("192.0.2.20", "192.0.2.21", "192.0.2.22", "192.0.2.30", "192.0.2.99")
HOSTS = ("prov.example.com", "other.example.com", "sip.example.com", "time.example.com")
OFTEN = (
    *("CFG_CYCLIC", "CFG_CYCLIC_INTVL", "CFG_RTRY_INTVL", "CFG_RESYNC_FROM_SIP", "SYSLOG_SERVER_ENABLE"),
    *("SYSLOG_SEVERITY", "SYSLOG_ADDR", "ADMIN_PASS", "USER_PASS", "SIP_PASS", "LDAP_PASSWORD", "CFG_FILE_KEY"),
    *("HTTP_AUTH_PASSWORD", "HTTP_AUTH_ID", "NTP_ADDR", "TIME_ZONE", "DST_ENABLE", "USR_PROV_SVR_URL"),
    *("PROVISION_ENABLE", "OPTION160_ENABLE", "SIPPNP_ENABLE", "CFG_RESYNC_TIME", "LOG_TO_FILE_ENABLE"),
    *("PHONE_NUMBER", "DISPLAY_NAME", "PROTECT_SETTING_BY_PSW_ENABLE", "LINE_ENABLE", "REG_EXPIRE_TIME"),
)
"""Parameters that the phone itself goes by."""
INTERVALS = {
    "CFG_RTRY_INTVL": ("1", "2", "5", "10", "30", "0", "1441"),
    "CFG_CYCLIC_INTVL": ("10", "15", "30", "60", "40320", "0", "40321"),
    "TIME_QUERY_INTVL": ("60", "600", "43200", "0", "4294967296"),
    "TIME_SYNC_INTVL": ("30", "60", "600", "0", "-1"),
    "REG_EXPIRE_TIME": ("120", "600", "3600", "4294967295", "0"),
    "REG_RTX_INTVL": ("10", "60", "86400", "9"),
}
"""Values of what paces the phone: short enough to matter, long enough not to fill the log."""
_RANGE = re.compile(r"(-?[0-9]+)(?:-(-?[0-9]+))?")
ODD_TEXTS = ("", " ", "x", "ä€", "a&b<c>\"d'", "%s%n", "{MAC}", "N", "0", "-1", "x" * 500, "x" * 501, "a b", "\u2028")


@lru_cache(maxsize=1)
def parameters() -> tuple[Parameter, ...]:
    """Those that device files set, in the order of the catalogue."""
    return tuple(each for each in catalogue() if not each.path.startswith("Initial/"))


@lru_cache(maxsize=1)
def secrets() -> tuple[Parameter, ...]:
    """Passwords and keys."""
    return tuple(each for each in parameters() if each.secret)


@lru_cache(maxsize=1)
def harmless() -> tuple[Parameter, ...]:
    """Those that keep no phone from its servers."""
    return tuple(each for each in parameters() if each.tag not in CUTTING_OFF)


def some(draft: Draft, cutting: bool = True) -> Parameter:
    """A parameter: one of the base's files, one that the phone goes by, a secret, or any. cutting: whether it may be
    one that keeps a phone from its servers."""
    dice, known = draft.dice, catalogue().by_tag
    roll = dice.below(10)
    tag = ""
    if roll < 4 and draft.survey.parameters:
        tag = dice.choice(draft.survey.parameters)[0]
    elif roll < 7:
        tag = dice.choice(OFTEN)
    elif roll < 8:
        tag = dice.choice(secrets()).tag
    parameter = known.get(tag) or dice.choice(harmless())
    if parameter.path.startswith("Initial/"):
        return dice.choice(harmless())
    if parameter.tag in draft.survey.cutting and (not cutting or dice.chance(500_000) or not allowed(draft, tag)):
        return dice.choice(harmless())
    return parameter


def allowed(draft: Draft, key: str) -> bool:
    """Whether a parameter may be set: one that cuts the phone off only if a reset can mend that."""
    if split(key)[0] not in draft.survey.cutting:
        return True
    if draft.survey.clean:
        draft.poisoned = True
    return draft.survey.clean


def key_of(parameter: Parameter, dice: Dice) -> str:
    """Its key, mostly of the first line."""
    if not parameter.per_line:
        return parameter.tag
    return f"{parameter.tag}/{dice.choice((1, 1, 1, 2, 6))}"


def value(parameter: Parameter, dice: Dice) -> str:
    """A value that is usual, at a limit, just beyond it, or of another kind."""
    paced = INTERVALS.get(parameter.tag)
    if paced is not None:
        return dice.choice(paced)
    if dice.chance(100_000):
        return dice.choice(ODD_TEXTS)
    return dice.choice(_values(parameter.tag))


@lru_cache(maxsize=512)
def _values(tag: str) -> tuple[str, ...]:
    """What a parameter is tried with."""
    parameter = catalogue().by_tag[tag]
    made: Sequence[str] = _BY_KIND[parameter.kind](parameter)
    return tuple(dict.fromkeys((parameter.default, *made)))


def _numbers(parameter: Parameter) -> Sequence[str]:
    """The ends of each range, and what lies beyond; nothing under half a minute where seconds are counted."""
    found: list[int] = []
    for low, high in _RANGE.findall(parameter.rule):
        first, last = int(low), int(high or low)
        found += [first - 1, first, first + 1, last - 1, last, last + 1]
    if parameter.unit == "seconds":
        found = [number for number in found if number <= 0 or number >= 30] + [60]
    return [*map(str, found), f" {found[1]} ", "1e3", "0x10", "99999999999"]


def _texts(parameter: Parameter) -> Sequence[str]:
    """Some words, and the ends of the lengths that are allowed."""
    if parameter.rule.startswith("form"):
        return ("03.210", "03.220", "03.209", "3.22", "99.999")
    if parameter.rule.startswith("bytes"):
        return (*KEYS, KEYS[0][:-1], KEYS[0] + "x", "ä" * 16)
    return ("a sample word", "another-sample", "secret-of-mine", "x" * 15, "x" * 16, "x" * 17, "abcdef", "abcde", "")


def _hosts(parameter: Parameter) -> Sequence[str]:
    return (*ADDRESSES, *HOSTS, "", "2001:db8::30", "a b")


def _urls(parameter: Parameter) -> Sequence[str]:
    return (
        *("http://192.0.2.20/", "http://192.0.2.20/{MODEL}.cfg", "http://192.0.2.99/x.cfg", "https://192.0.2.20/"),
        *(
            "ftp://192.0.2.20/",
            "tftp://192.0.2.20/",
            "192.0.2.20",
            "",
            "http://",
            "http://a b/",
            "gopher://192.0.2.20/",
        ),
        *("http://192.0.2.20/" + "x" * 482, "http://192.0.2.20/" + "x" * 483),
    )


_BY_KIND = {
    "flag": lambda _: ("Y", "N", "Yes", "No", "y", "TRUE", "1"),
    "number": _numbers,
    "choice": lambda each: (*each.rule.split("|"), "9", "a b", "x" * 33),
    "list": lambda each: ("0", "300", "300,400", "300,400,500,600", "1", "2001", ","),
    "text": _texts,
    "time": lambda _: ("00:00", "00:05", "01:00", "23:59", "24:00", "2:00", "02:30", ""),
    "url": _urls,
    "host": _hosts,
}


def guarded(draft: Draft, spec: FilesSpec) -> dict[str, Any]:
    """What makes a server want a login; one that speaks only TFTP knows none."""
    user, password = draft.dice.choice((LOGINS[0], LOGINS[0], LOGINS[1], LOGINS[2]))
    kind = draft.dice.choice(("basic", "digest", "digest-sha256"))
    spoken = tuple(dict.fromkeys((*spec.protocols, "http")))
    return {"auth": kind, "user": user, "password": password, "protocols": spoken}
