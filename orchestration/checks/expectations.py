"""Judging tables by expectations, with Great Expectations.

A table is judged on a frame of the columns under test. Above ``LARGEST_FRAME`` rows it is judged on
a profile instead: one row, made by one query, with a figure for each expectation (the share of
broken rows, repeated values, a mean, ...) that must lie within the expectation's limits.

Belongs here: frames, profiles, and results in plain values. Does not belong here: what a type of
expectation means (expectation_types.py), suites (suites.py), and Dagster (assets/checks.py).
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.checks.expectation_types import (
    AggregateBetween,
    FigureRule,
    RowRule,
    SetRule,
    TableColumns,
    UniqueRule,
)
from orchestration.checks.judge import Judge, Judgement, Question
from orchestration.checks.results import CheckResult, first_rows, judged
from orchestration.checks.suites import Expectation
from orchestration.landing.expressions import quote_name
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.warehouse import MARTS, first_line

if TYPE_CHECKING:
    import pandas as pd

#: Rows up to which a table is judged on a frame; a frame of this length takes about 1 GB.
LARGEST_FRAME = 5_000_000

_MOST_VALUES = 50


def judge_expectations(
    con: duckdb.DuckDBPyConnection,
    expectations: Sequence[Expectation],
    largest_frame: int = LARGEST_FRAME,
) -> list[CheckResult]:
    """Judge tables of the warehouse; one result per expectation, in their order.

    Args:
        con: the warehouse, with the marts attached where an expectation is about them.
        expectations: what must hold.
        largest_frame: rows up to which a table is judged on a frame.
    """
    if not expectations:
        return []
    judge = Judge()
    results: dict[str, CheckResult] = {}
    for (schema, table, where), group in itertools.groupby(
        sorted(expectations, key=_place), key=_place
    ):
        about = _About(con, schema, table, where or None)
        for result in about.judge(list(group), judge, largest_frame):
            results[result.check_id] = result
    return [results[expectation.check_id] for expectation in expectations]


def unjudged(expectation: Expectation) -> CheckResult:
    """The result of an expectation that was not run."""
    relation = _relation(expectation.schema, expectation.table)
    return CheckResult(
        check_id=expectation.check_id,
        check_name=expectation.name,
        kind="expectation",
        table_name=f"{expectation.schema}.{expectation.table}",
        column_name=", ".join(expectation.arguments.columns) or None,
        sql=breaking_query(expectation, relation),
        expected=expectation.expected,
        severity=expectation.severity,
    )


def breaking_query(expectation: Expectation, relation: str) -> str:
    """The rows that break an expectation, or the one figure that it is about, as a query."""
    rule, arguments, where = expectation.kind.rule, expectation.arguments, expectation.where
    among = f"where ({where})" if where else ""
    match rule:
        case RowRule():
            condition = rule.broken(arguments)
            if where:
                condition = f"({where}) and {condition}"
            return f"select * from {relation} where {condition}"
        case UniqueRule():
            columns = ", ".join(quote_name(column) for column in arguments.columns)
            return (
                f"select {columns}, count(*) as row_count from {relation} {among} "
                f"group by {columns} having count(*) > 1 and {_some_value(arguments.columns)}"
            )
        case FigureRule():
            return f"select {rule.figure(arguments)} as figure from {relation} {among}".strip()
        case SetRule(missing=None):
            return (
                f"select column_name from (describe select * from {relation}) as columns_of_table"
            )
        case SetRule():
            column = quote_name(arguments.columns[0])
            return f"select distinct {column} from {relation} {among}".strip()


def profile_figure(expectation: Expectation) -> tuple[str, dict[str, Any]] | None:
    """The figure that stands for an expectation in a profile, and its limits.

    Returns:
        SQL aggregate, and arguments of ``expect_column_values_to_be_between``; None for an
        expectation on the columns' names, which needs no rows.
    """
    rule, arguments = expectation.kind.rule, expectation.arguments
    match rule:
        case RowRule():
            broken, total = rule.broken(arguments), rule.judged(arguments)
            figure = (
                f"cast(count(*) filter (where {broken}) as double) "
                f"/ nullif(count(*) filter (where {total}), 0)"
            )
            # A share that is just allowed is not refused for the last digit of its quotient.
            return figure, {"max_value": 1 - arguments.least_share + 1e-12}
        case UniqueRule():
            columns = ", ".join(quote_name(column) for column in arguments.columns)
            some = _some_value(arguments.columns)
            return (
                f"count(*) filter (where {some}) - count(distinct row({columns})) "
                f"filter (where {some})",
                {"max_value": 0},
            )
        case FigureRule():
            return rule.figure(arguments), dict(arguments.model_dump(exclude={"column"}))
        case SetRule():
            return (rule.missing(arguments), {"max_value": 0}) if rule.missing else None


class _About:
    """The rows of one table that a group of expectations is about."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, schema: str, table: str, where: str | None
    ) -> None:
        self.con = con
        self.relation = _relation(schema, table)
        self.rows = f"{self.relation} where ({where})" if where else self.relation

    def judge(
        self, expectations: Sequence[Expectation], judge: Judge, largest_frame: int
    ) -> list[CheckResult]:
        """Results of expectations that share the condition on rows."""
        try:
            columns = self._columns()
        except duckdb.Error as error:
            return [_unusable(one, first_line(error)) for one in expectations]
        usable, results = [], []
        for one in expectations:
            missing = [column for column in one.columns if column not in columns]
            if missing:
                results.append(_unusable(one, f"the table has no column {missing[0]}"))
            else:
                usable.append(one)
        if not usable:
            return results
        row_count = int(self.con.execute(f"select count(*) from {self.rows}").fetchall()[0][0])
        if row_count > largest_frame:
            judgements = self._by_profile(usable, judge)
        else:
            judgements = self._by_frame(usable, judge)
        return results + [self._result(one, judgements.get(one.check_id)) for one in usable]

    def _columns(self) -> dict[str, str]:
        described = self.con.execute(f"describe select * from {self.relation}").fetchall()
        return {row[0]: row[1] for row in described}

    def _by_frame(self, expectations: Sequence[Expectation], judge: Judge) -> dict[str, Judgement]:
        """Judge on a frame of the columns under test; what has no value at all is not asked."""
        names = dict.fromkeys(column for one in expectations for column in one.arguments.columns)
        about_names = [one for one in expectations if isinstance(one.arguments, TableColumns)]
        about_rows = [one for one in expectations if not isinstance(one.arguments, TableColumns)]
        found: dict[str, Judgement] = {}
        if about_rows:
            select = ", ".join(quote_name(name) for name in names) or "1 as one"
            frame = self.con.execute(f"select {select} from {self.rows}").df()
            questions = [_question(one) for one in about_rows if not _is_empty(one, frame)]
            found |= judge(frame, questions) if questions else {}
        return found | self._of_names(about_names, judge)

    def _by_profile(
        self, expectations: Sequence[Expectation], judge: Judge
    ) -> dict[str, Judgement]:
        """Judge on one row of figures, made by one query."""
        figures = {one.check_id: profile_figure(one) for one in expectations}
        asked = {key: figure for key, figure in figures.items() if figure is not None}
        select = ", ".join(
            f"{figure} as figure_{number}" for number, (figure, _) in enumerate(asked.values())
        )
        found: dict[str, Judgement] = {}
        if asked:
            frame = self.con.execute(f"select {select} from {self.rows}").df()
            questions = [
                Question(
                    key,
                    "expect_column_values_to_be_between",
                    {"column": f"figure_{number}", **limits},
                )
                for number, (key, (_, limits)) in enumerate(asked.items())
                if not frame[f"figure_{number}"].isna().all()
            ]
            observed = {
                question.key: frame[str(question.arguments["column"])].iloc[0]
                for question in questions
            }
            judgements = judge(frame, questions) if questions else {}
            found = {
                key: replace(judgement, unexpected=None, observed=observed[key])
                for key, judgement in judgements.items()
            }
        names = [one for one in expectations if figures[one.check_id] is None]
        return found | self._of_names(names, judge)

    def _of_names(self, expectations: Sequence[Expectation], judge: Judge) -> dict[str, Judgement]:
        if not expectations:
            return {}
        frame = self.con.execute(f"select * from {self.relation} limit 0").df()
        return judge(frame, [_question(one) for one in expectations])

    def _result(self, expectation: Expectation, judgement: Judgement | None) -> CheckResult:
        blank = unjudged(expectation)
        if judgement is None:
            return replace(blank, actual="no value to judge", status="passed", failing_rows=0)
        status = judged(judgement.is_met, expectation.severity)
        rule = expectation.kind.rule
        is_about_rows = isinstance(rule, RowRule | UniqueRule)
        if judgement.problem:
            return replace(blank, actual=judgement.problem, status=status)
        failing = judgement.unexpected
        examples = None
        if is_about_rows and (failing is None or failing > 0):
            failing = self._count(str(blank.sql))
        if not judgement.is_met and is_about_rows:
            examples = first_rows(self.con, str(blank.sql))
        observed = self._values(str(blank.sql)) if isinstance(rule, SetRule) else judgement.observed
        return replace(
            blank,
            actual=_actual(failing if is_about_rows else None, observed),
            status=status,
            failing_rows=failing if is_about_rows else None,
            examples=examples,
        )

    def _values(self, query: str) -> list[str]:
        """The first values of a query, in order; a person compares them with the set."""
        rows = self.con.execute(f"{query} order by all limit {_MOST_VALUES}").fetchall()
        return [str(value) for (value,) in rows]

    def _count(self, query: str) -> int:
        rows = self.con.execute(f"select count(*) from ({query}\n) as failing").fetchall()
        return int(rows[0][0])


