"""The definitions: they load, and hold the assets, groups, checks and jobs they should."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.clusters import MODEL_KEY
from orchestration.automation import REFIT_CLUSTERS, REFRESH
from orchestration.build import build_definitions
from orchestration.checks.learned import DRIFT_CHECK
from orchestration.checks.report import CheckReport
from orchestration.dbt_runner import DbtProject
from orchestration.landing.contract import CONTRACT
from orchestration.layers import LEARNED_SCHEMA, MODEL_PREFIXES, PUBLISHED_SCHEMAS
from orchestration.learned_tables import LEARNED_TABLES
from orchestration.manifest import Manifest
from orchestration.settings import Settings

#: The interface that analysts build on; taking a table away is a breaking change.
PUBLISHED_INTERFACE = {
    "behaviour/fct_behaviour_intervals",
    "behaviour/fct_behaviour_snapshots",
    "clusters/dim_cluster_centroids",
    "clusters/dim_cluster_models",
    "clusters/dim_clusters",
    "clusters/fct_customer_cluster_months",
    "clusters/fct_customer_clusters",
    "clusters/rpt_cluster_events",
    "clusters/rpt_cluster_feature_quartiles",
    "clusters/rpt_cluster_prediction",
    "clusters/rpt_cluster_profiles",
    "clusters/rpt_cluster_sample",
    "clusters/rpt_cluster_segments",
    "clusters/rpt_k_selection",
    "core/dim_customers",
    "core/dim_products",
    "core/fct_cancellations",
    "core/fct_order_lines",
    "core/fct_orders",
    "lifecycle/fct_customer_months",
    "lifecycle/rpt_cohort_retention",
    "lifecycle/rpt_lifecycle_by_month",
    "lifecycle/rpt_purchase_rates_by_month",
    "quality/rpt_check_results",
    "quality/rpt_corrections",
    "quality/rpt_drift",
    "quality/rpt_reconciliation",
    "rfm/dim_rfm_cells",
    "rfm/dim_rfm_cuts",
    "rfm/dim_snapshots",
    "rfm/fct_rfm_intervals",
    "rfm/fct_rfm_scores",
    "rfm/fct_rfm_snapshots",
    "rfm/fct_segment_tenures",
    "rfm/rpt_revenue_walk",
    "rfm/rpt_segment_migration",
    "rfm/rpt_segment_migration_between",
    "rfm/rpt_score_cells",
    "rfm/rpt_segments",
    "sales/rpt_channel_share",
    "sales/rpt_largest_orders",
    "sales/rpt_order_value_bands",
    "sales/rpt_price_bands",
    "sales/rpt_sales_by_month",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("definitions")
    return Settings(data_dir=folder / "data", home_dir=folder)


@pytest.fixture(scope="module")
def manifest_path(settings: Settings) -> Path:
    return DbtProject(settings, is_echoing=False).parse()


@pytest.fixture(scope="module")
def manifest(manifest_path: Path) -> Manifest:
    return Manifest.read(manifest_path)


@pytest.fixture(scope="module")
def definitions(settings: Settings, manifest_path: Path) -> dg.Definitions:
    return build_definitions(settings, manifest_path=manifest_path)


@pytest.fixture(scope="module")
def nodes(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_definitions_are_valid(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_assets_are_the_contract_the_dbt_project_what_is_learned_and_the_publication(
    nodes: dict[str, dg.AssetSpec], manifest: Manifest
) -> None:
    expected = {f"raw/{name}" for name in [*CONTRACT, "loaded_files", "rejected_rows"]}
    expected |= {
        "/".join(node.relation)
        for kind in ("model", "seed")
        for node in manifest.of_type(kind)
        if node.materialized != "ephemeral"
    }
    expected |= {f"{LEARNED_SCHEMA}/{name}" for name in LEARNED_TABLES}
    expected |= {f"published/{name}" for name in ("marts", "audiences", "report")}
    assert set(nodes) == expected


def test_the_published_interface_is_there(nodes: dict[str, dg.AssetSpec]) -> None:
    assert set(nodes) >= PUBLISHED_INTERFACE


def test_groups_are_the_folders(nodes: dict[str, dg.AssetSpec]) -> None:
    for key, spec in nodes.items():
        assert spec.group_name == key.split("/")[0]
    groups = {spec.group_name for spec in nodes.values()}
    assert groups == {"raw", "seeds", LEARNED_SCHEMA, "published", *MODEL_PREFIXES}


def test_every_asset_is_described_owned_and_of_a_kind(nodes: dict[str, dg.AssetSpec]) -> None:
    for key, spec in nodes.items():
        assert spec.description, key
        assert spec.owners, key
        assert spec.kinds, key


def test_the_publication_depends_on_every_published_table(
    nodes: dict[str, dg.AssetSpec], manifest: Manifest
) -> None:
    parents = {dep.asset_key.to_user_string() for dep in nodes["published/marts"].deps}
    assert parents == {"/".join(node.relation) for node in manifest.published}
    assert {key.split("/")[0] for key in parents} == set(PUBLISHED_SCHEMAS)


def test_staging_depends_on_the_raw_assets(nodes: dict[str, dg.AssetSpec]) -> None:
    parents = {dep.asset_key.to_user_string() for dep in nodes["staging/base_order_lines"].deps}
    assert "raw/order_lines" in parents


def test_every_published_table_has_a_blocking_check(
    definitions: dg.Definitions, manifest: Manifest
) -> None:
    checked = {
        key.asset_key.to_user_string()
        for key in definitions.resolve_asset_graph().asset_check_keys
        if definitions.resolve_asset_graph().get_check_spec(key).blocking
    }
    assert {"/".join(node.relation) for node in manifest.published} <= checked


def test_every_dbt_test_and_expectation_is_shown_as_a_check(
    settings: Settings, manifest: Manifest, manifest_path: Path
) -> None:
    checked = settings.model_copy(update={"expectations": True})
    graph = build_definitions(checked, manifest_path=manifest_path).resolve_asset_graph()
    report = CheckReport(checked, manifest)
    shown = {key.name for key in graph.asset_check_keys}
    assert {check.check_name for check in report.known} == shown
    assert {test.name for test in manifest.of_type("test")} < shown
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert {check.check_name for check in report.required} <= blocking
    expectations = {one.name: one.severity for one in report.expectations}
    assert {expectations[name] for name in blocking & set(expectations)} == {"error"}


def test_drift_of_the_clusters_blocks(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert graph.get_check_spec(dg.AssetCheckKey(MODEL_KEY, DRIFT_CHECK)).blocking


def test_clusters_are_learned_from_the_models_and_models_read_them(
    nodes: dict[str, dg.AssetSpec],
) -> None:
    read = {dep.asset_key.to_user_string() for dep in nodes[MODEL_KEY.to_user_string()].deps}
    assert {"intermediate/int_cluster_features", "rfm/fct_rfm_scores"} <= read
    readers = {
        key
        for key, spec in nodes.items()
        for dep in spec.deps
        if dep.asset_key.path[0] == LEARNED_SCHEMA
    }
    assert {key.split("/")[0] for key in readers} == {"clusters"}
    assert len(readers) == len(LEARNED_TABLES)


def test_jobs(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} - {"__ASSET_JOB"} == {
        REFRESH,
        REFIT_CLUSTERS,
    }


@pytest.mark.parametrize("name", [REFRESH, REFIT_CLUSTERS])
def test_the_jobs_refresh_everything(
    definitions: dg.Definitions, nodes: dict[str, dg.AssetSpec], name: str
) -> None:
    job = definitions.resolve_job_def(name)
    keys = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert keys == set(nodes)


def _modules(project_root: Path) -> Iterator[str]:
    for path in sorted((project_root / "orchestration").rglob("*.py")):
        name = ".".join(path.relative_to(project_root).with_suffix("").parts)
        yield name.removesuffix(".__init__")


def test_importing_any_module_has_no_effect(project_root: Path, tmp_path: Path) -> None:
    script = """
