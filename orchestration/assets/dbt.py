"""The models, seeds and tests of the dbt project as Dagster assets and checks.

They are built in two steps: everything that is made of the input, then the models that read what
was learned from the first ones.

Belongs here: names, groups and metadata of the assets, and the step that builds them. Does not
belong here: how dbt is run (``dbt_runner.py``) and what a model computes (``dbt_project/``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.backfill import Months
from orchestration.build_plan import BuildPlan, plan_build, prepare_partial_build
from orchestration.build_record import end_build, is_half_done, start_build
from orchestration.build_report import build_error, describe_build
from orchestration.checks.report import CheckReport
from orchestration.dbt_runner import DbtBuild, DbtEvent, DbtProject
from orchestration.failures import failure, readable_failures
from orchestration.fingerprint import Fingerprint, fingerprint
from orchestration.layers import LEARNED_FOLDERS, OWNER, PUBLISHED_SCHEMAS, SEED_SCHEMA
from orchestration.learned_tables import ensure_learned_tables
from orchestration.lineage import LineageMemory, TableColumns
from orchestration.manifest import Manifest
from orchestration.progress import Reporter
from orchestration.publishing.seal import broken_seal, is_sealed, seal_build
from orchestration.settings import Settings
from orchestration.warehouse import MARTS, connect_warehouse

Props = Mapping[str, Any]
DagsterEvent = Any

#: The models that read learned tables, in dbt's words.
_LEARNED_MODELS = " ".join(f"fqn:customer_value.{folder}" for folder in LEARNED_FOLDERS)


class Translator(DagsterDbtTranslator):
    """One vocabulary: asset key = schema and table, group = folder of the project."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_key(self, dbt_resource_props: Props) -> dg.AssetKey:
        """Schema and table, for models, seeds and sources alike."""
        is_source = dbt_resource_props["resource_type"] == "source"
        table = dbt_resource_props["identifier" if is_source else "alias"]
        return dg.AssetKey([dbt_resource_props["schema"], table])

    def get_group_name(self, dbt_resource_props: Props) -> str | None:
        """The folder below ``models``; seeds stand together."""
        if dbt_resource_props["resource_type"] == "seed":
            return SEED_SCHEMA
        return str(dbt_resource_props["fqn"][1])

    def get_owners(self, dbt_resource_props: Props) -> Sequence[str] | None:
        """The owners the model names, or the team."""
        return super().get_owners(dbt_resource_props) or [OWNER]

    def get_description(self, dbt_resource_props: Props) -> str:
        """The model's own words, without the SQL."""
        return str(dbt_resource_props.get("description") or "").strip()

    def get_code_version(self, dbt_resource_props: Props) -> str | None:
        """Digest of the model's file."""
        checksum = (dbt_resource_props.get("checksum") or {}).get("checksum")
        return str(checksum)[:16] if checksum else None


