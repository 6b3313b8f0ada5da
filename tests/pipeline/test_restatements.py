"""Restatements: what a publication says otherwise of months that were closed, and nothing else.

One shop is published twice, and two other builds come after the second publication. The figures of
closed months before and after are compared here in Python, table by table, and the result must be
what the build itself has noted.
"""

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.settings import Settings
from tests.building import Builder, Built
from tests.compiled_builds import CompiledBuild
from tests.small_shops import LATE_FILE, grown_shop, short_shop

#: Month, table, metric and what it is of -> figure.
Figures = dict[tuple[date, str, str, str], Decimal]

_COLUMNS = {
    "sales.rpt_sales_by_month": (
        "'total'",
        ["orders", "buyers", "units", "gross_revenue", "returned_revenue", "discount_revenue",
         "net_revenue"],
    ),
    "lifecycle.rpt_lifecycle_by_month": (
        "'total'",
        ["new", "active", "reactivated", "inactive", "newly_lapsed", "customers", "prospects"],
    ),
    "lifecycle.rpt_purchase_rates_by_month": ("'total'", ["orders", "revenue", "repeat_buyers"]),
    "lifecycle.rpt_cohort_retention": ("'cohort ' || cohort_month", ["buyers", "revenue"]),
}  # fmt: skip
_OTHER_TABLES = ("lifecycle.dim_months", "rfm.rpt_segments", "quality.rpt_restatements")
LATE_MONTH = date(2023, 11, 1)


@dataclass(frozen=True)
class Step:
    """A build: the closed figures before and after it, and what it noted as restated."""

    closed_until: date
    before: Figures
    after: Figures
    restated: dict[tuple[date, str, str, str], tuple[Decimal | None, Decimal | None]]
    causes: dict[date, tuple[str, str]]
    number: int

    @property
    def months(self) -> set[date]:
        return {month for month, *_ in self.restated}

    def differing(self) -> dict[tuple[date, str, str, str], tuple[Decimal | None, Decimal | None]]:
        """What was published of months closed before the run and is published otherwise now."""
        keys = {
            key for key in self.before.keys() | self.after.keys() if key[0] <= self.closed_until
        }
        return {
            key: (self.before.get(key), self.after.get(key))
            for key in keys
            if (self.before.get(key) or 0) != (self.after.get(key) or 0)
        }


def _figures(ask: Callable[[str], list[Any]]) -> Figures:
    figures: Figures = {}
    closed = (
        "order_month in (select order_month from lifecycle.dim_months where not is_partial_month)"
    )
    for table, (dimension, columns) in _COLUMNS.items():
        for column in columns:
            for month, value, figure in ask(
                f'select order_month, {dimension}, "{column}" from {table} where {closed}'
            ):
                figures[month, table, column, value] = Decimal(figure)
    for snapshot, value, customers, revenue in ask(
        "select snapshot_date, scheme || ' ' || segment, customers, revenue from rfm.rpt_segments"
    ):
        if (snapshot + timedelta(days=1)).day == 1:
            month = snapshot.replace(day=1)
            figures[month, "rfm.rpt_segments", "customers", value] = Decimal(customers)
            figures[month, "rfm.rpt_segments", "revenue", value] = revenue
    return figures


def _published(marts: Path) -> tuple[Figures, date]:
    """The figures of a publication, and the last day of the last month that is closed in it."""
    with duckdb.connect(str(marts), read_only=True) as con:
        as_of = con.execute("select as_of_date from meta.run_manifest").fetchall()[0][0]
        closed_until = (as_of + timedelta(days=1)).replace(day=1) - timedelta(days=1)
        return _figures(partial(_rows, con)), closed_until


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()


def _next_run(marts: Path, next_marts: Path) -> Step:
    """What a publication notes of the one before it."""
    before, closed_until = _published(marts)
    with duckdb.connect(str(next_marts), read_only=True) as con:
        return _step(before, closed_until, partial(_rows, con))


def _next_build(base: Built, settings: Settings, variant: str) -> Step:
    """What a build of these settings, whose files have landed, notes of a publication."""
    shop = CompiledBuild(settings, variant)
    shop.land()
    shop.follow(base.marts_path)
    shop.build([table.split(".")[1] for table in (*_COLUMNS, *_OTHER_TABLES)])
    step = _step(*_published(base.marts_path), shop.marts)
    shop.close()
    return step


