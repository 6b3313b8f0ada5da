"""What a person is told of a build: one line when it went well, what to do when it did not.

Belongs here: the wording, and looking up the first rows that made a check fail. Does not belong
here: running dbt, and deciding what blocks a publication.
"""

from collections.abc import Sequence

import duckdb

from orchestration.dbt_runner import DbtBuild, NodeResult
from orchestration.errors import CustomerValueError
from orchestration.settings import Settings
from orchestration.warehouse import connect_warehouse

_EXAMPLES = 3
_MOST_COLUMNS = 5
_LONGEST_VALUE = 60


def describe_build(build: DbtBuild) -> str:
    """One line: models, seeds and tests by number."""
    kinds = [result.resource_type for result in build.results]
    tests = kinds.count("test") + kinds.count("unit_test")
    warned = sum(result.status == "warn" for result in build.results)
    text = f"{kinds.count('model')} models built, {tests} tests passed"
    return f"{text} ({warned} with warnings)" if warned else text


def build_error(build: DbtBuild, settings: Settings) -> CustomerValueError:
    """What a person should read when a build has failed: names, rows, and the way out."""
    log = f"dbt's log is {settings.log_dir / 'dbt.log'}."
    if build.problem:
        return CustomerValueError(f"dbt could not build: {build.problem}.", log)
    broken = [result for result in build.results if not result.is_ok and result.status != "skipped"]
    models = [result for result in broken if result.resource_type not in ("test", "unit_test")]
    if models:
        return CustomerValueError(
            f"Model {models[0].name} could not be built: {_engine_message(models[0])}."
            + (f" ({len(models) - 1} more failed)" if len(models) > 1 else ""),
            f"Nothing is published. {log}",
        )
    tests = ", ".join(f"{result.name} ({_failures(result, settings)})" for result in broken[:5])
    more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
    meaning = " ".join(filter(None, (_meaning(result.compiled_sql) for result in broken[:5])))
    return CustomerValueError(
        f"{len(broken)} check{'s' if len(broken) != 1 else ''} failed: {tests}{more}.",
        f"{meaning} Nothing is published, the last publication stays. {log}".strip(),
    )


def _failures(result: NodeResult, settings: Settings) -> str:
    if result.status == "error":
        return _engine_message(result)
    rows = f"{result.failures:,} failing row{'s' if result.failures != 1 else ''}"
    examples = _examples(result, settings)
    return f"{rows}: {'; '.join(examples)}" if examples else rows


def _examples(result: NodeResult, settings: Settings) -> list[str]:
    """The first failing rows as text, columns without a value left out."""
    if not result.compiled_sql:
        return []
    query = f"select * from ({result.compiled_sql}\n) as failing order by all limit {_EXAMPLES}"
    try:
        with connect_warehouse(settings, "looking up failing rows", with_marts=True) as con:
            cursor = con.execute(query)
            names = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
    except duckdb.Error:
        return []
    return [_as_text(names, row) for row in rows]


def _as_text(names: Sequence[str], row: Sequence[object]) -> str:
    known = [
        f"{name} {str(value)[:_LONGEST_VALUE]}"
        for name, value in zip(names, row, strict=True)
        if value is not None
    ]
    return ", ".join([*known[:_MOST_COLUMNS], *(["..."] if len(known) > _MOST_COLUMNS else [])])


def _meaning(sql: str) -> str:
    """The comment that a check begins with: what it asserts, and the way out."""
    lines = []
    for line in sql.strip().splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def _engine_message(result: NodeResult) -> str:
    """DuckDB's message without the lines that dbt puts around it."""
    lines = [line.strip() for line in result.message.splitlines() if line.strip()]
    told = [line for line in lines if " Error in " not in line and "compiled code at" not in line]
    return (told or lines or ["no message"])[0].rstrip(".")
