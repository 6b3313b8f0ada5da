"""Runs killed at random moments, each followed by one that completes."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.building import Builder, run_command
from tests.killing import Reader, run_and_kill, seconds_of_a_run, totals
from tests.pipeline.test_kills import assert_nothing_is_doubled
from tests.published_tables import differences
from tests.small_shops import add_late_file, copy_of, short_shop, small_shop

KILLS = int(os.environ.get("SOAK_KILLS", "50"))

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_at_a_random_moment(build: Builder, tmp_path: Path, number: int) -> None:
    """The moments are spread over the time that an undisturbed run takes here."""
    whole = _seconds_of_a_run(build, tmp_path / "measured")
    settings = copy_of(short_shop(build), tmp_path)
    before, after = totals(settings.marts_path), totals(small_shop(build).marts_path)
    add_late_file(build, settings)
    share = (number + random.Random(number).random()) / KILLS
    with Reader(settings.marts_path, seconds=0.01) as reader:
        kill_at = time.monotonic() + 0.9 * share * whole
        print(run_and_kill(settings, lambda _: time.monotonic() >= kill_at))
        assert totals(settings.marts_path) in {before, after}
        run_command(["run"], settings)
    assert reader.errors == []
    assert reader.seen <= {before, after}
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
    assert_nothing_is_doubled(settings, small_shop(build))


def _seconds_of_a_run(build: Builder, folder: Path) -> float:
    """Seconds that the run takes undisturbed; measured once."""
    known = build.folder / "soak-seconds.txt"
    if not known.exists():
        settings = copy_of(short_shop(build), folder)
        add_late_file(build, settings)
        known.write_text(str(seconds_of_a_run(settings)), encoding="utf-8")
    return float(known.read_text(encoding="utf-8"))
