"""A run that is killed: the next one completes, and the earlier publication can always be read."""

import re
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.building import Builder, Built, run_command
from tests.killing import Reader, run_and_kill, totals
from tests.published_tables import differences
from tests.small_shops import add_late_file, copy_of, short_shop, small_shop


@pytest.mark.soak
def test_killed_while_loading_building_and_publishing(build: Builder, tmp_path: Path) -> None:
    """Each run gets further than the one before, so that each takes up what a kill has left."""
    settings = copy_of(short_shop(build), tmp_path)
    before, after = totals(settings.marts_path), totals(small_shop(build).marts_path)
    assert before != after
    add_late_file(build, settings)
    log = settings.log_dir / "dbt.log"
    log.unlink()

    with Reader(settings.marts_path) as reader:
        run_and_kill(settings, lambda printed: "dbt and Dagster are up" in printed)
        loaded = run_and_kill(settings, lambda _: _has_started(log, "core.fct_order_lines"))
        assert "1 file loaded" in loaded
        built = run_and_kill(settings, lambda printed: "models built" in printed)
        assert "no new file" in built
        assert totals(settings.marts_path) == before
        done = run_command(["run"], settings)

    assert "no new file" in done.stderr
    assert reader.errors == []
    assert reader.seen <= {before, after}
    assert reader.reads > 10
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
    assert_nothing_is_doubled(settings, small_shop(build))
    assert not list(settings.resolved_data_dir.glob("marts.building*"))


def assert_nothing_is_doubled(settings: Settings, undisturbed: Built) -> None:
    """The ledger and the raw tables are those of the undisturbed run."""
    ledger = (
        "select path, dataset, status, sha256, rows_read, rows_kept, rows_rejected, money_kept "
        "from raw.loaded_files order by all"
    )
    rows = "select count(*), count(distinct _file_id) from raw.order_lines"
    found = Built(settings, "")
    for query in (ledger, rows, "select count(*) from raw.rejected_rows"):
        assert found.warehouse(query) == undisturbed.warehouse(query)
    assert found.warehouse("select count(*) from raw.order_lines where _file_id < 0") == [(0,)]


def _has_started(log: Path, model: str) -> bool:
    return (
        log.exists()
        and re.search(rf"START sql \w+ model marts\.{model}", log.read_text()) is not None
    )
