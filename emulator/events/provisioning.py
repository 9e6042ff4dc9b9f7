"""The nine steps, the files they bring and the settings that change."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar

from attrs import frozen

from emulator.events.base import Event
from emulator.events.masking import hide_passwords, masked

STEPS = (1, 2, 3, 4, 5, 6, 61, 7, 8, 9)
"""The numbers of the steps, in their order (PROV-001 to PROV-011)."""
_BETWEEN = MappingProxyType({61: "6a"})


def step_name(number: int) -> str:
    """A step as people write it: the guide's number, and ``6a`` for 61, which the guide does not number (PROV-011).

    The names sort as the steps follow each other.
    """
    return _BETWEEN.get(number, str(number))


@frozen
class RunStarted(Event):
    """A provisioning run begins.

    trigger: ``start``, ``retry``, ``address`` (again, after a failure without one), ``cyclic``, ``time-of-day`` or
    ``check-sync``.
    """

    trigger: str

    def _line(self) -> str:
        return f"provisioning run begins ({self.trigger})"


@frozen
class RunDeferred(Event):
    """A run that was asked for while another is on comes after it (PROV-256)."""

    trigger: str

    def _line(self) -> str:
        return f"another provisioning run will follow ({self.trigger})"


@frozen
class StepEntered(Event):
    """The run enters a step of the guide (:func:`step_name`). url and source are set for step 8 only."""

    mark: ClassVar[str] = "▶"
    step: int
    url: str = ""
    source: str = ""

    def _line(self) -> str:
        return f"URL from {self.source}: {hide_passwords(self.url)}" if self.source else ""


@frozen
class SourceTried(Event):
    """A source of the provisioning URL was consulted.

    setting, value: the parameter that switches it and its value ("" where there is none); url: None when it gave
    none, and then reason says why (``disabled``, ``not-populated``, ``no-answer`` ...).
    """

    step: int
    source: str
    setting: str
    value: str
    url: str | None
    reason: str

    def _line(self) -> str:
        switch = f" ({self.setting}={self.value})" if self.setting else ""
        if self.url is None:
            return f"{self.source}{switch} gives no URL: {self.reason}"
        return f"{self.source}{switch} gives {hide_passwords(self.url)}"


@frozen
class ConfigurationRead(Event):
    """A configuration file was decrypted if need be, parsed and accepted (PROV-145, PROV-193).

    file: ``initial``, ``standard``, ``product``, ``master``; origin: ``download`` or ``saved copy``; digest: SHA-256
    of the plain file; cipher: "" or the digest its key was derived with; parameters: accepted; skipped: notes logged;
    needed: for an initial file, the files it names, as (file, URL as written).
    """

    file: str
    origin: str
    digest: str
    cipher: str
    parameters: int
    skipped: int
    needed: tuple[tuple[str, str], ...]

    def _line(self) -> str:
        cipher = f", decrypted ({self.cipher})" if self.cipher else ""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        names = f"; names {', '.join(name for name, _ in self.needed)}" if self.needed else ""
        return f"{self.file} {self.origin} read: {self.parameters} parameters{skipped}{cipher}{names}"


@frozen
class CertificateRead(Event):
    """A root certificate was fetched and is one (PROV-222). digest: SHA-256 of its DER form."""

    file: str
    digest: str

    def _line(self) -> str:
        return f"{self.file} certificate read, sha256 {self.digest[:16]}"


@frozen
class FileRefused(Event):
    """A file that arrived is not used; nothing in it applies (PROV-145). reason: fixed code."""

    file: str
    origin: str
    reason: str

    def _line(self) -> str:
        return f"{self.file} {self.origin} refused: {self.reason}"


@frozen
class ParameterSkipped(Event):
    """Part of a file was skipped, the rest applies (PROV-144). where: tag or path, never a value."""

    file: str
    code: str
    where: str

    def _line(self) -> str:
        return f"{self.file} file: {self.code} at {self.where}"


@frozen
class SettingChanged(Event):
    """One stored setting changed.

    layer: ``provisioned`` or ``user``; value: None when the user's value was dropped (PROV-163); perm, access: the
    attributes stored with a provisioned value; origin: the file, or ``web``/``phone``.
    """

    mark: ClassVar[str] = "="
    key: str
    layer: str
    value: str | None
    perm: str
    access: str
    origin: str

    def _line(self) -> str:
        attributes = "".join(f' {n}="{v}"' for n, v in (("perm", self.perm), ("access", self.access)) if v)
        if self.value is None:
            return f"{self.key}: the user's value is dropped ({self.origin} file)"
        return f"{self.key} = {masked(self.key, self.value)}{attributes} ({self.layer}, {self.origin})"


@frozen
class SettingRefused(Event):
    """A value typed by the user was not taken. reason: ``read-only``, ``unknown`` or a reason of the catalogue."""

    key: str
    reason: str

    def _line(self) -> str:
        return f"{self.key} not changed: {self.reason}"


@frozen
class RunEnded(Event):
    """The provisioning run is over.

    outcome: ``provisioned`` (every needed file arrived), ``partly`` (some did), ``saved`` (the phone runs on its
    saved files), ``failed`` (there are none), ``disabled`` (PROVISION_ENABLE is N).
    """

    mark: ClassVar[str] = "■"
    outcome: str
    source: str
    changed: int
    failed: tuple[str, ...]

    def _line(self) -> str:
        failed = f"; failed: {', '.join(self.failed)}" if self.failed else ""
        source = f" through {self.source}" if self.source else ""
        return f"run ends: {self.outcome}{source}, {self.changed} settings changed{failed}"
