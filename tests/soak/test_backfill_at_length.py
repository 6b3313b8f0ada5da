"""A backfill through the command, of months that RFM did not look back at."""

from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.building import Builder, Built, run_command
from tests.published_tables import NOT_INCREMENTAL, differences
from tests.small_shops import copy_of, small_shop

pytestmark = pytest.mark.soak


def test_a_backfill_reaches_months_that_rfm_did_not_look_back_at(
    build: Builder, tmp_path: Path
) -> None:
    settings = Settings(
        **{**copy_of(small_shop(build), tmp_path).model_dump(), "rfm_snapshot_months": 6}
    )
    run_command(["run"], settings)
    done = run_command(["backfill", "--from", "2023-03", "--to", "2023-04"], settings)
    assert "CUSTOMER_VALUE_RFM_SNAPSHOT_MONTHS=21" in done.stderr
    first = Built(settings, "").marts(
        "select cast(min(snapshot_date) as varchar) from rfm.dim_snapshots"
    )
    assert first == [("2023-03-31",)]
    anew = Settings(
        **{**settings.model_dump(), "data_dir": tmp_path / "anew", "rfm_snapshot_months": 21}
    )
    run_command(["run"], anew)
    assert differences(settings.marts_path, anew.marts_path, NOT_INCREMENTAL) == []
