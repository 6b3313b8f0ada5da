"""Dagster's own storage: where it is, how it is configured, and where runs log to.

Belongs here: the instance that runs started on the command line share with the UI. Does not belong
here: definitions.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from logging.handlers import RotatingFileHandler
from pathlib import Path

import dagster as dg

from orchestration.errors import CustomerValueError
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.warehouse import is_free, lock_path

_SHIPPED = PROJECT_ROOT / "dagster.yaml"
_COMMAND_LINE = "command-line.yaml"
_STORAGE = """
storage:
  custom:
    module: orchestration.dagster_storage
    class: QuickSqliteStorage
    config:
      base_dir: {home}
"""
#: The address, which holds a password, stays in the environment.
_POSTGRES = """
storage:
  postgres:
    postgres_url:
      env: CUSTOMER_VALUE_DAGSTER_POSTGRES_URL
"""
#: A run on the command line keeps its terminal to itself: steps' output is not captured.
_NO_COMPUTE_LOGS = """
compute_logs:
  module: dagster.core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""
#: The release that goes with the pinned Dagster.
_POSTGRES_VERSION = "0.29.27"
_LOCK_TAG = "customer_value/lock_file"
_LOG_BYTES = 5_000_000


def prepare_dagster_home(settings: Settings) -> Path:
    """Make Dagster's home and put the instance configuration there, storage included.

    Raises:
        CustomerValueError: PostgreSQL is asked for and the package for it is not installed.
    """
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    shared = _SHIPPED.read_text(encoding="utf-8") + _storage(settings, home)
    for name, text in (("dagster.yaml", shared), (_COMMAND_LINE, shared + _NO_COMPUTE_LOGS)):
        target = home / name
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    return home


def _storage(settings: Settings, home: Path) -> str:
    if settings.dagster_postgres_url is None:
        return _STORAGE.format(home=json.dumps(str(home)))
    if find_spec("dagster_postgres") is None:
        raise CustomerValueError(
            "CUSTOMER_VALUE_DAGSTER_POSTGRES_URL is set, and the package dagster-postgres is not "
            "installed.",
            f"Install it beside this project: pip install dagster-postgres=={_POSTGRES_VERSION}.",
        )
    return _POSTGRES


@contextmanager
def reading_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, to look at what runs have left; closed on exit."""
    home = prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(home), _COMMAND_LINE) as instance:
        yield instance


@contextmanager
def command_line_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance whose runs show in the UI, for a run in this process; closed on exit.

    Call it while holding the warehouse lock.
    """
    home = prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(home), _COMMAND_LINE) as instance:
        _end_dead_runs(instance, held=lock_path(settings), is_ui_stopped=False)
        yield instance


def run_tags(settings: Settings) -> dict[str, str]:
    """Tags by which a run on the command line can be told to be alive."""
    return {_LOCK_TAG: str(lock_path(settings))}


def end_dead_runs_before_ui(settings: Settings) -> None:
    """Mark runs that were killed as failed, so that the run queue does not wait for them.

    Call it when no UI is open on this home.
    """
    home = prepare_dagster_home(settings)
    with dg.DagsterInstance.from_config(str(home), _COMMAND_LINE) as instance:
        _end_dead_runs(instance, held=None, is_ui_stopped=True)


def end_dead_command_line_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs of the command line that were killed as failed; the run queue waits for them."""
    _end_dead_runs(instance, held=None, is_ui_stopped=False)


def _end_dead_runs(instance: dg.DagsterInstance, held: Path | None, is_ui_stopped: bool) -> None:
    """A run of the command line lives while its lock is held; one of the UI while that is open.

    Args:
        instance: where runs are recorded.
        held: lock this process has taken, so that no earlier run can still hold it.
        is_ui_stopped: whether no UI is open on this instance.
    """
    started = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.STARTING,
            dg.DagsterRunStatus.STARTED,
            dg.DagsterRunStatus.CANCELING,
        ]
    )
    for run in instance.get_runs(started):
        lock = run.tags.get(_LOCK_TAG)
        is_dead = is_ui_stopped if lock is None else Path(lock) == held or is_free(Path(lock))
        if is_dead:
            instance.report_run_failed(run, "The process of this run ended before the run did.")


@contextmanager
def log_to_file(path: Path) -> Iterator[dg.LoggerDefinition]:
    """A Dagster logger that writes to a file and nothing to the terminal; closed on exit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def to_file(_: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("customer_value.run", level=logging.INFO)
        logger.addHandler(handler)
        return logger

    try:
        yield dg.LoggerDefinition(to_file, description="Writes the run's log to a file.")
    finally:
        # What a full disk did not take is lost; the run's own error is what counts.
        with suppress(OSError):
            handler.close()
