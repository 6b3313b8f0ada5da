"""A refresh as a whole: what is published, what stops it, what Dagster keeps of it.

The warehouse is built once; each test that changes something works on a copy.
"""

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.build import build_definitions
from orchestration.checks.manifest_gate import find_breaches
from orchestration.dagster_instance import command_line_instance, run_tags
from orchestration.errors import CustomerValueError
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.progress import SilentReporter
from orchestration.refresh import is_up_to_date, refresh
from orchestration.settings import Settings
from orchestration.warehouse import warehouse_lock
from tests.building import Built, copied_project, run_command


@pytest.fixture
def copied(demo: Built, tmp_path: Path) -> Settings:
    """Settings of a copy of the demo's data folder, with a home of its own."""
    settings = Settings(data_dir=tmp_path / "data", home_dir=tmp_path / "home")
    shutil.copytree(demo.settings.resolved_data_dir, settings.resolved_data_dir)
    return settings


@pytest.fixture
def dbt_project(tmp_path: Path) -> Path:
    """A copy of the dbt project that may be spoiled."""
    return copied_project(tmp_path)


def _published_tables(built: Built) -> set[tuple[str, str]]:
    return set(
        built.marts(
            """
            select schema_name, table_name from duckdb_tables() where not internal
            union all
            select schema_name, view_name from duckdb_views() where not internal
            """
        )
    )


def test_the_publication_holds_the_published_tables_and_nothing_else(demo: Built) -> None:
    tables = _published_tables(demo)
    assert {schema for schema, _ in tables} == {*PUBLISHED_SCHEMAS, "meta"}
    published = {node.relation for node in demo.manifest.published}
    assert tables == published | {("meta", "run_manifest"), ("meta", "input_files")}


def test_published_tables_and_columns_carry_their_descriptions(demo: Built) -> None:
    undescribed = demo.marts(
        """
        select schema_name, table_name, column_name from duckdb_columns()
        where not internal and comment is null and schema_name <> 'meta'
        """
    )
    assert undescribed == []


def test_documented_columns_are_the_real_ones(demo: Built) -> None:
    real: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in demo.warehouse(
        """
        select schema_name, table_name, column_name from duckdb_columns()
        where not internal order by schema_name, table_name, column_index
        """
    ):
        real.setdefault((schema, table), []).append(column)
    breaches = find_breaches(demo.manifest, real)
    assert [breach for breach in breaches if breach.rule == "real_columns"] == []


def test_the_summary_is_that_of_the_publication(demo: Built) -> None:
    customers = demo.marts("select count(*) from core.dim_customers where order_count > 0")[0][0]
    rejected = demo.marts("select sum(rows_rejected) from meta.input_files")[0][0]
    assert f"{customers:,}" in demo.output
    assert re.search(rf"rows rejected .* {rejected:,} ", demo.output)
    assert "champions" in demo.output
    assert demo.output.splitlines()[-2:] == [
        f"Published: {demo.marts_path}",
        f"Report: {demo.settings.report_path}",
    ]


def test_a_second_run_with_nothing_new_changes_nothing(copied: Settings) -> None:
    before = copied.marts_path.read_bytes()
    done = run_command(["run"], copied)
    assert "nothing new" in done.stderr
    assert copied.marts_path.read_bytes() == before


@pytest.mark.parametrize(
    "change", [{"monetary_basis": "gross"}, {"as_of_date": "2024-06-30"}, {"rfm_window_days": 90}]
)
def test_a_setting_that_moves_a_number_is_something_new(
    copied: Settings, change: dict[str, object]
) -> None:
    assert is_up_to_date(copied)
    assert not is_up_to_date(Settings(**{**copied.model_dump(), **change}))


def test_a_setting_that_moves_no_number_is_not(copied: Settings) -> None:
    assert is_up_to_date(Settings(**{**copied.model_dump(), "threads": 1}))