def build_dbt_assets(
    settings: Settings,
    manifest: Manifest,
    project: DbtProject,
    reporter: Reporter,
    is_full_refresh: bool = False,
) -> list[dg.AssetsDefinition]:
    """All models, seeds and tests, built in two steps by a ``dbt build`` each.

    A step is a part of its own and not a selection of one step, so that what Dagster calls a
    subset is a selection that a person has made.

    Args:
        settings: the warehouse and the variables.
        manifest: the parsed project.
        project: the project, ready to be run.
        reporter: told of models as they are built.
        is_full_refresh: whether everything is computed anew, whatever has changed.
    """
    translator = Translator()

    @dbt_assets(
        manifest=manifest.raw,
        dagster_dbt_translator=translator,
        exclude=_LEARNED_MODELS,
        name="dbt",
        pool="warehouse",
    )
    def dbt(context: dg.AssetExecutionContext) -> Iterator[DagsterEvent]:
        """Build and test every selected model that is made of the input."""
        yield from step(context, False)

    @dbt_assets(
        manifest=manifest.raw,
        dagster_dbt_translator=translator,
        select=_LEARNED_MODELS,
        name="dbt_learned",
        pool="warehouse",
    )
    def dbt_learned(context: dg.AssetExecutionContext) -> Iterator[DagsterEvent]:
        """Build and test every selected model that reads what was learned."""
        yield from step(context, True)

    def step(context: dg.AssetExecutionContext, is_second: bool) -> Iterator[DagsterEvent]:
        """Build and test every selected model; publication waits for all of them."""
        inner = context.op_execution_context
        params = get_updated_cli_invocation_params_for_context(
            context=inner, manifest=manifest.raw, dagster_dbt_translator=translator
        )
        selection = [*params.selection_args]
        if params.indirect_selection:
            selection += ["--indirect-selection", params.indirect_selection]
        with readable_failures(settings.lock_retries):
            is_continued, made_from = _begin(settings, is_second)
            if is_continued and not inner.is_subset:
                plan = BuildPlan("full", "what was learned")
            elif is_second or inner.is_subset:
                plan = BuildPlan("full", "some models alone")
                if prepare_partial_build(settings):
                    selection = [_with_upstream(argument) for argument in selection]
            else:
                months = Months.of_run(inner.run.tags)
                plan = plan_build(settings, made_from, is_full_refresh, months)
            is_half = not (is_second or inner.is_subset)
            build = _build(
                settings, manifest, project, selection, plan, made_from, reporter, is_half
            )
            memory = LineageMemory(project.project_dir / "target" / "lineage.json")
            facts = _relation_facts(settings, manifest, build, memory)
            memory.keep()
        for event in build.events:
            if not inner.is_subset or _is_selected(event, inner, manifest, translator):
                yield from _dagster_events(event, inner, manifest, translator, facts)
        if not build.is_ok:
            error = build_error(build, settings)
            raise failure(error.problem, error.way_out)
        reporter.done(f"{describe_build(build)}; {plan}")

    return [dbt, dbt_learned]


def _with_upstream(argument: str) -> str:
    """A selection argument of dbt, extended to all that its models are made from."""
    if argument.startswith("--"):
        return argument
    return " ".join(f"+{part}" for part in argument.split())


def _is_selected(
    event: DbtEvent,
    context: dg.OpExecutionContext,
    manifest: Manifest,
    translator: Translator,
) -> bool:
    """Whether an event is about an asset that was asked for, not about what lies upstream."""
    unique_id = event["data"]["node_info"]["unique_id"]
    props = manifest.raw["nodes"].get(unique_id)
    if props is None or props["resource_type"] == "test":
        attached = manifest.raw["nodes"].get((props or {}).get("attached_node") or "")
        if attached is None:
            return False
        props = attached
    return translator.get_asset_key(props) in context.selected_asset_keys


def _build(
    settings: Settings,
    manifest: Manifest,
    project: DbtProject,
    selection: Sequence[str],
    plan: BuildPlan,
    made_from: Fingerprint,
    reporter: Reporter,
    is_half: bool,
) -> DbtBuild:
    """Run dbt, and end the build record that ``_begin`` has opened."""
    nodes = [node for node in manifest.nodes.values() if node.resource_type != "test"]
    total = len(nodes)
    is_continuing = plan.reason == "what was learned"
    built = sum(node.folder not in LEARNED_FOLDERS for node in nodes) if is_continuing else 0
    # Rows that are kept must be those a run has left; dbt has the file open at its first event.
    is_kept = settings.marts_build_path.exists()
    found_as_left: list[bool] = []

    def on_event(event: DbtEvent) -> None:
        nonlocal built
        if not found_as_left:
            found_as_left.append(not is_kept or is_sealed(settings))
        if event["info"]["name"] in ("LogModelResult", "LogSeedResult"):
            built += 1
            name = event["data"]["node_info"]["node_name"]
            reporter.now(f"Building and testing models: {built} of {total} ({name})")

    reporter.now("Building and testing models")
    build = project.build(selection, plan.mode, on_event)
    if not all(found_as_left):
        raise broken_seal(settings)
    seal_build(settings)
    if not build.problem:
        with connect_warehouse(settings, "recording the build", with_marts=True) as con:
            end_build(con, made_from, build.results, is_half=is_half and build.is_ok)
            CheckReport(settings, manifest).record_tests(con, build.results, made_from)
    return build


