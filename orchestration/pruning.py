"""Taking away what earlier runs have left: their history in Dagster's storage, and their files.

Belongs here: what may go and what stays. Does not belong here: publications
(``publishing/kept.py``) and what a killed run has left in the data folder (``refresh.py``).
"""

import logging
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from orchestration.settings import DBT_PROJECT_DIR, Settings

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_LOG_BYTES = 20_000_000


@dataclass(frozen=True)
class Pruned:
    """What was taken away."""

    runs: int
    files: int
    size_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.runs:,} runs forgotten, {self.files:,} files and folders "
            f"({self.size_bytes / 1e6:,.1f} MB) removed"
        )


def prune(settings: Settings, instance: dg.DagsterInstance) -> Pruned:
    """Forget ended runs beyond ``keep_runs``, and remove files that belong to no known run.

    The last run that succeeded and those that are under way stay whatever their number.
    """
    runs = _forget_runs(instance, settings.keep_runs)
    removed = [*_orphans(settings, instance), *_leftovers(settings)]
    size_bytes = sum(_size(path) for path in removed)
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()
    return Pruned(runs, len(removed), size_bytes)


def prune_after_run(settings: Settings, instance: dg.DagsterInstance, log: logging.Logger) -> None:
    """Prune, and only log what is in the way: a run is not worse for what others have left."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        log.info(str(prune(settings, instance)))
    except (OSError, SQLAlchemyError) as error:
        log.warning(f"Old runs could not be pruned: {error}. `customer-value prune` tries again.")


def _forget_runs(instance: dg.DagsterInstance, keep_runs: int) -> int:
    ended = [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=_ENDED))]
    succeeded = instance.get_runs(dg.RunsFilter(statuses=_ENDED[:1]), limit=1)
    stays = {*ended[:keep_runs], *(run.run_id for run in succeeded)}
    forgotten = [run_id for run_id in ended if run_id not in stays]
    for run_id in forgotten:
        instance.delete_run(run_id)
    return len(forgotten)


def _orphans(settings: Settings, instance: dg.DagsterInstance) -> list[Path]:
    """Files and folders of Dagster's home that are named after runs which are not known."""
    home = settings.dagster_home
    named = [
        *_children(home / "history" / "runs", suffixes=(".db", ".db-wal", ".db-shm")),
        *_children(home / "storage"),
    ]
    known = {run.run_id for run in instance.get_runs()}
    return [
        path for path in named if _is_run_id(name := path.name.split(".")[0]) and name not in known
    ]


def _leftovers(settings: Settings) -> list[Path]:
    """Folders of single dbt invocations, and logs that have grown too long."""
    logs = _children(settings.log_dir, suffixes=(".log",)) + _children(settings.log_dir)
    long_logs = {path for path in logs if path.is_file() and path.stat().st_size > _LOG_BYTES}
    invocations = [
        path
        for path in _children(DBT_PROJECT_DIR / "target")
        if path.is_dir() and path.name.startswith("dbt-")
    ]
    return [*sorted(long_logs), *invocations]


def _children(folder: Path, suffixes: Iterable[str] = ("",)) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path for path in sorted(folder.iterdir()) if any(path.name.endswith(s) for s in suffixes)
    ]


def _is_run_id(name: str) -> bool:
    parts = name.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12]


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat().st_size if file.is_file() else 0
    return total
