"""File servers: how they fail, redirect, want logins, and speak other protocols."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from emulator.events import SECOND
from emulator.world.scenario import (
    FILE_BEHAVIOURS,
    FTP_QUIRKS,
    TFTP_FAULTS,
    DhcpSpec,
    Duration,
    FilesSpec,
    PathSpec,
)
from tools.fuzz.mutators.documents import now_served, serve
from tools.fuzz.mutators.draft import SOME, Draft
from tools.fuzz.mutators.people import again
from tools.fuzz.mutators.sources import usual_url
from tools.fuzz.mutators.words import LOGINS, allowed, guarded

STATUSES = (
    *(100, 200, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 407, 410, 418, 429, 500, 502, 503, 504),
)
REDIRECTING = (301, 302, 302, 302, 302, 303, 307, 307, 308, 300)
FAILURES = tuple(each for each in FILE_BEHAVIOURS if each not in ("well", "redirect", "redirect-loop"))
OTHER = "192.0.2.21"
"""A second host with the same files."""


def failing(draft: Draft) -> bool:
    """The server, or a path of it, fails in some way, for some time; sometimes the phone asks again meanwhile."""
    dice, place = draft.dice, draft.pick("files")
    if place is None or not draft.survey.asked:
        return False
    window = (0, draft.calm) if dice.chance(500_000) else draft.window()
    behaviour = dice.choice(FAILURES)
    if dice.chance(750_000):
        asked = dice.choice(draft.survey.asked)
        now = PathSpec(behaviour=behaviour, status=dice.choice(STATUSES))
        if behaviour in ("slow", "cut-off"):
            now = evolve(now, text=now_served(draft, asked))
        serve(draft, asked, now, window)
    else:
        spec: FilesSpec = draft.tables["files"][place]
        draft.spoil("files", place, evolve(spec, behaviour=behaviour, status=dice.choice(STATUSES)), window)
    if dice.chance(400_000):
        again(draft, window[0] + dice.below(20 * SECOND))
    if dice.chance(150_000):
        draft.reach(SOME)
    return True


def slow(draft: Draft) -> bool:
    """The server takes its time, or its line does, or it is not there yet, or no more."""
    dice, place = draft.dice, draft.pick("files")
    if place is None:
        return False
    spec: FilesSpec = draft.tables["files"][place]
    changes: dict[str, Any] = dice.choice(
        (
            {"delay": Duration(dice.choice((1, 5, 9, 10, 15, 20, 29, 30, 31, 60)) * SECOND)},
            {"speed": dice.choice((20, 100, 500, 5_000, 50_000))},
        )
    )
    if dice.chance(700_000):
        draft.spoil("files", place, evolve(spec, **changes))
    else:
        specs = draft.tables["files"]
        start, end = draft.window()
        old = specs[place]
        pieces = [evolve(old, end=Duration(start))] if old.start < start < old.end else []
        pieces += [evolve(old, start=Duration(end))] if old.start < end < old.end else []
        if pieces:
            specs[place : place + 1] = pieces
            draft.touched.add("files")
    return True


def redirects(draft: Draft) -> bool:
    """A file is elsewhere: over one step or many, in a circle, over two hosts, from a safe place to an open one."""
    dice, place = draft.dice, draft.pick("files")
    if place is None or not draft.survey.asked:
        return False
    asked = dice.choice(draft.survey.asked[:1]) if dice.chance(600_000) else dice.choice(draft.survey.asked)
    spec: FilesSpec = draft.tables["files"][place]
    hosts = (spec.address, OTHER) if ":" not in spec.address else (spec.address, spec.address)
    steps = dice.choice((1, 1, 2, 2, 4, 5, 6, 6, 7, 10))
    schemes = dice.choice((("http",), ("https",), ("http", "https"), ("https", "http")))
    login = "joe:a-sample-word@" if dice.chance(200_000) else ""
    paths: tuple[dict[str, PathSpec], ...] = ({}, {})
    here = asked.target
    for step in range(steps):
        there = (step + 1) % 2 if dice.chance(600_000) else step % 2
        last = step == steps - 1
        target = asked.target if last and dice.chance(500_000) else f"/step{step + 1}.cfg"
        location = f"{schemes[step % len(schemes)]}://{login}{host_of(hosts[there])}{target}"
        for each in paths:
            there_ = relative(location, target, draft)
            each.setdefault(here, PathSpec(behaviour="redirect", status=dice.choice(REDIRECTING), location=there_))
        here = target
    for each in paths if dice.chance(700_000) else ():
        each.setdefault(here, PathSpec(text=asked.text))
    guard = guarded(draft, spec) if dice.chance(350_000) else {}
    guard["protocols"] = tuple(dict.fromkeys((*spec.protocols, "http", "https")))
    window = (0, draft.calm) if dice.chance(700_000) else draft.window()
    draft.spoil("files", place, evolve(spec, paths={**spec.paths, **paths[0]}, **guard), window)
    own: dict[str, PathSpec] = paths[1] if dice.chance(500_000) else {}
    other = FilesSpec(OTHER, ("http", "https"), root=spec.root, paths={**own, here: PathSpec(text=asked.text)})
    if dice.chance(250_000):
        other = evolve(other, **guarded(draft, other))
        draft.provision({"HTTP_AUTH_ID": other.user, "HTTP_AUTH_PASSWORD": other.password})
    draft.add("files", other)
    if dice.chance(500_000):
        lead(draft, dice.choice(("https", "http")), "joe:a-sample-word@" if guard and dice.chance(700_000) else "")
    return True


def host_of(address: str) -> str:
    """An address as it stands in a URL."""
    return f"[{address}]" if ":" in address else address


def relative(location: str, target: str, draft: Draft) -> str:
    """A Location: mostly as it is, sometimes in another form or of another kind."""
    others = (
        target,
        target.lstrip("/"),
        f"//192.0.2.21{target}",
        f"{location}#a",
        f" {location}",
        "ftp://192.0.2.20/a",
        "?",
    )
    return draft.dice.choice(others) if draft.dice.chance(120_000) else location


def lead(draft: Draft, scheme: str, login: str) -> None:
    """Have the first DHCP server name the base's URL with another scheme, and a login."""
    url = usual_url(draft)
    rest = url.partition("://")[2].rpartition("@")[2]
    for place, spec in enumerate(draft.tables["dhcp"][:1]):
        new: DhcpSpec = evolve(spec, option160=f"{scheme}://{login}{rest}"[:240])
        draft.spoil("dhcp", place, new, (0, draft.calm))


