"""Expectations and the test report in whole runs: what is published, stopped and told."""

import csv
import shutil
from pathlib import Path

import pytest

from orchestration.assets.published import publish
from orchestration.errors import CustomerValueError
from orchestration.manifest import Manifest
from orchestration.progress import SilentReporter
from orchestration.settings import Settings
from tests.building import Builder, Built, run_command
from tests.clustered_runs import clustered_shop


@pytest.fixture(scope="module")
def checked(build: Builder) -> Built:
    """A small shop, published with expectations, one of its own among them."""
    return clustered_shop(build)


def _report(settings: Settings) -> dict[str, dict[str, str]]:
    with settings.check_results_path.open(encoding="utf-8", newline="") as file:
        return {row["check_id"]: row for row in csv.DictReader(file)}


def test_every_check_of_the_run_is_published(checked: Built) -> None:
    rows = checked.marts("select check_id, kind, status from quality.rpt_check_results")
    tests = {node.unique_id for node in checked.manifest.of_type("test")}
    assert {check_id for check_id, kind, _ in rows if kind == "dbt_test"} == tests
    kinds = {kind for _, kind, _ in rows}
    assert kinds == {"dbt_test", "expectation", "landing_check", "asset_check"}
    assert {status for _, _, status in rows} <= {"passed", "warned"}
    assert set(_report(checked.settings)) == {check_id for check_id, *_ in rows}


def test_a_broken_expectation_of_severity_warning_is_told_and_published(checked: Built) -> None:
    name = "expectation.core.dim_customers.customers_come_once"
    ((status, expected, failing, examples),) = checked.marts(
        "select status, expected, failing_rows, examples from quality.rpt_check_results "
        "where check_id = ?",
        [name],
    )
    assert status == "warned"
    assert expected.startswith("Customers of this shop do not come back.")
    ((customers,),) = checked.marts("select count(*) from core.dim_customers where order_count > 1")
    assert failing == customers > 0
    assert "customer_id" not in examples
    assert "customers_come_once on core.dim_customers" in checked.output


def test_a_broken_expectation_of_severity_error_stops_the_publication(
    checked: Built, tmp_path: Path
) -> None:
    data = shutil.copytree(checked.settings.resolved_data_dir, tmp_path / "data")
    landing = shutil.copytree(checked.settings.resolved_landing_dir, tmp_path / "landing")
    settings = checked.settings.model_copy(
        update={"data_dir": data, "landing_dir": landing, "home_dir": tmp_path / "home"}
    )
    published = settings.marts_path.read_bytes()
    (landing / "canonical" / "order_lines_bad.csv").write_text(
        "order_id,line_number,product_id,ordered_at,quantity,unit_price,customer_id\n"
        "B1,1,P1,2024-11-01 10:00:00,1,9.50,1.785E+04\n",
        encoding="utf-8",
    )

    done = run_command(["run"], settings, check=False)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: 1 check failed: customer_ids_are_no_spreadsheet_numbers")
    assert "Export the column as text" in error
    assert settings.marts_path.read_bytes() == published
    report = _report(settings)
    failed = [row for row in report.values() if row["status"] == "failed"]
    assert [row["check_name"] for row in failed] == ["customer_ids_are_no_spreadsheet_numbers"]
    assert failed[0]["failing_rows"] == "1"
    assert "B1" in failed[0]["examples"]
    assert "1.785E+04" not in failed[0]["examples"]
    assert {row["status"] for row in report.values() if row["kind"] == "dbt_test"} == {"skipped"}
    # Nor does it get out by publishing alone.
    manifest = Manifest.read(settings.dbt_target_dir / "manifest.json")
    with pytest.raises(CustomerValueError, match="customer_ids_are_no_spreadsheet_numbers"):
        publish(settings, manifest, "by hand", SilentReporter())
    assert settings.marts_path.read_bytes() == published
