"""Dagster's SQLite storage without a wait for the disk after each small write.

A run of this project writes well over a thousand events, most of them for checks. Waiting for the
disk each time takes longer than building the models. A killed process loses nothing by not waiting;
a power cut may cost the history of the last run, never a table.

Belongs here: that one setting. Does not belong here: anything else about storage.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import event
from sqlalchemy.engine import Engine


class QuickSqliteStorage(DagsterSqliteStorage):
    """The storage Dagster uses by default, with ``synchronous = off``."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        if not event.contains(Engine, "connect", _do_not_wait):
            event.listen(Engine, "connect", _do_not_wait)
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "QuickSqliteStorage":
        """Make the storage from the instance's configuration."""
        return cls(base_dir=config_value["base_dir"], inst_data=inst_data)


def _do_not_wait(connection: Any, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("pragma synchronous = off")
