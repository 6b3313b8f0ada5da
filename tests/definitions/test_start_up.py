"""What makes a run start quickly, and that nothing else changes by it."""

import json
import marshal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dbt.clients.jinja import MacroStack, get_rendered
from dbt.context.macros import MacroNamespaceBuilder
from dbt_common.events.base_types import EventLevel
from dbt_common.events.types import Note
from dbt_common.exceptions import CompilationError

from orchestration.dagster_storage import KeptEventLogStorage
from orchestration.dbt_events import SeenEventManager, drop_unseen_events
from orchestration.dbt_namespaces import _build_quickly, _build_slowly
from orchestration.dbt_runner import DbtProject
from orchestration.dbt_templates import KeptTemplates, keep_templates, kept_in
from orchestration.settings import DBT_PROJECT_DIR, Settings
from tests.building import copied_project

#: Of every node: when it was read, and where seeds lie.
_OF_THE_READING = {"created_at", "root_path"}


def _nodes(path: Path) -> dict[str, dict[str, Any]]:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            # Models find every macro; tests find those alone that the parse has seen them use.
            del node["depends_on"]["macros"]
    return {
        key: {name: value for name, value in node.items() if name not in _OF_THE_READING}
        for part in ("nodes", "sources", "macros")
        for key, node in manifest[part].items()
    }


