"""Several at once: two runs, a run and a dbt started by hand, analysts during a refresh."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from orchestration.dbt_runner import dbt_environment
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_ROOT, Settings
from tests.building import Builder, Built, run_command
from tests.killing import totals
from tests.pipeline.test_kills import assert_nothing_is_doubled
from tests.published_tables import differences
from tests.small_shops import add_late_file, copy_of, short_shop, small_shop

ANALYSTS = 10
PATIENCE_SECONDS = 300

#: Opens, adds up and closes, over and over, until its input is closed.
_ANALYST = """
import json, sys, threading
from pathlib import Path
from tests.killing import totals, unreconciled
marts, seen, errors, reads = Path(sys.argv[1]), set(), [], 0
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
while not ended.wait(0.1):
    try:
        seen.add(tuple(str(value) for value in totals(marts)))
        errors += unreconciled(marts)
        reads += 1
    except Exception as error:
        errors.append(repr(error))
print(json.dumps({"seen": sorted(seen), "errors": errors, "reads": reads}))
"""

pytestmark = pytest.mark.soak


def _start(arguments: Sequence[str], settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=_environment() | settings.as_environment(),
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith("CUSTOMER_VALUE_")
    }


def _wait_until(is_time: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not is_time():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_two_runs_at_once(build: Builder, tmp_path: Path) -> None:
    """One does all of it; the other says in one line who is at work, and changes nothing."""
    settings = copy_of(short_shop(build), tmp_path)
    add_late_file(build, settings)
    both = [_start(["-m", "orchestration.cli", "run"], settings) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    refused = next(text for process, text in zip(both, told, strict=True) if process.returncode)
    print(refused)
    assert refused.count("\n") == 1
    assert "is in use by process" in refused
    assert "command `customer-value run`" in refused
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
    assert_nothing_is_doubled(settings, small_shop(build))


def test_a_dbt_started_by_hand_during_a_run(build: Builder, tmp_path: Path) -> None:
    """It may get in between two steps of the run; what it writes is not published."""
    settings = copy_of(short_shop(build), tmp_path)
    add_late_file(build, settings)
    log = settings.log_dir / "dbt.log"
    log.unlink()
    run = _start(["-m", "orchestration.cli", "run"], settings)
    _wait_until(lambda: log.exists() and "START sql" in log.read_text())
    late = _dbt(settings, tmp_path / "late")
    _, told = run.communicate()
    print(f"dbt by hand ended with {late.wait()}; the run with {run.returncode}: {told}")
    if run.returncode:
        assert "Another program, such as a dbt started by hand" in told
        run_command(["run"], settings)
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
    assert_nothing_is_doubled(settings, small_shop(build))


def test_a_run_during_a_dbt_started_by_hand(build: Builder, tmp_path: Path) -> None:
    """The run waits, and says who is at work when it has waited long enough."""
    settings = copy_of(short_shop(build), tmp_path)
    add_late_file(build, settings)
    early = _dbt(settings, tmp_path / "early")
    log = tmp_path / "early" / "dbt.log"
    _wait_until(lambda: log.exists() and "START" in log.read_text())
    done = run_command(["run"], settings, check=False)
    print(f"dbt by hand ended with {early.wait()}; the run with {done.returncode}: {done.stderr}")
    if done.returncode:
        assert "is in use by another program" in done.stderr
        run_command(["run"], settings)
    assert differences(settings.marts_path, small_shop(build).marts_path) == []
    assert_nothing_is_doubled(settings, small_shop(build))


def _dbt(settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            str(Path(sys.executable).parent / "dbt"), "build",
            "--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR),
            "--target-path", str(folder), "--log-path", str(folder),
            "--vars", json.dumps(settings.dbt_vars()),
        ],
        env=_environment() | dbt_environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_analysts_during_a_refresh(build: Builder, tmp_path: Path) -> None:
    """Each sees the publication before or the one after, whole, and never an error."""
    settings = copy_of(short_shop(build), tmp_path)
    before, after = totals(settings.marts_path), totals(small_shop(build).marts_path)
    add_late_file(build, settings)
    analysts = [
        _start(["-c", _ANALYST, str(settings.marts_path)], settings) for _ in range(ANALYSTS)
    ]
    try:
        time.sleep(3)
        run_command(["run"], settings)
        time.sleep(3)
    finally:
        told = [analyst.communicate()[0] for analyst in analysts]
    reports = [json.loads(text) for text in told]
    print(f"{sum(report['reads'] for report in reports)} reads by {ANALYSTS} analysts")
    expected = {tuple(str(value) for value in one) for one in (before, after)}
    for report in reports:
        assert report["errors"] == []
        assert {tuple(one) for one in report["seen"]} <= expected
    assert {tuple(one) for report in reports for one in report["seen"]} == expected
    assert differences(Built(settings, "").marts_path, small_shop(build).marts_path) == []
