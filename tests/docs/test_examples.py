"""The examples that analysts start from run as they stand on published marts."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import duckdb
import pytest

from orchestration.settings import PROJECT_ROOT
from tests.building import Built
from tests.docs.documents import DOCS

EXAMPLES = DOCS / "examples"
SCRIPT = EXAMPLES / "segments_with_pandas.py"
NOTEBOOK = EXAMPLES / "marts_in_a_notebook.ipynb"
STATEMENTS = duckdb.extract_statements((EXAMPLES / "first_look.sql").read_text(encoding="utf-8"))


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return found


@pytest.mark.parametrize("number", range(len(STATEMENTS)))
def test_every_statement_of_the_sql_script_finds_rows(demo: Built, number: int) -> None:
    assert demo.marts(STATEMENTS[number].query)


def test_the_tables_that_the_sql_script_lists_say_what_they_are(demo: Built) -> None:
    listed = demo.marts(STATEMENTS[0].query)
    assert "core.fct_orders" in {name for name, _, _ in listed}
    assert all(comment for name, _, comment in listed if not name.startswith("meta."))


def test_the_pandas_script_prints_segments_cohorts_and_customers(demo: Built) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(demo.marts_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    champions = demo.marts(
        "select customers from rfm.rpt_segments where scheme = 'quintile' and "
        "segment = 'champions' order by snapshot_date desc limit 1"
    )[0][0]
    assert re.search(rf"^Champions +{champions} ", done.stdout, re.MULTILINE)
    assert re.search(r"^6 +\d+\.\d%$", done.stdout, re.MULTILINE)
    medians = done.stdout.split("Medians")[1]
    segments = demo.marts(
        "select distinct segment from rfm.fct_rfm_scores where scheme = 'quintile' "
        "and snapshot_date = (select snapshot_date from rfm.dim_snapshots where is_as_of)"
    )
    assert len(segments) > 5
    assert [segment for (segment,) in segments if segment not in medians] == []
    ((champions_median,),) = demo.marts(
        "select median(recency_days) from rfm.fct_rfm_snapshots inner join rfm.fct_rfm_scores "
        "using (snapshot_date, customer_id) where scheme = 'quintile' and segment = 'champions' "
        "and snapshot_date = (select snapshot_date from rfm.dim_snapshots where is_as_of)"
    )
    assert re.search(rf"^champions +{champions_median} ", medians, re.MULTILINE)


def test_the_notebook_runs_from_the_first_cell_to_the_last(demo: Built) -> None:
    code = ["".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code"]
    done = subprocess.run(
        [sys.executable, "-c", "\n\n".join(code)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "MARTS": str(demo.marts_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "of the customers stayed in their segment" in done.stdout


def test_the_notebook_is_kept_without_outputs() -> None:
    assert [cell for cell in cells() if cell.get("outputs") or cell.get("execution_count")] == []


def test_every_example_is_named_in_the_queries_document() -> None:
    text = (DOCS / "queries.md").read_text(encoding="utf-8")
    examples = [path for path in EXAMPLES.iterdir() if path.is_file()]
    assert len(examples) == 3
    assert [path.name for path in examples if f"(examples/{path.name})" not in text] == []
