"""Judging tables: each type of expectation met and broken, on a frame and on a profile alike."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from orchestration.checks.expectation_types import EXPECTATION_TYPES
from orchestration.checks.expectations import judge_expectations
from orchestration.checks.results import CheckResult
from orchestration.checks.suites import Expectation

#: Type, arguments that the table below keeps, arguments that it breaks, rows that break them.
EXAMPLES: list[tuple[str, dict[str, Any], dict[str, Any], int | None]] = [
    (
        "expect_column_values_to_be_between",
        {"column": "amount", "min_value": 1, "max_value": 4},
        {"column": "amount", "min_value": 1, "strict_min": True},
        1,
    ),
    (
        "expect_column_values_to_be_between",
        {"column": "amount", "max_value": 3, "mostly": 0.75},
        {"column": "amount", "max_value": 3, "mostly": 0.76},
        1,
    ),
    (
        "expect_column_values_to_be_between",
        {"column": "day", "min_value": "2024-01-01", "max_value": "2024-01-05"},
        {"column": "day", "max_value": "2024-01-03"},
        2,
    ),
    (
        "expect_column_value_lengths_to_be_between",
        {"column": "name", "max_value": 4},
        {"column": "name", "min_value": 2},
        4,
    ),
    (
        "expect_column_values_to_not_be_null",
        {"column": "amount", "mostly": 0.8},
        {"column": "amount"},
        1,
    ),
    (
        "expect_column_values_to_be_in_set",
        {"column": "name", "value_set": ["a", "b", "it's"]},
        {"column": "name", "value_set": ["a", "b"]},
        1,
    ),
    (
        "expect_column_values_to_be_in_set",
        {"column": "is_new", "value_set": [True, False]},
        {"column": "is_new", "value_set": [True]},
        2,
    ),
    (
        "expect_column_values_to_not_be_in_set",
        {"column": "amount", "value_set": [5, 6]},
        {"column": "amount", "value_set": [4, 6]},
        1,
    ),
    (
        "expect_column_values_to_match_regex",
        {"column": "name", "regex": "^[a-z]"},
        {"column": "name", "regex": "^[a-z]$"},
        1,
    ),
    (
        "expect_column_values_to_not_match_regex",
        {"column": "name", "regex": "[0-9]"},
        {"column": "name", "regex": "'"},
        1,
    ),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "later", "column_B": "day", "or_equal": True},
        {"column_A": "later", "column_B": "day"},
        1,
    ),
    ("expect_column_values_to_be_unique", {"column": "day"}, {"column": "name"}, 2),
    (
        "expect_compound_columns_to_be_unique",
        {"column_list": ["name", "amount"]},
        {"column_list": ["name", "is_new"]},
        1,
    ),
    (
        "expect_column_mean_to_be_between",
        {"column": "amount", "min_value": 2.5, "max_value": 2.5},
        {"column": "amount", "min_value": 2.6},
        None,
    ),
    (
        "expect_column_median_to_be_between",
        {"column": "amount", "max_value": 2.5},
        {"column": "amount", "max_value": 2.4},
        None,
    ),
    (
        "expect_column_sum_to_be_between",
        {"column": "amount", "min_value": 10},
        {"column": "amount", "min_value": 10, "strict_min": True},
        None,
    ),
    (
        "expect_column_min_to_be_between",
        {"column": "amount", "min_value": 1},
        {"column": "amount", "min_value": 2},
        None,
    ),
    (
        "expect_column_max_to_be_between",
        {"column": "amount", "max_value": 4},
        {"column": "amount", "max_value": 3},
        None,
    ),
    (
        "expect_column_unique_value_count_to_be_between",
        {"column": "name", "max_value": 3},
        {"column": "name", "max_value": 2},
        None,
    ),
    (
        "expect_table_row_count_to_be_between",
        {"min_value": 5, "max_value": 5},
        {"min_value": 6},
        None,
    ),
    (
        "expect_column_distinct_values_to_contain_set",
        {"column": "name", "value_set": ["a", "b"]},
        {"column": "name", "value_set": ["a", "z"]},
        None,
    ),
    (
        "expect_table_columns_to_match_set",
        {"column_set": ["name", "day"], "exact_match": False},
        {"column_set": ["name", "day"]},
        None,
    ),
]
ROWS = """
    ('a', 1, date '2024-01-01', date '2024-01-02', true, 'c1', 'c1@example.org'),
    ('a', 2, date '2024-01-02', date '2024-01-03', true, 'c2', null),
    ('b', 3, date '2024-01-03', date '2024-01-04', true, 'c3', null),
    ('b', null, date '2024-01-04', null, false, 'c4', null),
    ('it''s', 4, date '2024-01-05', date '2024-01-05', false, 'c5', null)
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema raw")
        con.execute(
            "create table raw.order_lines as select * from (values "
            f"{ROWS}) as t (name, amount, day, later, is_new, customer_id, email_hash)"
        )
        yield con


