"""Checks of the landing itself, in SQL on the warehouse: what neither dbt nor a suite can see.

Belongs here: the checks and their results. Does not belong here: loading (``landing/``).
"""

from dataclasses import replace

import duckdb

from orchestration.checks.results import CheckResult, first_rows, judged
from orchestration.landing.contract import CONTRACT

_FAILED_FILES = """\
select path, dataset, error from raw.loaded_files
where status = 'failed'"""

_COUNTED = "\nunion all\n".join(
    f"select '{name}' as dataset, count(*) as row_count from raw.{name}" for name in CONTRACT
)
_UNEQUAL_COUNTS = f"""\
with counted as (
{_COUNTED}
), ledger as (
select dataset, sum(rows_kept) as rows_kept from raw.loaded_files
where status in ('loaded', 'gone')
group by dataset
)
select counted.dataset, counted.row_count, coalesce(ledger.rows_kept, 0) as rows_kept
from counted left join ledger on counted.dataset = ledger.dataset
where counted.row_count <> coalesce(ledger.rows_kept, 0)"""


def _check(name: str, sql: str, expected: str) -> CheckResult:
    return CheckResult(
        check_id=f"landing.{name}",
        check_name=name,
        kind="landing_check",
        table_name="raw.loaded_files",
        column_name=None,
        sql=sql,
        expected=expected,
    )


#: The checks before they have run.
LANDING_CHECKS = (
    _check(
        "landing_files_are_read",
        _FAILED_FILES,
        "Every landing file can be read. Put right or remove those that cannot.",
    ),
    _check(
        "raw_tables_hold_what_the_ledger_counts",
        _UNEQUAL_COUNTS,
        "Each raw table has as many rows as were kept of its files. Where it does not, the "
        "warehouse was changed by hand: run with --full-refresh.",
    ),
)


def judge_landing(con: duckdb.DuckDBPyConnection) -> list[CheckResult]:
    """Run the checks; one result each, in their order."""
    results = []
    for check in LANDING_CHECKS:
        sql = str(check.sql)
        count = int(con.execute(f"select count(*) from ({sql}) as failing").fetchall()[0][0])
        results.append(
            replace(
                check,
                actual=f"{count:,} row{'s' if count != 1 else ''} break it",
                status=judged(count == 0, check.severity),
                failing_rows=count,
                examples=first_rows(con, sql) if count else None,
            )
        )
    return results
