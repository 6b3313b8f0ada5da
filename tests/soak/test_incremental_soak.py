"""Incremental builds at length: random histories, and Online Retail day by day in any order."""

import random
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import settings

from orchestration.settings import Settings
from tests.building import Built, run_command
from tests.pipeline.test_incremental_histories import (
    INCREMENTAL_VARIANTS,
    assert_histories_are_followed,
)
from tests.published_tables import NOT_INCREMENTAL, differences
from tests.reference_strategies import PIPELINE

BATCHES = 12

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("variant", INCREMENTAL_VARIANTS)
def test_other_histories_every_time(variant: str) -> None:
    """Each step is compared; what fails is printed so that it can be tried again."""
    chosen = settings(PIPELINE, max_examples=60, derandomize=False, print_blob=True)
    assert_histories_are_followed(variant, chosen, is_each_step_compared=True)


def test_online_retail_lands_in_random_order(uci_dir: Path, tmp_path: Path) -> None:
    """The files of single days come in batches, a run after each; then one run over all of them."""
    files = sorted((uci_dir / "by-day").iterdir())
    random.Random(20_111_209).shuffle(files)
    landing = tmp_path / "landing"
    landing.mkdir()
    step_by_step = _settings(tmp_path, "step_by_step")
    for number in range(BATCHES):
        for path in files[number::BATCHES]:
            shutil.copy2(path, landing / path.name)
        started = time.monotonic()
        run_command(["run"], step_by_step)
        mode = Built(step_by_step, "").warehouse("select mode from changes.last_build")
        print(f"batch {number + 1}: {time.monotonic() - started:.1f} s, {mode[0][0]}")
        assert mode == [("incremental" if number else "full",)]

    at_once = _settings(tmp_path, "at_once")
    run_command(["run"], at_once)
    assert differences(step_by_step.marts_path, at_once.marts_path, NOT_INCREMENTAL) == []


def _settings(tmp_path: Path, name: str) -> Settings:
    return Settings(
        landing_dir=tmp_path / "landing",
        profile="uci_online_retail",
        data_dir=tmp_path / name,
        home_dir=tmp_path / "home",
        incremental_max_share=1000,
    )
