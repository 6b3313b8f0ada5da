"""Expressions of a profile: which columns they read, and that they compute one value and no more.

Belongs here: parsing and refusing. Does not belong here: where the expression is used.
"""

import json
from functools import cache
from typing import Any

import duckdb

#: Kinds of syntax that compute a value from values of the same record.
_SCALAR_SYNTAX = frozenset(
    {
        "BETWEEN",
        "CASE",
        "CAST",
        "COLLATE",
        "COLUMN_REF",
        "COMPARISON",
        "CONJUNCTION",
        "CONSTANT",
        "FUNCTION",
        "LAMBDA",
        "OPERATOR",
    }
)
_SYNTAX_NAMES = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "PARAMETER": "a parameter",
    "DEFAULT": "DEFAULT",
    "POSITIONAL_REFERENCE": "a positional reference",
}
_SCALAR_MACROS = frozenset(
    {
        "date_add",
        "days_in_month",
        "fdiv",
        "fmod",
        "nullif",
        "round_even",
        "roundbankers",
        "split_part",
    }
)
#: DuckDB calls these consistent, but they tell of the connection, not of the record.
_REFUSED_FUNCTIONS = frozenset({"current_setting", "getvariable", "getenv", "version"})


class ExpressionError(Exception):
    """An expression that cannot be used; the message says why."""


def source_columns(expression: str) -> tuple[str, ...]:
    """Return the source columns that an expression reads, in order of first use.

    Raises:
        ExpressionError: it is not SQL, or does more than compute one value from its record.
    """
    columns = columns_read(expression)
    _bind(expression, columns)
    return columns


def columns_read(expression: str) -> tuple[str, ...]:
    """The same for columns of any type: whether the types fit is not looked at.

    Raises:
        ExpressionError: it is not SQL, or does more than compute one value from its record.
    """
    found: dict[str, None] = {}
    _walk(_parse(expression), frozenset(), found)
    return tuple(found)


def quote_name(name: str) -> str:
    """Return a column name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def as_select_item(expression: str, alias: str) -> str:
    """Return the expression in the one form in which it was checked: an item of a select list."""
    return f"({expression}\n) as {quote_name(alias)}"


@cache
def sandbox() -> duckdb.DuckDBPyConnection:
    """Return a database in memory that reaches nothing outside; use a cursor of it."""
    con = duckdb.connect(":memory:", config={"threads": "1"})
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
    return con


def _parse(expression: str) -> dict[str, Any]:
    cursor = sandbox().cursor()
    row = cursor.execute(
        "select json_serialize_sql(?)", ["select " + as_select_item(expression, "value")]
    ).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "nothing to parse"}
    if tree.get("error"):
        raise ExpressionError(tree.get("error_message", "not an SQL expression"))
    statements = tree["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    is_one_value = (
        node.get("type") == "SELECT_NODE"
        and node["from_table"]["type"] == "EMPTY"
        and len(node["select_list"]) == 1
        and node["select_list"][0].get("alias") == "value"
        and not node["modifiers"]
        and not node["cte_map"]["map"]
        and not any(
            node[part]
            for part in ("where_clause", "group_expressions", "having", "sample", "qualify")
        )
    )
    if not is_one_value:
        raise ExpressionError("it is not one single value")
    item: dict[str, Any] = node["select_list"][0]
    return item


def _walk(node: Any, bound: frozenset[str], found: dict[str, None]) -> None:
    """Visit a syntax tree; ``bound`` are lambda parameters, ``found`` collects the columns."""
    if isinstance(node, list):
        for part in node:
            _walk(part, bound, found)
        return
    if not isinstance(node, dict):
        return
    syntax = node.get("class")
    if syntax is not None:
        _refuse_other_than_scalar(syntax, node)
        if syntax == "COLUMN_REF":
            _note_column(node["column_names"], bound, found)
            return
        if syntax == "LAMBDA":
            parameters: dict[str, None] = {}
            _walk(node.get("lhs"), frozenset(), parameters)
            _walk(node.get("expr"), bound | frozenset(parameters), found)
            return
    for part in node.values():
        _walk(part, bound, found)


def _note_column(names: list[str], bound: frozenset[str], found: dict[str, None]) -> None:
    if len(names) != 1:
        raise ExpressionError(
            f"{'.'.join(names)} is not a source column; write a name that holds a dot in double "
            'quotes, as in "a.b"'
        )
    if names[0] not in bound:
        found[names[0]] = None


def _refuse_other_than_scalar(syntax: str, node: dict[str, Any]) -> None:
    if syntax not in _SCALAR_SYNTAX:
        what = _SYNTAX_NAMES.get(syntax, syntax.lower())
        raise ExpressionError(f"{what} is not allowed; it must compute one value from its record")
    if syntax == "FUNCTION":
        name = node["function_name"].lower()
        if not _is_scalar_function(name):
            raise ExpressionError(
                f"the function {name} is not allowed; only functions that compute one value from "
                "the record, always the same one, are"
            )


@cache
def _is_scalar_function(name: str) -> bool:
    if name in _REFUSED_FUNCTIONS:
        return False
    rows = (
        sandbox()
        .cursor()
        .execute(
            "select distinct function_type, stability from duckdb_functions() "
            "where lower(function_name) = ?",
            [name],
        )
        .fetchall()
    )
    if any(kind == "macro" for kind, _ in rows):
        return name in _SCALAR_MACROS or name.startswith(("list_", "array_"))
    # An unknown name passes: binding names it, with what DuckDB suggests instead.
    return all(kind == "scalar" and stability == "CONSISTENT" for kind, stability in rows)


def _bind(expression: str, columns: tuple[str, ...]) -> None:
    names = columns or ("nothing",)
    fields = ", ".join(f"null::varchar as {quote_name(name)}" for name in names)
    try:
        described = (
            sandbox()
            .cursor()
            .execute(
                f"describe select {as_select_item(expression, 'value')} "
                f"from (select {fields} limit 0) as source_file"
            )
            .fetchall()
        )
    except duckdb.Error as error:
        raise ExpressionError(str(error).strip().splitlines()[0]) from error
    kind = str(described[0][1])
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        raise ExpressionError(f"it is not one single value but {kind}")
