"""A landing folder loaded for real and built by the compiled models, asked like a publication.

For tests of numbers under other settings: it takes a fraction of a run through dbt and Dagster.

Belongs here: building it. Does not belong here: assertions, and anything about runs.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.changes import BASE
from orchestration.fingerprint import fingerprint
from orchestration.landing.load import load_landing
from orchestration.landing.report import LoadReport
from orchestration.publishing.run_manifest import read_run_manifest
from orchestration.restatement import write_last_publication
from orchestration.settings import Settings
from orchestration.warehouse import MARTS, connect_marts
from tests.compiled_models import SmallWarehouse, dated_warehouse


class CompiledBuild:
    """A warehouse in memory.

    Args:
        settings: the landing folder and its profile.
        variant: the variables it is built with, by their name in ``VARIANTS``, or a warehouse of
            others; the settings of the same name are the caller's to set alike.
    """

    def __init__(self, settings: Settings, variant: str | SmallWarehouse) -> None:
        self.settings = settings
        self._warehouse = dated_warehouse(variant) if isinstance(variant, str) else variant

    def land(self) -> LoadReport:
        """Load what is new in the landing folder."""
        return load_landing(self._warehouse.con, self.settings)

    def follow(self, marts: Path) -> None:
        """Let the build come after a publication, whose figures it restates; call it when landed.

        Every row is built anew.
        """
        con = self._warehouse.con
        with connect_marts(marts) as published:
            manifest = read_run_manifest(published)
        assert manifest is not None
        con.execute(f"attach '{marts}' as {BASE} (read_only)")
        made_from = fingerprint(con, self.settings)
        write_last_publication(con, BASE, manifest, self.settings, made_from)

    def build(self, tables: Sequence[str], as_of: date | None = None) -> "CompiledBuild":
        """Build published tables, with all that they are made from.

        Args:
            tables: their names.
            as_of: date measured to; None: the last date of the data.
        """
        if as_of is not None:
            self._warehouse.con.execute("insert into main.as_of values (?)", [as_of])
        self._warehouse.run(tuple(tables))
        self._warehouse.con.execute(f"use {MARTS}")
        return self

    def tables(self, *schemas: str) -> dict[str, str]:
        """Schema and table of what may be built in these schemas, by its name."""
        return {
            model.name: f"{model.schema}.{model.name}"
            for model in self._warehouse.models.values()
            if model.schema in schemas
        }

    def marts(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query on the tables."""
        return self._warehouse.con.execute(sql, list(parameters)).fetchall()

    def in_order(self, table: str) -> pa.Table:
        """All rows of a table in the order of their columns."""
        return self._warehouse.con.execute(f"from {table} order by all").to_arrow_table()

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on what is not published: ``raw`` and the intermediate tables."""
        self._warehouse.con.execute("use warehouse")
        try:
            return self.marts(sql)
        finally:
            self._warehouse.con.execute(f"use {MARTS}")

    def close(self) -> None:
        """Let go of the memory."""
        self._warehouse.con.close()
