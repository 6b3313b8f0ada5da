"""Status, pruning and the errors of operations, on copies of a small shop that no run touches."""

import io
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console

from orchestration.dagster_instance import command_line_instance
from orchestration.errors import CustomerValueError
from orchestration.failures import readable_failures
from orchestration.settings import Settings
from orchestration.status import print_whole_status
from tests.building import Builder, run_command
from tests.small_shops import LATE_FILE, add_late_file, copy_of, short_shop


def _status(settings: Settings) -> str:
    console = Console(record=True, width=300, file=io.StringIO())
    print_whole_status(console, settings)
    return console.export_text()


def _fail(settings: Settings) -> None:
    """A run that fails, in the storage of Dagster, as a refresh would leave it."""

    @dg.op
    def load() -> None:
        with readable_failures():
            raise CustomerValueError("1 landing file could not be loaded.", "Put it right.")

    @dg.job
    def refresh() -> None:
        load()

    with command_line_instance(settings) as instance:
        refresh.execute_in_process(instance=instance, raise_on_error=False)


def test_status_says_what_waits_what_failed_and_why(build: Builder, tmp_path: Path) -> None:
    settings = copy_of(short_shop(build), tmp_path)
    well = _status(settings)
    assert "Running now: nothing" in well
    assert "Failed since the last run that succeeded: none" in well
    assert "nothing waits" in well
    assert "Rejected rows by reason" in well
    assert "up to date, as the limit is 26 hours" in well
    assert "Kept publications: none" in well

    add_late_file(build, settings)
    _fail(settings)
    badly = _status(settings.model_copy(update={"freshness_hours": 1e-6}))
    files = sum(path.is_file() for path in settings.resolved_landing_dir.rglob("*"))
    assert f"1 of {files} files wait to be loaded ({LATE_FILE})" in badly
    assert "refresh" in badly.split("Failed since")[1]
    assert "1 landing file could not be loaded. Put it right." in badly
    assert "out of date" in badly


def test_pruning_is_a_command(build: Builder, tmp_path: Path) -> None:
    settings = copy_of(short_shop(build), tmp_path)
    orphan = settings.dagster_home / "storage" / "01234567-89ab-cdef-0123-456789abcdef"
    orphan.mkdir(parents=True)
    assert "0 runs forgotten, 1 files and folders" in run_command(["prune"], settings).stdout
    assert not orphan.exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["backfill", "--from", "2024-13", "--to", "2024-12"], "'2024-13' is no month"),
        (["restore", "--to", "9"], "There is no publication 9 to restore: none is kept"),
    ],
)
def test_errors_are_one_line(
    build: Builder, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    settings = copy_of(short_shop(build), tmp_path)
    done = run_command(arguments, settings, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert expected in done.stderr
