"""Which value wins: the merge of the layers (spec section 22, PROV-160 to PROV-167, PROV-181, PROV-182, PROV-186)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from emulator.events import Because, SettingChanged
from emulator.phone.configfile import Entry as Parameter
from emulator.phone.settings import Settings, Stored


def merge(settings: Settings, files: Sequence[tuple[str, Iterable[Parameter], int]]) -> Iterator[Because]:
    """The changes that ``files`` make, strongest file first: (name, parameters, number of the entry that read it).

    The first file that sets a parameter wins it, with its ``perm`` and ``access``; the flags of a losing entry do
    nothing (PROV-163). A parameter in no file keeps its provisioned value (PROV-186). Equal values change nothing.
    """
    taken: set[str] = set()
    for name, parameters, n in files:
        for parameter in parameters:
            key = parameter.key
            if key in taken:
                continue
            taken.add(key)
            stored = Stored(parameter.value, parameter.perm, parameter.access)
            if settings.provisioned.get(key) != stored:
                yield Because(SettingChanged(key, "provisioned", *stored, name), (n,))
            if parameter.perm.startswith("!") and key in settings.user:
                yield Because(SettingChanged(key, "user", None, "", "", name), (n, settings.grounds(key)))