def logins(draft: Draft) -> bool:
    """The server wants a login, which stands in the URL, in the settings, or nowhere, and is right or wrong."""
    dice, place = draft.dice, draft.pick("files")
    if place is None:
        return False
    spec: FilesSpec = draft.tables["files"][place]
    guard = guarded(draft, spec)
    draft.spoil("files", place, evolve(spec, **guard), draft.window() if dice.chance(300_000) else (0, draft.calm))
    user, password = dice.choice(((guard["user"], guard["password"]), (guard["user"], guard["password"]), LOGINS[1]))
    way = dice.below(4)
    if way == 0:
        lead(draft, "http", f"{user}:{password.replace(' ', '%20').replace('@', '%40')}@")
    elif way == 1:
        draft.provision({"HTTP_AUTH_ID": user, "HTTP_AUTH_PASSWORD": password})
    elif way == 2 and allowed(draft, "HTTP_AUTH_ID"):
        at = draft.when()
        draft.act("web", at, key="HTTP_AUTH_ID", value=user)
        draft.act("web", at + 1, key="HTTP_AUTH_PASSWORD", value=password)
        again(draft, at + dice.below(5 * SECOND))
    return True


def protocols(draft: Draft) -> bool:
    """The files come by TFTP, FTP or HTTPS, from a server with peculiarities, or one that does not speak it."""
    dice, place = draft.dice, draft.pick("files")
    if place is None:
        return False
    spec: FilesSpec = draft.tables["files"][place]
    scheme = dice.choice(("tftp", "tftp", "ftp", "ftp", "https"))
    spoken = ("http", scheme) if dice.chance(900_000) else spec.protocols
    changes: dict[str, Any] = {"protocols": tuple(dict.fromkeys(spoken))}
    if "tftp" in changes["protocols"]:
        changes |= {"tftp_fault": dice.choice(TFTP_FAULTS), "tftp_options": True}
        changes["paths"] = {name: evolve(path, pad_to=0) for name, path in spec.paths.items()}
        if changes["tftp_fault"] == "none":
            changes["tftp_options"] = dice.chance(500_000)
    else:
        changes |= {"tftp_fault": "none", "tftp_options": True}
    changes["ftp"] = tuple(each for each in FTP_QUIRKS if dice.chance(300_000)) if "ftp" in changes["protocols"] else ()
    if scheme == "https":
        changes["certificate"] = dice.choice(("good", "untrusted", "expired", "other-name"))
    draft.spoil("files", place, evolve(spec, **changes), (0, draft.calm))
    lead(draft, scheme, "joe:a-sample-word@" if scheme == "ftp" and dice.chance(300_000) else "")
    if draft.survey.asked and dice.chance(400_000):
        asked = draft.survey.asked[0]
        text = now_served(draft, asked).replace("http://", f"{scheme}://")
        serve(draft, asked, PathSpec(text=text), (0, draft.calm))
    return True
