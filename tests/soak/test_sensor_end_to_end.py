"""The sensor with Dagster's daemon at work: files land as they like, and nobody does anything else.

Belongs here: one long landing, and that its tables are those of one run over the same files.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_instance import reading_instance
from orchestration.landing.files import find_landing_files
from orchestration.ledger_copy import read_ledger_copy, unknown_files
from orchestration.settings import PROJECT_ROOT, Settings
from tests.building import Built, run_command
from tests.killing import Reader
from tests.published_tables import NOT_INCREMENTAL, differences

FILES = int(os.environ.get("SOAK_FILES", "305"))
#: Seconds in which the files land.
LANDING_SECONDS = float(os.environ.get("SOAK_LANDING_SECONDS", str(2 * FILES)))
PATIENCE_SECONDS = 1800
POLL_SECONDS = 5
PAUSE_SECONDS = 1.5

pytestmark = pytest.mark.soak

_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def test_files_that_land_as_they_like(uci_dir: Path, tmp_path: Path) -> None:
    settings = _settings(tmp_path, "by_sensor")
    settings.resolved_landing_dir.mkdir()
    files = sorted((uci_dir / "by-day").iterdir())[:FILES]
    started = time.monotonic()
    with _daemon(settings, tmp_path / "dev.log"):
        give_up = time.monotonic() + PATIENCE_SECONDS
        _wait_until(lambda: _has_ticked(settings), give_up, tmp_path / "dev.log")
        print(f"the sensor looks after {time.monotonic() - started:.0f} s")
        _land(files, settings.resolved_landing_dir)
        print(f"{len(files)} files landed in {time.monotonic() - started:.0f} s")
        _wait_for_rest(settings, tmp_path / "dev.log")
        print(f"at rest after {time.monotonic() - started:.0f} s")
        with reading_instance(settings) as instance:
            runs = instance.get_runs()
    statuses = [run.status.value for run in runs]
    modes = Built(settings, "").warehouse("select mode from changes.last_build")
    print(f"{len(runs)} runs: {statuses}; the last build was {modes[0][0]}")
    assert set(statuses) == {"SUCCESS"}
    assert len({run.tags["dagster/run_key"] for run in runs}) == len(runs)

    at_once = _settings(tmp_path, "at_once")
    run_command(["run"], at_once)
    assert differences(settings.marts_path, at_once.marts_path, NOT_INCREMENTAL) == []
    ledger = "select path, sha256, rows_kept, status from raw.loaded_files order by all"
    assert Built(settings, "").warehouse(ledger) == Built(at_once, "").warehouse(ledger)


def _settings(tmp_path: Path, name: str) -> Settings:
    return Settings(
        landing_dir=tmp_path / "landing",
        profile="uci_online_retail",
        data_dir=tmp_path / name,
        home_dir=tmp_path / f"{name}-home",
        automation=True,
        landing_poll_seconds=POLL_SECONDS,
    )


def _land(files: list[Path], landing: Path) -> None:
    """Copy the files in random order: at once, in pieces, twice, or first with half of their lines.

    Each file is its own copier's work, so that many are under way at once.
    """
    chance = random.Random(20_101_201)
    starts = sorted(chance.uniform(0, LANDING_SECONDS) for _ in files)
    chance.shuffle(files)
    began = time.monotonic()
    copiers = []
    for start, source in zip(starts, files, strict=True):
        way = chance.choice((_at_once, _at_once, _in_pieces, _twice, _then_changed))
        time.sleep(max(0.0, began + start - time.monotonic()))
        copier = threading.Thread(target=way, args=(source, landing / source.name))
        copier.start()
        copiers.append(copier)
    for copier in copiers:
        copier.join()


def _at_once(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _in_pieces(source: Path, target: Path) -> None:
    content = source.read_bytes()
    step = len(content) // 4 + 1
    with target.open("wb") as stream:
        for start in range(0, len(content), step):
            stream.write(content[start : start + step])
            stream.flush()
            time.sleep(PAUSE_SECONDS)


def _twice(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    time.sleep(4 * POLL_SECONDS)
    shutil.copyfile(source, target)


def _then_changed(source: Path, target: Path) -> None:
    lines = source.read_bytes().splitlines(keepends=True)
    target.write_bytes(b"".join(lines[: max(2, len(lines) // 2)]))
    time.sleep(4 * POLL_SECONDS)
    shutil.copyfile(source, target)


@contextmanager
def _daemon(settings: Settings, log: Path) -> Iterator[None]:
    """``customer-value dev`` with its daemon, ended with all that it has started."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CUSTOMER_VALUE_")
    }
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "dev", "--port", str(_free_port())],
            # The code server finds the package of this tree, wherever it is installed from.
            env={**environment, **settings.as_environment(), "PYTHONPATH": str(PROJECT_ROOT)},
            cwd=PROJECT_ROOT,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for_rest(settings: Settings, log: Path) -> None:
    """Until all files are known and published and no run is under way; reading all the while."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    _wait_until(lambda: settings.marts_path.exists(), give_up, log)
    with Reader(settings.marts_path, seconds=0.2) as reader:
        _wait_until(lambda: _is_at_rest(settings), give_up, log)
    assert reader.errors == []
    print(f"{reader.reads} reads, {len(reader.seen)} publications seen by them")


def _wait_until(is_time: Callable[[], bool], give_up: float, log: Path) -> None:
    while not is_time():
        assert time.monotonic() < give_up, log.read_text()[-5000:]
        time.sleep(2)


def _has_ticked(settings: Settings) -> bool:
    """Whether the sensor has looked at the landing folder, which is empty."""
    with reading_instance(settings) as instance:
        states = instance.all_instigator_state()
    return any(
        state.instigator_data is not None
        and getattr(state.instigator_data, "last_tick_timestamp", None)
        for state in states
    )


def _is_at_rest(settings: Settings) -> bool:
    known = read_ledger_copy(settings.ledger_copy_path)
    if known is None or unknown_files(find_landing_files(settings), known):
        return False
    with reading_instance(settings) as instance:
        return not instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))
