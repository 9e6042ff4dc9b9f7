"""The virtual file server redirects with the status that its scenario says."""

from __future__ import annotations

import pytest

from emulator.events import HttpAnswered, HttpRequested
from emulator.world.scenario import DhcpSpec, FilesSpec, PathSpec
from tests.emulator.phone.bench import seconds, story
from tools.simulate import run

HERE, THERE = "http://192.0.2.20/a.cfg", "http://192.0.2.20/b.cfg"


@pytest.mark.parametrize(("status", "sent"), [(301, 301), (302, 302), (303, 303), (307, 307), (308, 308), (500, 302)])
def test_the_status_of_a_redirect(status: int, sent: int) -> None:
    """Of a path, and of a whole server; one that is no redirect is the usual 302 (PROV-119)."""
    path = PathSpec(behaviour="redirect", status=status, location=THERE)
    for files in (
        FilesSpec(paths={"/a.cfg": path}),
        FilesSpec(behaviour="redirect", status=status, location=THERE, paths={"/b.cfg": PathSpec(behaviour="missing")}),
    ):
        result = run(story(dhcp=(DhcpSpec(option160=HERE),), files=(files,), until=seconds(10)))
        assert result.of(HttpAnswered)[0].event.status == sent
        assert [entry.event.target for entry in result.of(HttpRequested)][:2] == ["/a.cfg", "/b.cfg"]
