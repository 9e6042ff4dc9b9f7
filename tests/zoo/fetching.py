"""Faults in fetching a file: redirects, logins, limits, broken bodies."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from emulator.events import (
    AttemptStarted,
    Because,
    DownloadEnded,
    Entry,
    Event,
    HttpAnswered,
    HttpRequested,
    LookupAnswered,
    Payload,
    TftpStarted,
)
from emulator.phone import configfile, download
from emulator.phone.firmware import Firmware, Reaction
from emulator.phone.httpauth import authorization, parse_challenges
from emulator.phone.storage import FILES
from emulator.phone.urls import parse_url, resolve
from tests.zoo.variant import altered, of, variant

if TYPE_CHECKING:
    from emulator.phone.state import Phone

Login = Callable[["Phone"], tuple[str, str]]
"""(user, password) that a faulty phone shows at the URL being tried; "" for none."""
_TAG = re.compile(r"<(/?)([A-Za-z_][\w.-]*)[^<>]*?(/?)>")


def _ended(made: list[Event | Because], reason: str) -> bool:
    return any(each.reason == reason for each in of(DownloadEnded, made))


# --- Redirects --------------------------------------------------------------------------------------------------------


def _trusts_307(phone: Phone, event: HttpAnswered, entry: Entry) -> Reaction:
    made = list(download.judge_http(phone, event, entry))
    if event.status != 307 or not _ended(made, "redirect-refused"):
        return made
    going = phone.download
    target = resolve(parse_url(going.url), event.header("Location") or "")
    if target.scheme != "http":
        return made
    return [AttemptStarted(going.file, target.text, going.index, going.redirects + 1, False)]


@variant("PROV-119")
def temporary_redirect_down_to_http(phone: Firmware) -> Firmware:
    """A redirect from https down to http is followed if its status is 307."""
    return phone.replacing(download.judge_http, _trusts_307)


def _counts_by_host(phone: Phone, event: HttpAnswered, entry: Entry) -> Reaction:
    def counted(made: Event) -> Event:
        if not isinstance(made, AttemptStarted) or made.redirects < 2:
            return made
        moved = parse_url(made.url).host != parse_url(phone.download.url).host
        return attrs.evolve(made, redirects=1) if moved else made

    return altered(download.judge_http(phone, event, entry), counted)


@variant("PROV-119")
def redirects_counted_for_each_host(phone: Firmware) -> Firmware:
    """The count of redirects begins anew with another host, so two servers can send the phone to and fro for ever."""
    return phone.replacing(download.judge_http, _counts_by_host)


# --- Logins -----------------------------------------------------------------------------------------------------------


def _logging_in(phone: Firmware, login: Login) -> Firmware:
    """The phone that shows ``login`` where it should have none to show."""

    def judge(phone: Phone, event: HttpAnswered, entry: Entry) -> Reaction:
        made = list(download.judge_http(phone, event, entry))
        if not _ended(made, "no-credentials") or not login(phone)[0]:
            return made
        going = phone.download
        return [AttemptStarted(going.file, going.url, going.index, going.redirects, True)]

    def ask(phone: Phone, event: AttemptStarted, entry: Entry) -> Reaction:
        return altered(download.try_url(phone, event, entry), lambda made: shown(phone, made))

    def named(phone: Phone, event: LookupAnswered, entry: Entry) -> Reaction:
        return altered(download.name_answered(phone, event, entry), lambda made: shown(phone, made))

    def shown(phone: Phone, made: Event) -> Event:
        if not isinstance(made, HttpRequested) or not phone.download.authorized:
            return made
        has_one = download.credentials(phone, parse_url(phone.download.url))[0]
        return made if has_one else _with_login(phone, made, *login(phone))

    changed = phone.replacing(download.judge_http, judge)
    return changed.replacing(download.try_url, ask).replacing(download.name_answered, named)


def _with_login(phone: Phone, made: HttpRequested, user: str, password: str) -> HttpRequested:
    cnonce = f"{phone.draw('http-cnonce', phone.download.attempts):016x}"
    proof = authorization(
        phone.download.challenges, method="GET", target=made.target, user=user, password=password, cnonce=cnonce
    )
    others = tuple(header for header in made.headers if header[0] != "Authorization")
    return (
        made if proof is None else attrs.evolve(made, headers=(*others[:-1], ("Authorization", proof[1]), others[-1]))
    )


def _digest_for_strangers(phone: Phone) -> tuple[str, str]:
    challenged = {challenge.scheme for challenge in parse_challenges(phone.download.challenges)}
    ordered = parse_url(phone.download.urls[phone.download.index])
    if ordered.host == parse_url(phone.download.url).host or "digest" not in challenged:
        return "", ""
    return phone.settings.value("HTTP_AUTH_ID"), phone.settings.value("HTTP_AUTH_PASSWORD")


@variant("PROV-119")
def digest_sent_to_another_host(phone: Firmware) -> Firmware:
    """A host that the phone was redirected to gets the login of the settings if it asks by Digest."""
    return _logging_in(phone, _digest_for_strangers)


def _manual_login(phone: Phone) -> tuple[str, str]:
    if phone.download.file not in FILES or phone.provisioning.source != "manual URL":
        return "", ""
    return phone.settings.value("USR_PROV_SVR_AUTH_ID"), phone.settings.value("USR_PROV_SVR_AUTH_PASSWORD")


@variant("PROV-113")
def manual_login_for_every_file(phone: Firmware) -> Firmware:
    """The login of the manual URL is shown for the device files too, on whatever server they are."""
    return _logging_in(phone, _manual_login)


# --- Limits and bodies ------------------------------------------------------------------------------------------------


def _one_less(made: Event) -> Event:
    return attrs.evolve(made, limit=made.limit - 1) if isinstance(made, TftpStarted) else made


def _tries_tftp_for_less(phone: Phone, event: AttemptStarted, entry: Entry) -> Reaction:
    return altered(download.try_url(phone, event, entry), _one_less)


def _asks_tftp_for_less(phone: Phone, event: LookupAnswered, entry: Entry) -> Reaction:
    return altered(download.name_answered(phone, event, entry), _one_less)


@variant("PROV-148")
def tftp_limit_off_by_one(phone: Firmware) -> Firmware:
    """By TFTP a file of exactly 240 KB counts as too large."""
    changed = phone.replacing(download.try_url, _tries_tftp_for_less)
    return changed.replacing(download.name_answered, _asks_tftp_for_less)


def mended(body: bytes) -> bytes:
    """A configuration file that ends too early, with the end tags that it lacks; any other body as it is."""
    text = body[: body.rfind(b">") + 1].decode("utf-8", "replace")
    opened: list[str] = []
    for closing, name, empty in _TAG.findall(text):
        if closing:
            if not opened or opened.pop() != name:
                return body
        elif not empty:
            opened.append(name)
    made = (text + "".join(f"</{name}>" for name in reversed(opened))).encode()
    return made if opened and _is_configuration(made) and not _is_configuration(body) else body


def _is_configuration(body: bytes) -> bool:
    try:
        configfile.parse(body)
    except configfile.FormatError:
        return False
    return True


def _takes_a_part(phone: Phone, event: HttpAnswered, entry: Entry) -> None:
    download.http_answered(phone, event, entry)
    going = phone.download
    if going.answered == entry.n and going.file in FILES:
        going.body = Payload(mended(going.body))


@variant("PROV-145")
def truncated_file_applied(phone: Firmware) -> Firmware:
    """Of a file that ends too early, what came of it is applied."""
    return phone.replacing(download.http_answered, _takes_a_part)
