"""Short-lived connections to the warehouse file, and the lock that keeps one writer at a time.

Belongs here: opening, configuring, closing and locking. Does not belong here: any table.
"""

import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.settings import Settings

#: Name under which the file that is built for publication is attached to the warehouse.
MARTS = "marts"

_held: dict[Path, tuple[IO[str], int]] = {}
_held_guard = threading.Lock()


def lock_path(settings: Settings) -> Path:
    """The lock file beside the warehouse."""
    return settings.warehouse_path.with_suffix(".lock")


@contextmanager
def warehouse_lock(settings: Settings, purpose: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the warehouse for this process; nested use in the same process is free.

    The operating system releases the lock when the process ends, however it ends.

    Raises:
        CustomerValueError: another process holds it; names the process and what it does.
    """
    path = lock_path(settings)
    with _held_guard:
        if path in _held:
            handle, depth = _held[path]
            _held[path] = (handle, depth + 1)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            _held[path] = (_acquire(path, purpose, wait_seconds), 1)
    try:
        yield
    finally:
        with _held_guard:
            handle, depth = _held[path]
            if depth == 1:
                del _held[path]
                handle.close()
            else:
                _held[path] = (handle, depth - 1)


def _acquire(path: Path, purpose: str, wait_seconds: float) -> IO[str]:
    deadline = time.monotonic() + wait_seconds
    handle = path.open("a+", encoding="utf-8")
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            handle.seek(0)
            holder = _describe_holder(handle.read())
            handle.close()
            raise CustomerValueError(
                f"The warehouse {path.with_suffix('.duckdb')} is in use by {holder}.",
                "Wait until it has finished, or use another --data-dir.",
            ) from None
    handle.seek(0)
    handle.truncate()
    json.dump(
        {
            "pid": os.getpid(),
            "purpose": purpose,
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        },
        handle,
    )
    handle.flush()
    return handle


def lock_holder(settings: Settings) -> str | None:
    """Who holds the warehouse now, in words; None when it is free."""
    path = lock_path(settings)
    return None if is_free(path) else _describe_holder(path.read_text(encoding="utf-8"))


def is_free(path: Path) -> bool:
    """Whether no process holds the lock file."""
    if not path.exists():
        return True
    with path.open("r", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _describe_holder(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['pid']} ({holder['purpose']}, since {holder['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"


@contextmanager
def connect_warehouse(
    settings: Settings, purpose: str, wait_seconds: float = 60.0, with_marts: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for writing, configured as the settings say; closed on exit.

    Args:
        settings: names the files and the limits.
        purpose: what for, in words, for others who find it locked.
        wait_seconds: how long to wait for another process.
        with_marts: whether the file that is built for publication is attached as ``marts``.

    Raises:
        CustomerValueError: another process holds the warehouse, or the file is no DuckDB file.
    """
    with warehouse_lock(settings, purpose, wait_seconds):
        settings.resolved_temp_dir.mkdir(parents=True, exist_ok=True)
        try:
            con = duckdb.connect(str(settings.warehouse_path), config=duckdb_config(settings))
        except duckdb.Error as error:
            raise CustomerValueError(
                f"The warehouse {settings.warehouse_path} cannot be opened: {first_line(error)}.",
                "If the file is damaged, move it away and run again: it is rebuilt from the "
                "landing folder.",
            ) from error
        try:
            con.execute("set TimeZone = 'UTC'")
            if with_marts:
                path = str(settings.marts_build_path).replace("'", "''")
                con.execute(f"attach '{path}' as {MARTS}")
            yield con
        finally:
            con.close()


@contextmanager
def connect_marts(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open published marts read-only; closed on exit.

    Raises:
        CustomerValueError: nothing is published there yet.
    """
    if not path.exists():
        raise CustomerValueError(
            f"Nothing is published at {path} yet.", "Run `customer-value run` first."
        )
    con = duckdb.connect(str(path), read_only=True)
    try:
        yield con
    finally:
        con.close()


def duckdb_config(settings: Settings) -> dict[str, str | bool | int | float | list[str]]:
    """Configuration of a DuckDB connection that works on the warehouse."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "preserve_insertion_order": "false",
        "temp_directory": str(settings.resolved_temp_dir),
    }
    if settings.threads:
        config["threads"] = str(settings.threads)
    if settings.memory_limit:
        config["memory_limit"] = settings.memory_limit
    return config


def engine_limits(settings: Settings) -> tuple[int, str]:
    """Threads and memory limit of DuckDB as text with a unit; its own defaults where unset."""
    con = duckdb.connect()
    try:
        threads, memory_limit = con.execute(
            "select current_setting('threads'), current_setting('memory_limit')"
        ).fetchall()[0]
    finally:
        con.close()
    return settings.threads or int(threads), settings.memory_limit or str(memory_limit)


def clear_temp(settings: Settings) -> None:
    """Remove what an earlier process left in the spill folder; call while holding the lock."""
    if settings.temp_dir is None:
        shutil.rmtree(settings.resolved_temp_dir, ignore_errors=True)


def first_line(error: BaseException) -> str:
    """First line of an error's message, without its trailing full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