def test_a_failed_check_is_named_and_nothing_is_published(
    demo: Built, copied: Settings, dbt_project: Path
) -> None:
    # On a first layer: what comes after it is skipped and takes no time.
    (dbt_project / "tests" / "assert_no_large_order.sql").write_text(
        "-- No shop of this size sells so much. Look at the file.\n"
        "select distinct order_id from {{ ref('stg_order_lines') }} order by order_id limit 2"
    )
    published = copied.marts_path.read_bytes()
    # Something new, so that there is something to build.
    gross = Settings(**{**copied.model_dump(), "monetary_basis": "gross"})
    with pytest.raises(CustomerValueError) as caught:
        refresh(gross, SilentReporter(), project_dir=dbt_project)
    first, second = demo.warehouse(
        "select distinct order_id from staging.stg_order_lines order by order_id limit 2"
    )
    assert caught.value.problem.startswith(
        f"1 check failed: assert_no_large_order (2 failing rows: order_id {first[0]}"
    )
    assert f"; order_id {second[0]}" in caught.value.problem
    assert caught.value.way_out.startswith("No shop of this size sells so much. Look at the file.")
    assert "last publication stays" in caught.value.way_out
    assert copied.marts_path.read_bytes() == published

    # By hand it is refused as well, whatever is left of the run.
    manifest_path = gross.dbt_target_dir / "manifest.json"
    definitions = build_definitions(gross, manifest_path=manifest_path)
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            asset_selection=[dg.AssetKey(["published", "marts"])],
            instance=instance,
            raise_on_error=False,
        )
    assert not result.success
    failure = result.get_step_failure_events()[0].step_failure_data.user_failure_data
    assert failure is not None
    assert "assert_no_large_order" in str(failure.description)
    assert copied.marts_path.read_bytes() == published


def test_a_model_that_cannot_be_built_is_named(copied: Settings, dbt_project: Path) -> None:
    model = dbt_project / "models" / "staging" / "stg_order_lines.sql"
    model.write_text(f"{model.read_text()}\nwhere no_such_column = 1\n")
    gross = Settings(**{**copied.model_dump(), "monetary_basis": "gross"})
    with pytest.raises(CustomerValueError) as caught:
        refresh(gross, SilentReporter(), project_dir=dbt_project)
    assert caught.value.problem.startswith("Model stg_order_lines could not be built: ")
    assert "no_such_column" in caught.value.problem


def test_an_occupied_warehouse_is_said_in_one_line(copied: Settings) -> None:
    with warehouse_lock(copied, "a long test"):
        done = run_command(["run"], copied, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is in use by process" in done.stderr
    assert "a long test" in done.stderr


@pytest.fixture
def instance(demo: Built, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage as the demo's run left it."""
    settings = Settings(data_dir=tmp_path / "data", home_dir=tmp_path / "home")
    shutil.copytree(demo.settings.dagster_home, settings.dagster_home)
    settings.resolved_data_dir.mkdir()
    with command_line_instance(settings) as instance:
        yield instance


def test_dagster_keeps_rows_columns_and_lineage(demo: Built, instance: dg.DagsterInstance) -> None:
    event = instance.get_latest_materialization_event(dg.AssetKey(["core", "fct_orders"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    rows = demo.marts("select count(*) from core.fct_orders")[0][0]
    assert metadata["dagster/row_count"].value == rows
    schema = metadata["dagster/column_schema"].value
    assert "order_id" in {column.name for column in schema.columns}
    lineage = metadata["dagster/column_lineage"].value
    assert lineage.deps_by_column["customer_id"]


def test_dagster_keeps_what_was_loaded_and_published(instance: dg.DagsterInstance) -> None:
    raw = instance.get_latest_materialization_event(dg.AssetKey(["raw", "order_lines"]))
    marts = instance.get_latest_materialization_event(dg.AssetKey(["published", "marts"]))
    assert raw is not None
    assert raw.asset_materialization is not None
    assert marts is not None
    assert marts.asset_materialization is not None
    assert raw.asset_materialization.metadata["rows_kept"].value
    assert marts.asset_materialization.metadata["tables"].value


def test_a_killed_run_does_not_stay_in_the_queue(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", home_dir=tmp_path / "home")
    settings.resolved_data_dir.mkdir()
    with command_line_instance(settings) as instance:
        run = instance.create_run_for_job(
            dg.GraphDefinition("empty").to_job(),
            status=dg.DagsterRunStatus.STARTED,
            tags=run_tags(settings),
        )
    with warehouse_lock(settings, "the next run"), command_line_instance(settings) as instance:
        ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE


def test_storage_does_not_wait_for_the_disk(instance: dg.DagsterInstance) -> None:
    with instance.event_log_storage.index_connection() as connection:
        assert isinstance(connection.connection.dbapi_connection, sqlite3.Connection)
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 0
