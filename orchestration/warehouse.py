"""Short-lived connections to the warehouse file, and the lock that keeps one writer at a time.

Belongs here: opening, configuring, closing and locking. Does not belong here: any table.
"""

import errno
import fcntl
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.settings import Settings

#: Name under which the file that is built for publication is attached to the warehouse.
MARTS = "marts"

#: Oldest DuckDB that can open our files; its compression of texts takes a fifth less time to write.
STORAGE_VERSION = "v1.3.0"


class WarehouseInUseError(CustomerValueError):
    """Another process holds the warehouse; to wait helps."""


@dataclass
class _Held:
    """A lock of this process: what it is held for, outermost first."""

    handle: IO[str]
    since: str
    purposes: list[str]


#: Bytes of the lock file, always the same so that what it says is replaced in one write.
_LOCK_WIDTH = 4000
_COMMAND_WIDTH = 200
#: Whoever looks whether a lock is free holds it for a moment.
_GRACE_SECONDS = 0.5
_held: dict[Path, _Held] = {}
_held_guard = threading.Lock()


def lock_path(settings: Settings) -> Path:
    """The lock file beside the warehouse."""
    return settings.warehouse_path.with_suffix(".lock")


@contextmanager
def warehouse_lock(settings: Settings, purpose: str, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the warehouse for this process; nested use in the same process is free.

    The operating system releases the lock when the process ends, however it ends.

    Raises:
        WarehouseInUseError: another process holds it; names the process and what it does.
    """
    path = lock_path(settings)
    with _held_guard:
        if path not in _held:
            handle = _acquire(path, wait_seconds)
            _held[path] = _Held(handle, datetime.now(UTC).isoformat(timespec="seconds"), [])
        held = _held[path]
        held.purposes.append(purpose)
        _tell(held)
    try:
        yield
    finally:
        with _held_guard:
            # Threads may leave in another order than they came: the latest of this name goes.
            last = len(held.purposes) - 1 - held.purposes[::-1].index(purpose)
            del held.purposes[last]
            if held.purposes:
                _tell(held)
            else:
                del _held[path]
                held.handle.close()


def _acquire(path: Path, wait_seconds: float) -> IO[str]:
    deadline = time.monotonic() + max(wait_seconds, _GRACE_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not opened for appending, so that it can be written at its start.
        handle = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="utf-8")
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        raise CustomerValueError(
            f"The folder {path.parent} cannot be written to ({error.strerror}).",
            "Give write permission for it, or choose another --data-dir. What is published there "
            "can be read all the same.",
        ) from error
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            handle.seek(0)
            holder = _describe_holder(handle.read())
            handle.close()
            raise WarehouseInUseError(
                f"The warehouse {path.with_suffix('.duckdb')} is in use by {holder}.",
                "Wait until it has finished, or use another --data-dir.",
            ) from None
    return handle


def _tell(held: _Held) -> None:
    """Write who holds the lock, since when, by which command, and what it is doing now."""
    outer, now = held.purposes[0], held.purposes[-1]
    text = json.dumps(
        {
            "pid": os.getpid(),
            "purpose": outer if now == outer else f"{outer}: {now}",
            "since": held.since,
            "command": _command()[:_COMMAND_WIDTH],
        }
    )
    # A full disk must not keep a lock from being taken; the file then says less.
    with suppress(OSError):
        os.pwrite(held.handle.fileno(), text.ljust(_LOCK_WIDTH).encode(), 0)


def _command() -> str:
    """The command line of this process, without the folders of programs."""
    words = [Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python", *sys.argv[1:]]
    return " ".join("customer-value" if word == "cli.py" else word for word in words)


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
        return (
            f"process {holder['pid']} ({holder['purpose']}, since {holder['since']}, "
            f"command `{holder['command']}`)"
        )
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
            con = _open(settings, time.monotonic() + wait_seconds)
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


def _open(settings: Settings, deadline: float) -> duckdb.DuckDBPyConnection:
    """Open the file; a program that knows nothing of our lock may hold it, such as dbt by hand.

    Raises:
        WarehouseInUseError: it holds the file beyond the deadline.
        duckdb.Error: the file cannot be opened.
    """
    while True:
        try:
            return duckdb.connect(str(settings.warehouse_path), config=duckdb_config(settings))
        except duckdb.IOException as error:
            if "Conflicting lock is held" not in str(error):
                raise
            if time.monotonic() >= deadline:
                holder = first_line(error).partition("Conflicting lock is held in ")[2]
                raise WarehouseInUseError(
                    f"The warehouse {settings.warehouse_path} is in use by another program: "
                    f"{holder.partition('. See')[0]}.",
                    "Wait until it has finished, or end it.",
                ) from error
        time.sleep(0.5)


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
        "storage_compatibility_version": STORAGE_VERSION,
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
