"""Where the value of a setting comes from: a change, the flash, or the factory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import sha256

from attrs import frozen

from emulator.events import (
    ConfigurationRead,
    Entry,
    Event,
    FactoryResetDone,
    HttpAnswered,
    ParameterSkipped,
    PowerLost,
    PowerOff,
    RestartOrdered,
    SettingChanged,
    SettingRefused,
    SettingsLoaded,
)
from emulator.log.store import LogError
from emulator.phone.catalogue import LINES, catalogue
from tools.why.chain import Chain
from tools.why.graph import BECAUSE
from tools.why.model import Found
from tools.why.origins import default
from tools.why.sentences import quoted
from tools.why.subjects import ABSENT, LAYERS

OFF = (PowerOff.kind, PowerLost.kind, RestartOrdered.kind)
SAID = (SettingChanged.kind, SettingRefused.kind, ParameterSkipped.kind, ConfigurationRead.kind)
READS = 50
"""Files read that are looked at for a setting which none of them set, the latest first."""


def known_key(text: str) -> str:
    """``TAG`` or ``TAG/line`` of a setting. Raises LogError, with the nearest name that there is."""
    tag, slash, line = text.partition("/")
    parameter = catalogue().by_tag.get(tag)
    if parameter is None:
        near = get_close_matches(tag.upper(), catalogue().by_tag, 1, 0.5)
        raise LogError(
            f"there is no setting {tag[:80]!r}"
            + (f"; did you mean {near[0]}?" if near else "; `offhook params` lists them")
        )
    lines = [str(number) for number in range(1, LINES + 1)]
    if parameter.per_line and line not in lines:
        raise LogError(f"{tag} has a value for each line: give setting:{tag}/1 to setting:{tag}/{LINES}")
    if slash and not parameter.per_line:
        raise LogError(f"{tag} is not a setting of a line: give setting:{tag}")
    return text


@frozen
class Layer:
    """The value of one layer: None if it has none. change: the event since when it is so, 0 for as it was loaded."""

    value: str | None
    change: int


@frozen
class Setting:
    """A setting of one phone just after event ``at``.

    load: the event in which the settings were loaded; since: what has been said of it since then, the latest first:
    changes, refusals, parameters skipped, and files that were read.
    """

    chain: Chain
    key: str
    at: int
    load: Entry
    since: tuple[Entry, ...]

    def layer(self, prefix: str) -> Layer:
        """What a layer holds."""
        for entry in self.since:
            change = entry.event
            if isinstance(change, SettingChanged) and change.layer == LAYERS[prefix]:
                return Layer(change.value, entry.n)
        if isinstance(self.load.event, SettingsLoaded) and not self.load.event.values:
            return Layer(None, 0)
        return Layer(self.chain.flash(self.load.phone).value(f"{prefix}{self.key}", self.load.n), 0)

    def shown(self, value: str) -> str:
        """A value of it as it may be shown."""
        return quoted(self.key, value, self.chain.secrets)


def explain(chain: Chain, phone: int, at: int, text: str) -> Found:
    """Why a setting of a phone is what it is just after event ``at``. Raises LogError."""
    key = known_key(text)
    gone, load = False, None
    for entry in chain.reader.back(phone, at, (SettingsLoaded.kind, *OFF)):
        if isinstance(entry.event, SettingsLoaded):
            load = entry
            break
        gone = True
    if load is None:
        raise LogError(f"phone {phone} has not read its settings by event {at}; ask about a later event")
    said = chain.reader.back(phone, at, SAID, after=load.n)
    setting = Setting(chain, key, at, load, tuple(e for e in said if _concerns(e.event, key)))
    user, provisioned = setting.layer("u/"), setting.layer("p/")
    off = (f"the phone is off just after event {at}: this is what it went by before",) if gone else ()
    if user.value is not None:
        return _in_force(setting, user, "u/", (*_beaten(setting, provisioned), *off))
    dropped = ((user.change, BECAUSE),) if user.change else ()
    if provisioned.value is not None:
        found = _in_force(setting, provisioned, "p/", off)
        return Found(found.answer, (*found.heads, *dropped), found.subject)
    return _factory(setting, dropped, off)


def _concerns(event: Event, key: str) -> bool:
    """Whether an event says something of a setting, or may."""
    if isinstance(event, ParameterSkipped):
        return key.partition("/")[0] in event.where
    return isinstance(event, ConfigurationRead) or getattr(event, "key", "") == key


def _in_force(setting: Setting, layer: Layer, prefix: str, more: tuple[str, ...]) -> Found:
    """A value that is set."""
    by = "typed in by the user" if prefix == "u/" else "provisioned"
    same = ", which is its factory default too" if layer.value == default(setting.key) else ""
    answer = f"{setting.key} is {setting.shown(layer.value or '')}: {by}{same}"
    if layer.change:
        return Found((answer, *more), ((layer.change, ""),))
    return Found((answer, *more), ((setting.load.n, ""),), f"{prefix}{setting.key}")


def _beaten(setting: Setting, provisioned: Layer) -> tuple[str, ...]:
    """What a user's value stands in front of (PROV-181)."""
    if provisioned.value is None:
        return ()
    since = f" (since event {provisioned.change})" if provisioned.change else ""
    return (f"the provisioned value {setting.shown(provisioned.value)}{since} does not count beside it",)


