"""A hundred thousand commits: no sector of the store is worn more than three times as much as the median one."""

import random
from statistics import median

import pytest

from flash_image.chip import Chip, Geometry
from flash_image.layout import FILES, JOURNAL, partitions
from tests.flash_image.journal_model import NAMES, commit, fresh, mount, power_on

COMMITS = 100_000


def worn(chip: Chip, name: str) -> list[int]:
    place = partitions(chip).partition(name)
    return [chip.wear.get(sector, 0) for sector in range(place.first, place.first + place.count)]


def even(counts: list[int]) -> bool:
    return max(counts) <= 3 * median(counts) and min(counts) > 0


def test_a_hundred_thousand_commits_of_settings_wear_the_journal_evenly() -> None:
    chip = fresh(Geometry())
    for number in range(COMMITS):
        commit(chip, {"count": b"%d" % number}, first=number % 1000 == 0)
    assert mount(chip).values == {"count": b"%d" % (COMMITS - 1)}
    counts = worn(chip, JOURNAL)
    assert even(counts)
    assert max(counts) < COMMITS / 400, "a bank takes hundreds of them"
    assert set(worn(chip, FILES)) == {0}


@pytest.mark.parametrize("cuts", [False, True])
def test_commits_of_files_wear_the_file_area_evenly(cuts: bool) -> None:
    rng = random.Random(4)
    chip = fresh()
    for number in range(COMMITS // 10):
        body = rng.randbytes(rng.randrange(1, 1000))
        commit(chip, {"count": b"%d" % number}, {rng.choice(NAMES): body} if number % 3 == 0 else {}, first=cuts)
        if cuts:
            power_on(chip)
    for name in (JOURNAL, FILES):
        assert even(worn(chip, name))
