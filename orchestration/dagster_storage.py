"""Dagster's SQLite storage without a wait for the disk after each small write.

A run of this project writes well over a thousand events, most of them for checks. Waiting for the
disk each time, and opening the file each time, takes longer than building the models. A killed
process loses nothing by not waiting; a power cut may cost the history of the last run, never a
table.

Belongs here: these two settings. Does not belong here: anything else about storage.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine


class QuickSqliteStorage(DagsterSqliteStorage):
    """The storage Dagster uses by default, with ``synchronous = off`` and kept connections."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        if not event.contains(Engine, "connect", _do_not_wait):
            event.listen(Engine, "connect", _do_not_wait)
        super().__init__(base_dir, inst_data)
        self._event_log_storage = KeptEventLogStorage(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "QuickSqliteStorage":
        """Make the storage from the instance's configuration."""
        return cls(base_dir=config_value["base_dir"], inst_data=inst_data)


class KeptEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log, with connections that are opened once.

    Two are kept: of the index, and of the run that was last read or written. Statements are
    compiled once per connection, which is most of what an event costs.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: dict[str, Engine] = {}
        self._known_tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        if shard not in self._initialized_dbs:
            with super()._connect(shard):
                pass  # It makes the file and its tables.
        with self._db_lock, self._kept(shard).begin() as connection:
            yield connection

    def _kept(self, shard: str) -> Engine:
        if shard not in self._engines:
            for other in self._engines.keys() - {INDEX_SHARD_NAME}:
                self._engines.pop(other).dispose()
            self._engines[shard] = create_engine(
                self.conn_string_for_shard(shard),
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
            )
        return self._engines[shard]

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table, which it keeps once it is there."""
        if table_name not in self._known_tables and super().has_table(table_name):
            self._known_tables.add(table_name)
        return table_name in self._known_tables

    def wipe(self) -> None:
        """Delete all events; the files of runs go."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close what is open."""
        self._close()
        super().dispose()

    def _close(self) -> None:
        with self._db_lock:
            for shard in list(self._engines):
                self._engines.pop(shard).dispose()


def _do_not_wait(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")