import builtins, importlib, os, pathlib, socket, sqlite3, sys

import duckdb

def refuse(*args, **kwargs):
    raise AssertionError(f"an import does something: {args}")

# What others do while they are imported is not ours.
import dagster, dagster_dbt, numpy, pandas, rich.console, typer

duckdb.connect = socket.socket.connect = refuse
os.mkdir = os.makedirs = pathlib.Path.mkdir = refuse
before = dict(os.environ)
for name in sys.argv[1:]:
    importlib.import_module(name)
assert dict(os.environ) == before, "an import changes the environment"
assert not os.listdir("."), "an import writes a file"
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *_modules(project_root)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", ["analytics", "landing", "demo", "publishing", "checks"])
def test_computing_packages_import_no_dagster(project_root: Path, package: str) -> None:
    for path in (project_root / "orchestration" / package).rglob("*.py"):
        imported = {name.split(".")[0] for name in _imports(path)}
        assert not imported & {"dagster", "dagster_dbt"}, path


def test_settings_alone_read_the_environment(project_root: Path) -> None:
    # dbt is given its variables through the environment, and the UI its settings: they write it.
    writers = {"dbt_runner.py", "dev.py"}
    for path in (project_root / "orchestration").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name not in writers:
            assert "os.environ" not in text, path
            assert "os.getenv" not in text, path


def test_the_command_line_answers_before_dagster_and_dbt_are_imported() -> None:
    script = (
        "import sys; import orchestration.cli, orchestration.refresh, orchestration.summary;"
        "print(sorted({'dagster', 'dbt', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
