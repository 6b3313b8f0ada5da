"""Column lineage: which columns of which tables a model's column is made of.

Belongs here: reading a model's compiled SQL, and remembering what was read. Does not belong here:
Dagster's way of showing it, and where compiled SQL comes from.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Schema, table, column.
ColumnRef = tuple[str, str, str]
#: Column of the model -> the columns it is made of, ordered.
ColumnLineage = dict[str, list[ColumnRef]]
#: (schema, table) -> column -> type.
TableColumns = Mapping[tuple[str, str], Mapping[str, str]]

_DIALECT = "duckdb"
#: Queries that are remembered: those of a few settings, of full and of incremental builds.
_MOST_REMEMBERED = 1000


class LineageMemory:
    """Column lineage of queries that have been traced before, which takes longer than most of them.

    Args:
        path: file to remember in; names of columns only, under digests of the queries.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, ColumnLineage] = {}
        self._is_new = False
        with contextlib.suppress(OSError, ValueError):
            read = json.loads(path.read_text(encoding="utf-8"))
            self._known = {
                key: {name: [(s, t, c) for s, t, c in sources] for name, sources in columns.items()}
                for key, columns in read.items()
            }

    def lineage(self, sql: str, parents: TableColumns) -> ColumnLineage:
        """As ``column_lineage``, which is asked once for each query and columns of its tables."""
        asked = repr((sql, sorted((table, [*columns]) for table, columns in parents.items())))
        key = hashlib.sha256(asked.encode()).hexdigest()
        traced = self._known.pop(key, None)
        if traced is None:
            traced = column_lineage(sql, parents)
            self._is_new = True
        self._known[key] = traced
        return traced

    def keep(self) -> None:
        """Write down what is new; where that is not possible it is traced again."""
        if not self._is_new:
            return
        last = dict([*self._known.items()][-_MOST_REMEMBERED:])
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(last), encoding="utf-8")
            aside.replace(self.path)


def column_lineage(sql: str, parents: TableColumns) -> ColumnLineage:
    """Trace every output column of a query to the columns of the tables it reads.

    Args:
        sql: one compiled select statement.
        parents: the tables it reads, with their columns.

    Returns:
        Output column -> source columns; a column without any (a constant) has an empty list.
        Empty when the statement cannot be read: lineage is an aid and never stops a run.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    schema: dict[str, dict[str, dict[str, str]]] = {}
    for (schema_name, table), columns in parents.items():
        schema.setdefault(schema_name, {})[table] = dict(columns)
    try:
        tree = parse_one(sql, dialect=_DIALECT)
        for table_node in tree.find_all(exp.Table):
            table_node.set("catalog", None)
        traced = lineage(None, tree, schema, dialect=_DIALECT, trim_selects=False, copy=False)
        return {column: _leaves(node) for column, node in traced.items()}
    except (SqlglotError, RecursionError, ValueError, KeyError, AttributeError):
        return {}


def _leaves(root: Any) -> list[ColumnRef]:
    """The table columns at the ends of a lineage graph; shared parts are visited once."""
    from sqlglot import exp

    found: set[ColumnRef] = set()
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting.extend(node.downstream)
        if not node.downstream and isinstance(node.expression, exp.Table) and node.expression.db:
            name = exp.to_column(node.name).name
            found.add((node.expression.db, node.expression.name, name))
    return sorted(found)