def _factory(setting: Setting, dropped: tuple[tuple[int, str], ...], off: tuple[str, ...]) -> Found:
    """A value that nobody set."""
    key, load = setting.key, setting.load.n
    earlier = next(iter(_changes_before(setting)), None)
    who = "nothing has set it since the settings were loaded" if earlier or dropped else "nothing in this run set it"
    answer = [f"{key} is {setting.shown(default(key))}: {who}, and this is its factory default"]
    heads = [(load, ""), *dropped]
    if earlier is not None:
        reset = next((e for e in _between(setting, earlier.n, (FactoryResetDone.kind,))), None)
        how = (
            f"the factory reset ({reset.n}) cleared it" if reset else "that did not last until the settings were loaded"
        )
        answer.append(f"it had been set before, in event {earlier.n}; {how}")
        heads += [(reset.n, BECAUSE)] if reset else [(earlier.n, BECAUSE)]
    reads = _reads(setting)
    answer += _looked_at(setting, reads)
    heads += [(entry.n, BECAUSE) for entry in reads]
    answer += _in_vain(setting)
    return Found((*answer, *off), tuple(heads), f"{ABSENT}{key}")


def _changes_before(setting: Setting) -> Iterator[Entry]:
    """Changes of the setting before the settings were loaded, the latest first."""
    load, named = setting.load, f'"key":"{setting.key}"'
    changes = setting.chain.reader.back(load.phone, load.n, (SettingChanged.kind,), named)
    return (entry for entry in changes if isinstance(entry.event, SettingChanged) and entry.event.key == setting.key)


def _between(setting: Setting, after: int, kinds: tuple[str, ...]) -> Iterator[Entry]:
    return setting.chain.reader.forth(setting.load.phone, after, setting.load.n, kinds)


def _reads(setting: Setting) -> list[Entry]:
    """The files that were read since the settings were loaded, in order; of equal files the latest."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in [entry for entry in setting.since if isinstance(entry.event, ConfigurationRead)][:READS]:
        if isinstance(entry.event, ConfigurationRead):
            found.setdefault((entry.event.file, entry.event.digest), entry)
    return list(found.values())[::-1]


def _looked_at(setting: Setting, reads: list[Entry]) -> Iterator[str]:
    """What the files that were read say of the setting, as far as they are still there to look at."""
    without: list[str] = []
    lost: list[str] = []
    for entry in reads:
        name = f"{entry.event.file} ({entry.n})" if isinstance(entry.event, ConfigurationRead) else ""
        body = _body(setting, entry)
        said = [] if body is None else _values(body, setting.key)
        if said:
            yield f"the file {name} says {setting.shown(said[-1])}, and that was not taken over"
        else:
            (lost if body is None else without).append(name)
    if without:
        yield f"files that were read and do not carry it: {', '.join(without)}"
    if lost:
        yield f"files that were read and are kept nowhere, so that nobody can look: {', '.join(lost)}"


def _body(setting: Setting, entry: Entry) -> bytes | None:
    """The text of a configuration file that was read: from the answer that brought it, or as it was saved."""
    event = entry.event
    if not isinstance(event, ConfigurationRead):
        return None
    for n in entry.because:
        answer = setting.chain.reader.get(n)
        body = answer.event.body if answer is not None and isinstance(answer.event, HttpAnswered) else b""
        if sha256(body).hexdigest() == event.digest:
            return body
    from flash_image import FileDamaged, read_file

    flash = setting.chain.flash(setting.load.phone)
    ref = flash.mounted(setting.at).files.get(event.file)
    try:
        saved = b"" if ref is None else read_file(flash.history.at(setting.at), ref)
    except FileDamaged:
        return None
    return saved if sha256(saved).hexdigest() == event.digest else None


def _values(body: bytes, key: str) -> list[str]:
    """The values that a configuration file has for a setting; most have none, which is seen at a glance."""
    if not re.search(rb"<\s*" + key.partition("/")[0].encode() + rb"\b", body):
        return []
    from emulator.phone import configfile

    try:
        return [entry.value for entry in configfile.parse(body).entries if entry.key == key]
    except configfile.FormatError:
        return []


def _in_vain(setting: Setting) -> Iterator[str]:
    """What was tried and not taken: a parameter that a file had and that was skipped, a value that was typed."""
    for entry in reversed(setting.since):
        event = entry.event
        if isinstance(event, ParameterSkipped):
            yield f"the {event.file} file had it, and it was skipped in event {entry.n}: {event.code}"
        elif isinstance(event, SettingRefused):
            yield f"a value that was typed in was not taken in event {entry.n}: {event.reason}"