def _step(before: Figures, closed_until: date, ask: Callable[[str], list[Any]]) -> Step:
    number = ask("select max(publication_number) from quality.rpt_restatements")[0][0]
    rows = ask(
        f"""
        select
            order_month, table_name, metric, dimension_value, before_value, after_value,
            cause, sources, after_value - coalesce(before_value, 0) = difference
        from quality.rpt_restatements
        where publication_number = {number}
        """
    )
    assert all(row[8] for row in rows if row[5] is not None)
    restated = {tuple(row[:4]): (row[4], row[5]) for row in rows}
    assert len(restated) == len(rows)
    causes = {row[0]: (row[6], row[7]) for row in rows}
    return Step(closed_until, before, _figures(ask), restated, causes, number)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _sale(settings: Settings, month: str) -> dict[str, str]:
    """A sale line of a known customer in a month, as it landed, with a discount on nothing."""
    folder = settings.resolved_landing_dir / "canonical"
    with (folder / f"order_lines_{month}.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            is_whole = row["customer_id"] and row["status"] == "completed"
            if is_whole and row["quantity"].isdigit() and row["ordered_at"].startswith(month):
                return row
    raise AssertionError(f"no sale in {month}")


@pytest.fixture(scope="module")
def steps(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Step]:
    """The builds by name; the last two come after the same publication."""
    grown = grown_shop(build)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("restatements"),
        landing_dir=tmp_path_factory.mktemp("landing") / "files",
    )
    shutil.copytree(grown.settings.resolved_landing_dir, settings.resolved_landing_dir)
    landing = settings.resolved_landing_dir / "canonical"
    gross = settings.model_copy(update={"monetary_basis": "gross"})
    setting = _next_build(grown, gross, "gross")

    sale = _sale(settings, "2024-11")
    new = sale | {"order_id": "next-year", "ordered_at": "2025-01-07 10:00:00", "line_number": "1"}
    _write(landing / "order_lines_2025-01.csv", [new])
    sale = _sale(settings, "2024-04")
    back = sale | {
        "order_id": "late-return", "line_number": "1", "ordered_at": "2024-05-20 09:00:00",
        "quantity": f"-{sale['quantity']}", "status": "cancellation", "discount_amount": "",
    }  # fmt: skip
    _write(landing / "order_lines_back.csv", [back])
    corrected = _sale(settings, "2024-08")
    correction = {
        "correction_id": "c-1", "dataset": "order_lines", "action": "delete",
        "key": corrected["order_id"], "column": "", "value": "", "reason": "a test of the till",
        "author": "kim", "corrected_at": "2024-12-01 09:00:00",
    }  # fmt: skip
    _write(landing / "corrections_1.csv", [correction])
    return {
        "late file": _next_run(short_shop(build).marts_path, grown.marts_path),
        "return and correction": _next_build(grown, settings, "net"),
        "setting": setting,
    }


@pytest.mark.parametrize("name", ["late file", "return and correction", "setting"])
def test_what_differs_is_noted_and_nothing_else(steps: dict[str, Step], name: str) -> None:
    step = steps[name]
    assert step.restated == step.differing()


def test_a_late_file_restates_its_month_and_what_follows_from_it(steps: dict[str, Step]) -> None:
    step = steps["late file"]
    assert min(step.months) == LATE_MONTH
    sales = {month for month, table, *_ in step.restated if table == "sales.rpt_sales_by_month"}
    assert LATE_MONTH in sales
    assert all("late_order" in cause.split(", ") for cause, _ in step.causes.values())
    assert {sources for _, sources in step.causes.values()} == {LATE_FILE}
    assert step.number == 2


def test_a_month_that_was_open_is_not_restated(steps: dict[str, Step]) -> None:
    """December was not over when it was published first; an order of January has closed it."""
    december = date(2024, 12, 1)
    step = steps["return and correction"]
    assert max(month for month, *_ in steps["late file"].after) < december
    assert max(month for month, *_ in step.after) == december
    assert step.closed_until < december
    assert december not in step.months


def test_returns_and_corrections_are_told_apart_by_month(steps: dict[str, Step]) -> None:
    step = steps["return and correction"]
    by_month = {month: cause for month, (cause, _) in step.causes.items()}
    assert min(by_month) == date(2024, 5, 1)
    returned = {cause for month, cause in by_month.items() if month < date(2024, 8, 1)}
    both = {cause for month, cause in by_month.items() if month >= date(2024, 8, 1)}
    assert returned == {"late_return"}
    assert both == {"correction, late_return"}
    assert date(2024, 8, 1) in by_month
    assert "correction c-1" in step.causes[date(2024, 8, 1)][1]
    key = (date(2024, 5, 1), "sales.rpt_sales_by_month", "returned_revenue", "total")
    before, after = step.restated[key]
    assert (after or 0) > (before or 0)


def test_a_changed_setting_is_named_with_both_values(steps: dict[str, Step]) -> None:
    causes = steps["setting"].causes
    assert set(causes.values()) == {("changed_setting", 'monetary_basis: "net" -> "gross"')}
    assert ("lifecycle.rpt_purchase_rates_by_month", "revenue") in {
        (table, metric) for _, table, metric, _ in steps["setting"].restated
    }