def _place(expectation: Expectation) -> tuple[str, str, str]:
    return expectation.schema, expectation.table, expectation.where or ""


def _relation(schema: str, table: str) -> str:
    database = f"{MARTS}." if schema in PUBLISHED_SCHEMAS else ""
    return f"{database}{quote_name(schema)}.{quote_name(table)}"


def _some_value(columns: Iterable[str]) -> str:
    return "(" + " or ".join(f"{quote_name(column)} is not null" for column in columns) + ")"


def _question(expectation: Expectation) -> Question:
    arguments = expectation.arguments.model_dump(by_alias=True, exclude_defaults=True)
    if "column_A" in arguments:
        arguments["ignore_row_if"] = "either_value_is_missing"
    return Question(expectation.check_id, expectation.kind.name, arguments)


def _is_empty(expectation: Expectation, frame: "pd.DataFrame") -> bool:
    """Whether there is nothing that a figure could be taken from."""
    if not isinstance(expectation.arguments, AggregateBetween):
        return not len(frame) and bool(expectation.arguments.columns)
    return bool(frame[expectation.arguments.column].isna().all())


def _unusable(expectation: Expectation, problem: str) -> CheckResult:
    status = judged(False, expectation.severity)
    return replace(unjudged(expectation), actual=problem, status=status)


def _actual(failing: int | None, observed: Any) -> str:
    if failing is not None:
        return f"{failing:,} row{'s' if failing != 1 else ''} break it"
    if isinstance(observed, list):
        return ", ".join(observed) or "no value"
    if observed is None:
        return "nothing observed"
    number = float(observed) if not isinstance(observed, str) else None
    if number is None or math.isnan(number):
        return str(observed)
    return f"{number:,.10g}"
