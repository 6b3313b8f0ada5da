"""The unit tests of the models, run by dbt as a person would run them."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from orchestration.dbt_runner import dbt_environment
from orchestration.settings import DBT_PROJECT_DIR, Settings
from tests.building import Built

AT_LEAST = 16


def test_all_unit_tests_pass(demo: Built, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.resolved_temp_dir.mkdir(parents=True)
    shutil.copy(demo.warehouse_path, settings.warehouse_path)
    shutil.copy(demo.marts_path, settings.marts_build_path)
    shutil.copytree(demo.settings.dbt_target_dir, settings.dbt_target_dir)
    command = [
        sys.executable, "-m", "dbt.cli.main", "test", "--select", "test_type:unit",
        "--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR),
        "--target-path", str(settings.dbt_target_dir), "--log-path", str(settings.log_dir),
        "--vars", json.dumps(settings.dbt_vars()), "--no-use-colors",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env=os.environ | dbt_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((settings.dbt_target_dir / "run_results.json").read_text())["results"]
    assert Counter(result["status"] for result in results) == {"pass": len(results)}
    assert len(results) >= AT_LEAST
    assert all(result["unique_id"].startswith("unit_test.") for result in results)