def expectation(kind: str, arguments: dict[str, Any], **changes: Any) -> Expectation:
    """An expectation on the table, of severity error unless it is said otherwise."""
    known = EXPECTATION_TYPES[kind]
    return Expectation(
        **{
            "schema": "raw",
            "table": "order_lines",
            "name": f"{kind}_{len(str(arguments))}",
            "kind": known,
            "arguments": known.arguments.model_validate(arguments),
            "where": None,
            "severity": "error",
            "meaning": "So it is.",
            "source": "test",
            **changes,
        }
    )


def judged(con: duckdb.DuckDBPyConnection, one: Expectation, largest_frame: int) -> CheckResult:
    (result,) = judge_expectations(con, [one], largest_frame)
    return result


def test_there_is_an_example_of_every_type() -> None:
    assert {kind for kind, *_ in EXAMPLES} == set(EXPECTATION_TYPES)


@pytest.mark.parametrize("largest_frame", [100, 0], ids=["frame", "profile"])
def test_each_type_is_met_and_broken(con: duckdb.DuckDBPyConnection, largest_frame: int) -> None:
    for kind, kept, broken, failing in EXAMPLES:
        met = judged(con, expectation(kind, kept), largest_frame)
        assert met.status == "passed", (kind, met.actual)
        failed = judged(con, expectation(kind, broken), largest_frame)
        assert (failed.status, failed.failing_rows) == ("failed", failing), (kind, failed.actual)


def test_a_warning_is_no_failure_and_a_condition_selects_rows(
    con: duckdb.DuckDBPyConnection,
) -> None:
    arguments = {"column": "amount", "max_value": 3}
    kind = "expect_column_values_to_be_between"
    assert judged(con, expectation(kind, arguments, severity="warning"), 100).status == "warned"
    assert judged(con, expectation(kind, arguments, where="name <> 'it''s'"), 100).status == (
        "passed"
    )


def test_the_first_rows_are_shown_without_persons(con: duckdb.DuckDBPyConnection) -> None:
    result = judged(
        con,
        expectation("expect_column_values_to_be_between", {"column": "amount", "min_value": 3}),
        9,
    )
    examples = json.loads(str(result.examples))
    assert [row["amount"] for row in examples] == [1, 2]
    assert not {"customer_id", "email_hash"} & set(examples[0])
    assert con.execute(str(result.sql)).fetchall()[0][1] in (1, 2)


@pytest.mark.parametrize("largest_frame", [100, 0], ids=["frame", "profile"])
def test_a_missing_column_fails_and_no_rows_pass(
    con: duckdb.DuckDBPyConnection, largest_frame: int
) -> None:
    kind = "expect_column_values_to_not_be_null"
    missing = judged(con, expectation(kind, {"column": "nowhere"}), largest_frame)
    assert (missing.status, missing.actual) == ("failed", "the table has no column nowhere")
    gone = judged(con, expectation(kind, {"column": "name"}, table="nowhere"), largest_frame)
    assert gone.status == "failed"
    con.execute("delete from raw.order_lines")
    for name, arguments, *_ in EXAMPLES:
        if name != "expect_table_row_count_to_be_between" and "contain_set" not in name:
            assert judged(con, expectation(name, arguments), 100).status == "passed", name
