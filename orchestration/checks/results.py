"""What became of a check, in one row, and where these rows are kept.

The warehouse keeps the last result of every check (``audit.check_results``); from it the test
report is written, published and as CSV.

Belongs here: the row, the table, and the first rows that break a check. Does not belong here:
running checks, and what a result means for a publication (``build_record.py``).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.landing.expressions import quote_name

Status = Literal["passed", "warned", "failed", "skipped"]

MOST_EXAMPLES = 5
#: Columns that tell of one person, or may: they are left out of examples.
PERSONAL_COLUMNS = frozenset(
    {
        "customer_id", "email_hash", "phone_hash", "session_id", "record_key", "corrected_key",
        "column_value", "author", "reason", "key", "row_json", "message", "agent_name",
    }
)  # fmt: skip


@dataclass(frozen=True)
class CheckResult:
    """One row of the test report; ``skipped`` until the check has run."""

    check_id: str
    check_name: str
    kind: Literal["dbt_test", "expectation", "landing_check", "asset_check"]
    table_name: str
    column_name: str | None
    sql: str | None
    expected: str
    actual: str = "not run"
    status: Status = "skipped"
    severity: Literal["error", "warning"] = "error"
    failing_rows: int | None = None
    examples: str | None = None

    @property
    def unique_id(self) -> str:
        """As the build record calls it."""
        return self.check_id

    @property
    def name(self) -> str:
        """As the build record shows it to a person."""
        return self.check_name

    @property
    def is_blocking(self) -> bool:
        """Whether it stops a publication."""
        return self.status == "failed"


COLUMNS = tuple(field.name for field in fields(CheckResult))


def judged(is_met: bool, severity: str) -> Status:
    """Status of a check that was run."""
    if is_met:
        return "passed"
    return "failed" if severity == "error" else "warned"


def first_rows(con: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """First rows of a query as a JSON list, in the order of their values; None without a row.

    Columns that tell of a person are left out, and repeated rows shown once.
    """
    described = con.execute(f"select * from ({query}\n) as failing limit 0").description or ()
    shown = [column[0] for column in described if column[0].lower() not in PERSONAL_COLUMNS]
    if not shown:
        return None
    columns = ", ".join(quote_name(column) for column in shown)
    rows = con.execute(
        f"select distinct {columns} from ({query}\n) as failing order by all limit {MOST_EXAMPLES}"
    ).fetchall()
    if not rows:
        return None
    return json.dumps(
        [dict(zip(shown, row, strict=True)) for row in rows], default=str, ensure_ascii=False
    )


def ensure_results(con: duckdb.DuckDBPyConnection) -> None:
    """Create the table of results where it is missing."""
    con.execute("create schema if not exists audit")
    columns = ", ".join(
        f"{name} {'bigint' if name == 'failing_rows' else 'varchar'}" for name in COLUMNS
    )
    con.execute(
        f"create table if not exists audit.check_results ({columns}, fingerprint varchar not null)"
    )


def keep_results(
    con: duckdb.DuckDBPyConnection, results: Sequence[CheckResult], fingerprint: str
) -> None:
    """Put results in place of the earlier ones of the same checks."""
    ensure_results(con)
    con.execute("begin")
    try:
        con.execute(
            "delete from audit.check_results where check_id in (select unnest(?))",
            [[result.check_id for result in results]],
        )
        _insert(con, "audit.check_results", results, fingerprint)
        con.execute("commit")
    except duckdb.Error:
        con.execute("rollback")
        raise


def read_results(
    con: duckdb.DuckDBPyConnection, known: Iterable[CheckResult], fingerprint: str
) -> list[CheckResult]:
    """One result of each known check, ordered by id: of this state of the input, else skipped."""
    ensure_results(con)
    rows = con.execute(
        f"select {', '.join(COLUMNS)} from audit.check_results where fingerprint = ?",
        [fingerprint],
    ).fetchall()
    found = {row[0]: CheckResult(*row) for row in rows}
    return [
        found.get(check.check_id, check) for check in sorted(known, key=lambda one: one.check_id)
    ]


def fill_results(
    con: duckdb.DuckDBPyConnection, relation: str, results: Sequence[CheckResult]
) -> None:
    """Replace the rows of a table in the form of the test report."""
    con.execute(f"delete from {relation}")
    _insert(con, relation, results)


def write_results(
    con: duckdb.DuckDBPyConnection, path: Path, results: Sequence[CheckResult]
) -> None:
    """Write results as CSV; a reader sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    con.execute("create or replace temporary table results_to_write as "
                f"select {', '.join(COLUMNS)} from audit.check_results limit 0")  # fmt: skip
    fill_results(con, "results_to_write", results)
    target = str(aside).replace("'", "''")
    query = "select * from results_to_write order by check_id"
    con.execute(f"copy ({query}) to '{target}' (format csv, header)")
    con.execute("drop table results_to_write")
    aside.replace(path)


def _insert(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    results: Sequence[CheckResult],
    *more: str,
) -> None:
    """Add results in one statement, in their order; ``more``: text of the columns behind theirs."""
    if not results:
        return
    columns = [list(column) for column in zip(*(astuple(one) for one in results), strict=True)]
    parts = [
        f"unnest(cast(? as {'bigint' if name == 'failing_rows' else 'varchar'}[]))"
        for name in COLUMNS
    ]
    con.execute(
        f"insert into {relation} select {', '.join([*parts, *('?' for _ in more)])}",
        [*columns, *more],
    )
