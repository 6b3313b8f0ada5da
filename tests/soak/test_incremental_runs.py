"""Runs that build upon the last publication: their tables are those of a run that starts anew.

Belongs here: whole runs through the command and single assets through Dagster. Does not belong
here: the many ways in which files can arrive (test_incremental_soak.py).
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.assets import dbt as assets_dbt
from orchestration.build import build_definitions
from orchestration.dagster_instance import command_line_instance
from orchestration.errors import CustomerValueError
from orchestration.progress import SilentReporter
from orchestration.publishing.kept import kept_publications
from orchestration.refresh import refresh
from orchestration.settings import Settings
from tests.building import Builder, Built, copied_project, run_command
from tests.killing import run_and_kill
from tests.published_tables import NOT_INCREMENTAL, differences
from tests.small_shops import add_late_file, copy_of, short_shop, small_shop

pytestmark = pytest.mark.soak

CHANGED_FILE = "canonical/order_lines_2024-06.csv"
LAST_FILE = "canonical/order_lines_2024-12.csv"
CUSTOMERS_FILE = "canonical/customers.csv"


def _copy(built: Built, folder: Path) -> Settings:
    """A copy in which no change is too much to be built incrementally."""
    return _changed(copy_of(built, folder), incremental_max_share=1000)


def _changed(settings: Settings, **changes: object) -> Settings:
    return Settings(**{**settings.model_dump(), **changes})


def _mode(settings: Settings) -> str:
    return str(Built(settings, "").warehouse("select mode from changes.last_build")[0][0])


def _assert_a_part_was_touched(settings: Settings) -> None:
    assert _mode(settings) == "incremental"
    touched, known = Built(settings, "").warehouse(
        "select (select count(*) from changes.touched_customers), "
        "(select count(*) from marts.core.dim_customers)"
    )[0]
    assert 0 < touched < known


def _built_anew(settings: Settings, folder: Path) -> Path:
    """Marts that one run makes of the landing folder as it stands."""
    anew = _changed(settings, data_dir=folder, landing_dir=settings.resolved_landing_dir)
    run_command(["run", "--full-refresh"], anew)
    return anew.marts_path


def _without_lines(path: Path, dropped: Callable[[int], bool]) -> None:
    header, *lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for number, line in enumerate(lines) if not dropped(number)]
    path.write_text("\n".join([header, *kept]) + "\n", encoding="utf-8")


def test_late_changed_and_shortened_files(build: Builder, tmp_path: Path) -> None:
    settings = _copy(short_shop(build), tmp_path)
    landing = settings.resolved_landing_dir
    add_late_file(build, settings)
    run_command(["run"], settings)
    _assert_a_part_was_touched(settings)
    assert differences(settings.marts_path, small_shop(build).marts_path, NOT_INCREMENTAL) == []

    # Lines that vanish from a closed month, and the last days of the data, which move the as-of
    # date back to before the last registrations.
    _without_lines(landing / CHANGED_FILE, lambda number: number % 20 == 3)
    _without_lines(landing / LAST_FILE, lambda number: number >= 5)
    run_command(["run"], settings)
    _assert_a_part_was_touched(settings)
    anew = _built_anew(settings, tmp_path / "second")
    assert differences(settings.marts_path, anew, NOT_INCREMENTAL) == []

    # Back to the publication before both: the next run takes up all that has changed since.
    assert "Published again: number 1" in run_command(["restore", "--to", "1"], settings).stdout
    assert differences(settings.marts_path, short_shop(build).marts_path, ()) == []
    assert Built(settings, "").warehouse("select count(*) from audit.node_results") == [(0,)]
    _without_lines(landing / CUSTOMERS_FILE, lambda number: number % 10 == 3)
    run_command(["run"], settings)
    assert [one.number for one in kept_publications(settings)] == [3, 2, 1]
    assert _mode(settings) == "incremental"
    anew = _built_anew(settings, tmp_path / "third")
    assert differences(settings.marts_path, anew, NOT_INCREMENTAL) == []


def test_a_failed_check_and_a_kill_in_the_middle_leave_nothing_behind(
    build: Builder, tmp_path: Path
) -> None:
    settings = _copy(short_shop(build), tmp_path)
    published = settings.marts_path.read_bytes()
    add_late_file(build, settings)

    project = _spoiled_project(tmp_path)
    with pytest.raises(CustomerValueError, match="assert_no_large_order"):
        refresh(settings, SilentReporter(), project_dir=project)
    assert _mode(settings) == "incremental"
    assert settings.marts_path.read_bytes() == published

    log = settings.log_dir / "dbt.log"
    log.unlink()
    run_and_kill(settings, lambda _: _has_started(log, "lifecycle.fct_purchase_months"))
    assert settings.marts_path.read_bytes() == published

    done = run_command(["run"], settings)
    assert "no new file" in done.stderr
    _assert_a_part_was_touched(settings)
    assert differences(settings.marts_path, small_shop(build).marts_path, NOT_INCREMENTAL) == []


@pytest.mark.parametrize("step", ["plan_build", "_begin"], ids=["before", "between"])
def test_a_run_after_one_that_was_refused(
    build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    settings = _refuse(build, tmp_path, monkeypatch, step)
    run_command(["run"], settings)
    assert differences(settings.marts_path, small_shop(build).marts_path, NOT_INCREMENTAL) == []


def _refuse(build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> Settings:
    """A copy of the short shop whose run found other rows than it had left after a step."""
    settings = _copy(short_shop(build), tmp_path)
    published = settings.marts_path.read_bytes()
    add_late_file(build, settings)
    original = getattr(assets_dbt, step)

    def written_to(*arguments: Any) -> Any:
        planned = original(*arguments)
        if settings.marts_build_path.exists():
            with duckdb.connect(str(settings.marts_build_path)) as con:
                con.execute("insert into core.fct_cancellations from core.fct_cancellations")
        return planned

    monkeypatch.setattr(assets_dbt, step, written_to)
    with pytest.raises(CustomerValueError, match="Another program, such as a dbt started by hand"):
        refresh(settings, SilentReporter())
    assert settings.marts_path.read_bytes() == published
    monkeypatch.undo()
    return settings


def _spoiled_project(tmp_path: Path) -> Path:
    project = copied_project(tmp_path)
    (project / "tests" / "assert_no_large_order.sql").write_text(
        "select order_id from {{ ref('fct_orders') }} limit 1", encoding="utf-8"
    )
    return project


def _has_started(log: Path, model: str) -> bool:
    return log.exists() and f"START sql incremental model marts.{model}" in log.read_text()


def test_a_setting_and_a_lost_publication_are_built_fully(build: Builder, tmp_path: Path) -> None:
    settings = _copy(short_shop(build), tmp_path)
    published = shutil.copy2(settings.marts_path, tmp_path / "published.duckdb")
    add_late_file(build, settings)
    gross = _changed(settings, monetary_basis="gross")
    run_command(["run"], gross)
    assert _mode(gross) == "full"

    (settings.resolved_landing_dir / LAST_FILE).touch()
    settings.marts_path.unlink()
    run_command(["run"], settings)
    assert _mode(settings) == "full"
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
    assert differences(settings.marts_path, Path(published)) != []


def test_single_assets_after_an_incremental_build(build: Builder, tmp_path: Path) -> None:
    """What the last build left of its parents is a part; they are built with the asset."""
    settings = _copy(short_shop(build), tmp_path)
    add_late_file(build, settings)
    run_command(["run"], settings)
    _assert_a_part_was_touched(settings)

    _materialise(settings, ["lifecycle", "fct_purchase_months"])
    _materialise(settings, ["core", "dim_customers"], ["sales", "rpt_sales_by_month"])
    expected = small_shop(build).marts_path
    assert differences(settings.marts_build_path, expected, NOT_INCREMENTAL) == []
    _materialise(settings, ["published", "marts"])
    assert not settings.marts_build_path.exists()
    assert differences(settings.marts_path, expected, NOT_INCREMENTAL) == []

    # The run after that builds upon what was published by hand.
    _without_lines(settings.resolved_landing_dir / CHANGED_FILE, lambda number: number % 9 == 4)
    run_command(["run"], settings)
    _assert_a_part_was_touched(settings)
    anew = _built_anew(settings, tmp_path / "anew")
    assert differences(settings.marts_path, anew, NOT_INCREMENTAL) == []


def _materialise(settings: Settings, *keys: Sequence[str]) -> None:
    definitions = build_definitions(
        settings, manifest_path=settings.dbt_target_dir / "manifest.json"
    )
    with command_line_instance(settings) as instance:
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(list(key)) for key in keys], instance=instance
        )
    assert result.success
