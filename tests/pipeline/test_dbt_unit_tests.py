"""The unit tests of the models, run by dbt."""

import shutil
from collections import Counter
from pathlib import Path

from orchestration.dbt_runner import DbtProject, dbt_environment
from orchestration.settings import Settings
from tests.building import Built

AT_LEAST = 16


def test_all_unit_tests_pass(demo: Built, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    settings.resolved_temp_dir.mkdir(parents=True)
    shutil.copy(demo.warehouse_path, settings.warehouse_path)
    shutil.copy(demo.marts_path, settings.marts_build_path)
    project = DbtProject(settings, is_echoing=False)
    project.parse()
    arguments = ["test", *project._common_args(), "--select", "test_type:unit"]
    outcome = project._invoke(arguments, [], dbt_environment(settings))
    results = [(result.node.name, str(result.status), result.message) for result in outcome.result]
    assert [result for result in results if result[1] != "pass"] == []
    assert outcome.success
    assert len(results) >= AT_LEAST
    kinds = Counter(str(result.node.resource_type.value) for result in outcome.result)
    assert kinds == {"unit_test": len(results)}