def test_the_project_is_parsed_alike_for_all_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that decided what there is, and not what is computed, would be lost."""
    project_dir = copied_project(tmp_path / "copy")
    plain = DbtProject(Settings(data_dir=tmp_path / "plain"), project_dir, is_echoing=False)
    other = DbtProject(
        Settings(
            data_dir=tmp_path / "other",
            monetary_basis="gross",
            deduplicate_lines=False,
            rfm_window_days=30,
            clustering=False,
            shop_timezone="Asia/Shanghai",
        ),
        project_dir=project_dir,
        is_echoing=False,
    )
    variables = json.dumps(other.settings.dbt_vars())
    common = [*other._common_args(), "--vars", variables, "--no-partial-parse"]
    monkeypatch.setattr(other, "_common_args", lambda: common)
    # In this order: what dbt has kept of the project serves the first of them.
    assert _nodes(plain.parse()) == _nodes(other.parse())


def test_what_dbt_keeps_of_the_project_is_used_by_the_next_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DbtProject(Settings(data_dir=tmp_path / "first"), is_echoing=False).parse()
    kept = (DBT_PROJECT_DIR / "target" / "partial_parse.msgpack").read_bytes()

    def never(*_: object) -> None:
        raise AssertionError("the project was read as a whole")

    monkeypatch.setattr("dbt.parser.manifest.ManifestLoader.parse_project", never)
    monkeypatch.setattr("dbt.contracts.graph.manifest.Manifest.write", never)
    second = DbtProject(Settings(data_dir=tmp_path / "second", threads=1), is_echoing=False)
    assert len(_nodes(second.parse())) > 200
    assert (DBT_PROJECT_DIR / "target" / "partial_parse.msgpack").read_bytes() == kept


def test_a_changed_project_has_another_manifest(tmp_path: Path) -> None:
    project_dir = copied_project(tmp_path)

    def parsed(name: str) -> dict[str, dict[str, Any]]:
        settings = Settings(data_dir=tmp_path / name)
        return _nodes(DbtProject(settings, project_dir, is_echoing=False).parse())

    before = parsed("first")
    assert parsed("second") == before
    model = project_dir / "models" / "core" / "dim_products.sql"
    model.write_text(f"{model.read_text(encoding='utf-8')}-- A word more.\n", encoding="utf-8")
    after = parsed("third")
    assert parsed("fourth") == after
    changed = {name for name, node in after.items() if node != before[name]}
    assert changed == {"model.customer_value.dim_products"}


_TEXT = "{% for i in range(3) %}{{ i }}-{{ n | as_number }} {% endfor %}{{ ['a', 'b'] | join(n) }}"


@pytest.mark.parametrize("is_native", [False, True])
def test_a_kept_template_says_what_a_new_one_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_native: bool
) -> None:
    context = {"n": "7"}
    said = get_rendered(_TEXT, dict(context), native=is_native)
    templates = keep_templates(tmp_path / "target")
    assert get_rendered(_TEXT, dict(context), native=is_native) == said
    templates.write()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the text was compiled again")

    # The other folder stands for another process, which has the file alone.
    keep_templates(tmp_path / "other")
    keep_templates(tmp_path / "target")
    monkeypatch.setattr("jinja2.Environment._generate", never)
    assert get_rendered(_TEXT, dict(context), native=is_native) == said
    with pytest.raises(CompilationError, match="compiled again"):
        get_rendered(f"{_TEXT}!", dict(context), native=is_native)


def test_templates_are_told_apart_by_what_they_are_compiled_for(tmp_path: Path) -> None:
    """Native templates give a number where others give a text."""
    keep_templates(tmp_path / "target")
    for is_native, said in ((False, "7"), (True, 7), (False, "7")):
        assert get_rendered("{{ '7' | as_number }}", {}, native=is_native) == said


@pytest.mark.parametrize("content", [b"", b"no templates", marshal.dumps([1])])
def test_a_damaged_file_of_templates_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = kept_in(tmp_path)
    path.write_bytes(content)
    templates = KeptTemplates(path)
    assert templates.find(("kind", "text")) is None
    templates.add(("kind", "text"), compile("1", "text", "eval"))
    templates.write()
    assert KeptTemplates(path).find(("kind", "text")) is not None


def test_events_that_nobody_sees_are_left_out_and_all_others_pass() -> None:
    seen: list[str] = []
    manager = SeenEventManager()
    manager.add_callback(lambda message: seen.append(message.info.level))
    for level in EventLevel:
        manager.fire_event(Note(msg="a note"), level=level)
    assert seen == ["info", "warn", "error"]


def test_an_event_becomes_its_message_when_it_is_read() -> None:
    drop_unseen_events()
    event = Note(msg=7)
    assert "pb_msg" not in vars(event)
    assert event.message() == "7"
    assert event.to_dict() == {"msg": "7"}
    written = Note(msg="before")
    written.msg = "after"
    assert written.to_dict() == {"msg": "after"}
    assert not hasattr(Note(msg="a note"), "no_such_field")


def test_namespaces_hold_the_macros_that_dbt_finds(tmp_path: Path) -> None:
    """In the same order, of every package, and with what belongs to the node at hand."""
    project = DbtProject(Settings(data_dir=tmp_path / "data"), is_echoing=False)
    project.parse()
    macros = project._parsed.get_macros_by_package()
    context, stack = {"a": "context"}, MacroStack()
    node = object()

    def builder(package: str) -> MacroNamespaceBuilder:
        internal = ["dbt_duckdb", "dbt"]
        return MacroNamespaceBuilder("customer_value", package, stack, internal, node)

    for package in ("customer_value", "dbt_duckdb", "customer_value"):
        slow = _build_slowly(builder(package), macros, context)
        quick = _build_quickly(builder(package), macros, context)
        assert len(quick) == len(slow) > 500
        assert _told(dict(quick)) == _told(dict(slow))
        for name in ("global_namespace", "local_namespace", "global_project_namespace", "packages"):
            assert _told(getattr(quick, name)) == _told(getattr(slow, name))
        for name in ("ref", "statement", "dbt", "customer_value"):
            assert (name in quick) == (name in slow)
        assert vars(quick["statement"]).keys() == vars(slow["statement"]).keys()
    assert quick.get_from_package("dbt", "statement").context is context


def _told(names: Mapping[str, Any]) -> dict[str, Any]:
    """What each name stands for, with what it will be called with."""
    return {
        name: _told(what)
        if isinstance(what, dict)
        else (what.macro.unique_id, id(what.context), id(what.node), id(what.stack))
        for name, what in names.items()
    }


@dg.asset
def watched() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset_check(asset=watched)
def watched_is_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, metadata={"missing": 2})


@dg.asset_check(asset=watched)
def watched_is_whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def _instance(home: Path) -> dg.DagsterInstance:
    home.mkdir(exist_ok=True)
    storage = {"module": "orchestration.dagster_storage", "class": "QuickSqliteStorage"}
    config: Mapping[str, Any] = {
        "storage": {"custom": {**storage, "config": {"base_dir": str(home)}}},
        "telemetry": {"enabled": False},
    }
    (home / "dagster.yaml").write_text(json.dumps(config), encoding="utf-8")
    return dg.DagsterInstance.from_config(str(home))


def test_kept_connections_log_what_dagsters_own_storage_reads(tmp_path: Path) -> None:
    definitions = dg.Definitions(
        assets=[watched], asset_checks=[watched_is_there, watched_is_whole]
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    with _instance(tmp_path) as instance:
        assert isinstance(instance.event_log_storage, KeptEventLogStorage)
        runs = [job.execute_in_process(instance=instance).run_id for _ in range(2)]
        logged = {run: instance.all_logs(run) for run in runs}
        instance.delete_run(runs[0])
        assert instance.all_logs(runs[0]) == []
        runs.append(job.execute_in_process(instance=instance).run_id)
        logged[runs[-1]] = instance.all_logs(runs[-1])
    folder = tmp_path / "history" / "runs"
    assert list(folder.glob("*.db-wal")) == [], "a connection was left open"

    own = SqliteEventLogStorage(str(folder))
    for run in runs[1:]:
        assert len(logged[run]) > 10
        assert [entry.message for entry in own.get_logs_for_run(run)] == [
            entry.message for entry in logged[run]
        ]
    record = own.get_latest_materialization_events([dg.AssetKey("watched")])
    assert record[dg.AssetKey("watched")].run_id == runs[-1]
    (executed,) = own.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("watched"), "watched_is_there"), limit=1
    )
    assert (executed.run_id, executed.status.value) == (runs[-1], "FAILED")
