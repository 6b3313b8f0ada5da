"""The published tables against another formulation of all of them: the script of the benchmarks.

Belongs here: that both say the same, so that what is measured is the same work. Does not belong
here: that the comparison sees differences (``tests/unit/test_demo_comparison.py``).
"""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_ROOT
from tests.building import Built

BENCHMARKS = PROJECT_ROOT / "benchmarks"


def test_every_table_equals_that_of_the_hand_written_script(
    demo: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = demo.settings.resolved_landing_dir / "canonical"
    subprocess.run(
        [
            sys.executable, str(BENCHMARKS / "hand_written.py"),
            "--landing", str(landing), "--profile", "canonical", "--basis", "net",
            "--out", str(tmp_path),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    comparing = importlib.import_module("comparing")
    results = comparing.compare_published(demo.marts_path, tmp_path / "marts.duckdb")
    assert [result for result in results if not result.is_equal] == []
    assert len(results) > 35
