"""Column lineage: which columns of which tables a model's column is made of.

Belongs here: reading a model's compiled SQL. Does not belong here: Dagster's way of showing it, and
where compiled SQL comes from.
"""

from collections.abc import Mapping
from typing import Any

#: Schema, table, column.
ColumnRef = tuple[str, str, str]
#: Column of the model -> the columns it is made of, ordered.
ColumnLineage = dict[str, list[ColumnRef]]
#: (schema, table) -> column -> type.
TableColumns = Mapping[tuple[str, str], Mapping[str, str]]

_DIALECT = "duckdb"


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
