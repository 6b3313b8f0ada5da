"""The example queries run as they stand, on the demo shop, and find something."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.building import Built
from tests.docs.documents import DOCS, code_blocks

QUERIES = DOCS / "queries.md"


@pytest.mark.parametrize("number", range(len(code_blocks(QUERIES, "sql"))))
def test_example_query_finds_rows(demo: Built, number: int) -> None:
    assert demo.marts(code_blocks(QUERIES, "sql")[number])


def test_there_are_ten_of_them_at_least() -> None:
    assert len(code_blocks(QUERIES, "sql")) >= 10


def test_revenue_walk_adds_up_as_said(demo: Built) -> None:
    (walk,) = [sql for sql in code_blocks(QUERIES, "sql") if "rpt_revenue_walk" in sql]
    [(change, difference)] = demo.marts(
        f"select sum(revenue_change), sum(revenue_after) - sum(revenue_before) from ({walk})"
    )
    assert change == difference


def test_reconciliation_shows_no_difference_as_said(demo: Built) -> None:
    (query,) = [sql for sql in code_blocks(QUERIES, "sql") if "rpt_reconciliation" in sql]
    assert demo.marts(f"select distinct difference from ({query})") == [(0,)]


def test_python_example_prints_the_sizes(demo: Built, tmp_path: Path) -> None:
    (script,) = code_blocks(QUERIES, "python")
    (tmp_path / "marts.duckdb").symlink_to(demo.marts_path)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "champions" in done.stdout