def _begin(settings: Settings, is_second: bool) -> tuple[bool, Fingerprint]:
    """Open the build record.

    Returns:
        whether this goes on with a build whose first part has just ended, and what is built from.
    """
    from orchestration.landing.load import ensure_raw_tables

    with connect_warehouse(settings, "recording the build") as con:
        ensure_raw_tables(con)
        ensure_learned_tables(con)
        made_from = fingerprint(con, settings)
        is_continued = (
            is_second and settings.marts_build_path.exists() and is_half_done(con, made_from)
        )
        start_build(con, made_from)
    return is_continued, made_from


def _relation_facts(
    settings: Settings, manifest: Manifest, build: DbtBuild, memory: LineageMemory
) -> dict[str, dict[str, Any]]:
    """Metadata of every relation that was built: rows, columns and column lineage, by node id.

    One connection and two queries for all of them; views are not counted.
    """
    built = {
        result.unique_id: result
        for result in build.results
        if result.is_ok and result.resource_type in ("model", "seed")
    }
    with connect_warehouse(settings, "reading row counts", with_marts=True) as con:
        columns = _columns(con)
        counted = [
            manifest.nodes[unique_id].relation
            for unique_id in built
            if manifest.nodes[unique_id].materialized != "view"
        ]
        rows = _row_counts(con, [relation for relation in counted if relation in columns])
    facts: dict[str, dict[str, Any]] = {}
    for unique_id, result in built.items():
        node = manifest.nodes[unique_id]
        own = columns.get(node.relation, {})
        parents = {
            relation: columns[relation]
            for relation in (_relation(manifest, parent) for parent in node.parents)
            if relation in columns
        }
        facts[unique_id] = {
            **({"dagster/row_count": rows[node.relation]} if node.relation in rows else {}),
            "dagster/column_schema": _schema(own, node.columns),
            **_lineage(result.compiled_sql, parents, memory),
        }
    return facts


def _columns(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, str]]:
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, data_type in con.execute(
        """
        select schema_name, table_name, column_name, data_type
        from duckdb_columns()
        where database_name in (select database_name from duckdb_databases() where not internal)
            and not internal
        order by schema_name, table_name, column_index
        """
    ).fetchall():
        tables.setdefault((schema, table), {})[column] = data_type
    return tables


def _row_counts(
    con: duckdb.DuckDBPyConnection, relations: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    if not relations:
        return {}
    query = " union all ".join(
        f"select {index}, count(*) from {_qualified(schema, table)}"
        for index, (schema, table) in enumerate(relations)
    )
    return {relations[index]: count for index, count in con.execute(query).fetchall()}


def _qualified(schema: str, table: str) -> str:
    database = f"{MARTS}." if schema in PUBLISHED_SCHEMAS else ""
    return f'{database}"{schema}"."{table}"'


def _relation(manifest: Manifest, unique_id: str) -> tuple[str, str]:
    if unique_id in manifest.sources:
        return manifest.sources[unique_id]
    node = manifest.nodes.get(unique_id)
    return node.relation if node else ("", "")


def _schema(columns: Mapping[str, str], descriptions: Mapping[str, str]) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(name, data_type, description=descriptions.get(name) or None)
            for name, data_type in columns.items()
        ]
    )


def _lineage(sql: str, parents: TableColumns, memory: LineageMemory) -> dict[str, Any]:
    traced = memory.lineage(sql, parents) if sql and parents else {}
    if not traced:
        return {}
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            {
                column: [
                    dg.TableColumnDep(asset_key=dg.AssetKey([schema, table]), column_name=name)
                    for schema, table, name in sources
                ]
                for column, sources in traced.items()
            }
        )
    }


def _dagster_events(
    event: DbtEvent,
    context: dg.OpExecutionContext,
    manifest: Manifest,
    translator: Translator,
    facts: Mapping[str, Mapping[str, Any]],
) -> Iterator[DagsterEvent]:
    """dbt's event as Dagster's, with what is known of the relation attached."""
    message = DbtCoreCliEventMessage(raw_event=event, event_history_metadata={})
    for dagster_event in message.to_default_asset_events(
        manifest=manifest.raw, dagster_dbt_translator=translator, context=context
    ):
        known = facts.get(event["data"]["node_info"]["unique_id"])
        if known and isinstance(dagster_event, dg.Output):
            yield dagster_event.with_metadata({**dagster_event.metadata, **known})
        else:
            yield dagster_event
