"""The project's own compiled SQL on a small in-memory DuckDB, many times in a second.

Belongs here: compiling the dbt project once per session under a few sets of variables, and running
the compiled models in dependency order on rows that a test hands over. Does not belong here: any
expectation, and any SQL of the project.

dbt takes seconds to start, so one process compiles all variants. After that nothing of dbt is
needed: an example is rows in, `create or replace table` for each model, rows out. Each variant is
compiled for a full build and for an incremental one, in which a model that keeps its rows is a
hook and an insert.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.build_plan import Mode
from orchestration.dbt_runner import DbtProject
from orchestration.settings import Settings
from orchestration.warehouse import MARTS

PROJECT_ROOT = Path(__file__).resolve().parents[1]
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"

#: The last one is also that of the hooks.
_MODES: tuple[Mode, ...] = ("full", "incremental")
_BETWEEN_HOOKS = "\n-- the next hook\n"
_NOT_COMPILED = ["resource_type:seed", "resource_type:unit_test"]

#: Clusters follow a learned model, of which compiled models know nothing: they are tested with it.
_ALWAYS: dict[str, Any] = {"clustering": False}

#: The sets of variables that tests ask for, by name; what is not set keeps its default.
VARIANTS: dict[str, dict[str, Any]] = {
    "net": {},
    "gross": {"monetary_basis": "gross"},
    "net_as_of": {"as_of_date": "2024-02-29"},
    "gross_as_of": {"monetary_basis": "gross", "as_of_date": "2024-03-10"},
    "article": {
        "monetary_basis": "gross",
        "deduplicate_lines": False,
        "rfm_window_days": 0,
        "value_line_kinds": [
            "product", "shipping", "fee", "manual", "discount", "sample", "voucher", "adjustment",
        ],
    },
    "elsewhere": {
        "shop_timezone": "America/New_York",
        "rfm_window_days": 30,
        "rfm_quantile_bins": 10,
        "value_line_kinds": ["product", "fee"],
    },
}  # fmt: skip

#: What customers are clustered by in tests of features of behaviour.
BEHAVIOUR = (
    "view_count",
    "cart_rate",
    "fav_count",
    "active_days",
    "avg_dwell_seconds",
    "last_seen_days",
)

_TO_COMPILE_FILE = "to_compile.json"

#: What was compiled is kept for all processes of a test run, and for the next one.
_KEPT = PROJECT_ROOT / ".pytest_cache" / "compiled"
_MOST_KEPT = 6

#: The variants whose data tests are asked for.
_CHECKED = ("net", "clustered", "clustered_by_behaviour", "both_cuts")


@dataclass(frozen=True)
class CompiledModel:
    """One model of the dbt project, with the SQL that dbt would run.

    ``sql`` is by mode. ``hooks`` run before an incremental build of a model that keeps rows.
    """

    name: str
    relation: str
    schema: str
    materialized: str
    sql: Mapping[Mode, str]
    hooks: tuple[str, ...]
    parents: tuple[str, ...]

    @property
    def is_view(self) -> bool:
        """Whether nothing of it is stored."""
        return self.materialized == "view"

    def statements(self, mode: Mode) -> list[str]:
        """What dbt would run to build it."""
        if self.materialized == "incremental" and mode == "incremental":
            return [*self.hooks, f"insert into {self.relation} by name {self.sql[mode]}"]
        kind = "view" if self.is_view else "table"
        return [f"create or replace {kind} {self.relation} as {self.sql[mode]}"]


@dataclass(frozen=True)
class CompiledCheck:
    """One data test of the dbt project: a query that must find no row."""

    name: str
    sql: str


@dataclass(frozen=True)
class CompiledVariant:
    """Everything that was compiled under one set of variables."""

    models: dict[str, CompiledModel]
    checks: tuple[CompiledCheck, ...]


class SmallWarehouse:
    """An in-memory warehouse with the seeds and empty raw tables; built anew for each example."""

    def __init__(self, models: Mapping[str, CompiledModel], seeds: Mapping[str, pa.Table]) -> None:
        self.models = models
        self.con = duckdb.connect(config={"threads": "1", "preserve_insertion_order": "false"})
        self.con.execute("set TimeZone = 'UTC'")
        # Plans are kept while rows change: they must not rest on what the rows were.
        self.con.execute("set disabled_optimizers = 'statistics_propagation'")
        self.con.execute("attach ':memory:' as warehouse")
        self.con.execute("use warehouse")
        self.con.execute(f"attach ':memory:' as {MARTS}")
        self._prepare(seeds)
        self._plans: dict[tuple[str, ...], list[CompiledModel]] = {}
        self._created_views: dict[str, str] = {}
        self._created_tables: set[str] = set()
        self._prepared: dict[str, str] = {}

    def build(
        self, rows: Mapping[str, Sequence[Mapping[str, Any]]], targets: tuple[str, ...]
    ) -> None:
        """Replace the rows of raw datasets and build the targets with all they are made from."""
        for dataset, dataset_rows in rows.items():
            self._replace_rows(dataset, dataset_rows)
        self.run(targets)

    def run(self, targets: tuple[str, ...], mode: Mode = "full") -> None:
        """Build the targets, and all they are made from, of the rows that stand in raw."""
        if targets not in self._plans:
            self._plans[targets] = self._plan(targets)
        for model in self._plans[targets]:
            if model.is_view:
                if self._created_views.get(model.name) == model.sql[mode]:
                    continue
                self._created_views[model.name] = model.sql[mode]
                self.con.execute(*model.statements(mode))
            elif mode == "full" and model.name in self._created_tables:
                self.con.execute(f"delete from {model.relation}")
                self._execute_prepared(f"insert into {model.relation} {model.sql[mode]}")
            else:
                for statement in model.statements(mode):
                    self.con.execute(statement)
                self._created_tables.add(model.name)

    def _execute_prepared(self, statement: str) -> None:
        """Run a statement that is run again and again; planning it takes as long as running it."""
        if statement not in self._prepared:
            self._prepared[statement] = f"prepared_{len(self._prepared)}"
            self.con.execute(f"prepare {self._prepared[statement]} as {statement}")
        self.con.execute(f"execute {self._prepared[statement]}")

    def rows(self, model: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of a built model in no order; columns as a select list."""
        relation = self.models[model].relation
        return self.con.execute(f"select {columns} from {relation} where {where}").fetchall()

    def _prepare(self, seeds: Mapping[str, pa.Table]) -> None:
        from orchestration.landing.load import ensure_raw_tables
        from orchestration.learned_tables import ensure_learned_tables
        from orchestration.restatement import write_first_publication

        ensure_raw_tables(self.con)
        write_first_publication(self.con)
        ensure_learned_tables(self.con)
        self.con.execute("create schema seeds")
        for schema in {model.relation.rpartition(".")[0] for model in self.models.values()}:
            self.con.execute(f"create schema if not exists {schema}")
        for name, table in seeds.items():
            self.con.register("seed_rows", table)
            self.con.execute(f'create table seeds."{name}" as select * from seed_rows')
            self.con.unregister("seed_rows")

    def _replace_rows(self, dataset: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self.con.execute(f"delete from raw.{dataset}")
        if rows:
            columns = list(rows[0])
            marks = ", ".join("(" + ", ".join("?" * len(columns)) + ")" for _ in rows)
            self.con.execute(
                f"insert into raw.{dataset} ({', '.join(columns)}) values {marks}",
                [row[column] for row in rows for column in columns],
            )

    def _plan(self, targets: tuple[str, ...]) -> list[CompiledModel]:
        plan: dict[str, CompiledModel] = {}

        def add(name: str) -> None:
            if name not in plan:
                for parent in self.models[name].parents:
                    add(parent)
                plan[name] = self.models[name]

        for target in targets:
            add(target)
        return list(plan.values())


@cache
def small_warehouse(variant: str) -> SmallWarehouse:
    """The small warehouse of one variant; compiled at the first call of the session."""
    variants, seeds = _compiled_project()
    return SmallWarehouse(variants[variant].models, seeds)


def compiled_checks(variant: str) -> tuple[CompiledCheck, ...]:
    """The data tests of the project under a variant, seeds and sources included."""
    variants, _ = _compiled_project()
    return variants[variant].checks


def dated_warehouse(variant: str) -> SmallWarehouse:
    """A new small warehouse that measures to the date in ``main.as_of``, if one stands there.

    For tests that choose the as-of date themselves; of a variant that sets none.
    """
    variants, seeds = _compiled_project()
    dated = dict(variants[variant].models)
    period = dated["int_reporting_period"]
    last = "last_order_date as as_of_date"
    if any(sql.count(last) != 1 for sql in period.sql.values()):
        raise ValueError(f"int_reporting_period does not take the last date under {variant}")
    chosen = "coalesce((select max(as_of_date) from main.as_of), last_order_date) as as_of_date"
    sql = {mode: text.replace(last, chosen) for mode, text in period.sql.items()}
    dated["int_reporting_period"] = replace(period, sql=sql)
    warehouse = SmallWarehouse(dated, seeds)
    warehouse.con.execute("create table main.as_of (as_of_date date)")
    return warehouse


def small_warehouses(
    variants: Mapping[str, Mapping[str, Any]], models: Sequence[str]
) -> dict[str, SmallWarehouse]:
    """Small warehouses with a few models, of variants that one test alone asks for.

    Only these models are compiled, once for each variant; what else they read, the test makes.
    """
    compiled, seeds = _compile(variants, models)
    return {name: SmallWarehouse(compiled[name].models, seeds) for name in variants}


def checked_warehouse(
    variant: str, variables: Mapping[str, Any], wanted: Sequence[str]
) -> tuple[SmallWarehouse, dict[str, str]]:
    """A small warehouse of a variant that one test alone asks for, and data tests on it.

    Args:
        variant: a name that stands in ``_CHECKED``.
        variables: its variables.
        wanted: models and data tests that are compiled, in dbt's words.

    Returns:
        The warehouse, and the query of each data test by name.
    """
    compiled, seeds = _compile({variant: variables}, wanted)
    checks = {check.name: check.sql for check in compiled[variant].checks}
    return SmallWarehouse(compiled[variant].models, seeds), checks


@cache
def clustered_warehouse(
    variant: str = "clustered",
) -> tuple[SmallWarehouse, tuple[CompiledCheck, ...]]:
    """A small warehouse whose customers are clustered, with the models that this takes alone, and
    the data tests on them.

    Args:
        variant: clustered, or clustered_by_behaviour: by BEHAVIOUR instead of the orders.
    """
    wanted = ["+fqn:customer_value.clusters", "+fct_purchase_months"]
    variants = {
        "clustered": {"clustering": True},
        "clustered_by_behaviour": {"clustering": True, "cluster_features": list(BEHAVIOUR)},
    }
    compiled, seeds = _compile(variants, wanted)
    return SmallWarehouse(compiled[variant].models, seeds), compiled[variant].checks


@cache
def second_warehouse(variant: str) -> SmallWarehouse:
    """Another small warehouse of the same variant, for tests that compare two."""
    variants, seeds = _compiled_project()
    return SmallWarehouse(variants[variant].models, seeds)


@cache
def _compiled_project() -> tuple[dict[str, CompiledVariant], dict[str, pa.Table]]:
    return _compile(VARIANTS)


def _compile(
    variants: Mapping[str, Mapping[str, Any]], models: Sequence[str] = ()
) -> tuple[dict[str, CompiledVariant], dict[str, pa.Table]]:
    asked = json.dumps({"variants": variants, "models": list(models)}, sort_keys=True)
    kept = _KEPT / _digest(asked)
    _KEPT.mkdir(parents=True, exist_ok=True)
    with (_KEPT / f"{kept.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            _compile_into(kept, asked)
    compiled = {}
    for variant in variants:
        found = json.loads((kept / f"{variant}.json").read_text("utf-8"))
        checks = tuple(CompiledCheck(**check) for check in found["checks"])
        compiled[variant] = CompiledVariant(_read_models(found["models"]), checks)
    return compiled, _read_seeds(kept / "warehouse.duckdb")


def _compile_into(kept: Path, asked: str) -> None:
    """Compile in a process of its own; the folder is there when all of it has been written."""
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        work_dir = Path(folder) / "work"
        work_dir.mkdir()
        (work_dir / _TO_COMPILE_FILE).write_text(asked, encoding="utf-8")
        environment = {
            **os.environ,
            "CUSTOMER_VALUE_WAREHOUSE": str(work_dir / "warehouse.duckdb"),
            "CUSTOMER_VALUE_MARTS": str(work_dir / "marts.duckdb"),
            "CUSTOMER_VALUE_DBT_THREADS": "1",
            "CUSTOMER_VALUE_DUCKDB_THREADS": "1",
            "CUSTOMER_VALUE_DUCKDB_MEMORY_LIMIT": "1GB",
            "CUSTOMER_VALUE_DUCKDB_TEMP_DIR": str(work_dir / "tmp"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.compiled_models", str(work_dir)],
            cwd=PROJECT_ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()
            raise RuntimeError("dbt could not compile the project:\n" + "\n".join(said[:30]))
        shutil.rmtree(work_dir / "target", ignore_errors=True)
        work_dir.rename(kept)
    whole = [path.with_suffix("") for path in kept.parent.glob("*.lock")]
    there = [path for path in whole if path.exists()]
    for path in sorted(there, key=lambda path: path.stat().st_mtime)[:-_MOST_KEPT]:
        shutil.rmtree(path, ignore_errors=True)


def _digest(asked: str) -> str:
    """Of what is asked for and of everything it is compiled from."""
    digest = hashlib.sha256(asked.encode())
    digest.update(version("dbt-core").encode())
    folders = [DBT_PROJECT_DIR / name for name in ("models", "macros", "tests")]
    sources = [Path(__file__), *DBT_PROJECT_DIR.glob("*.yml"), *(PROJECT_ROOT / "seeds").iterdir()]
    sources += [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    for path in sorted(sources):
        digest.update(f"{path.relative_to(PROJECT_ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _read_models(models: list[dict[str, Any]]) -> dict[str, CompiledModel]:
    return {
        model["name"]: CompiledModel(
            **model | {"hooks": tuple(model["hooks"]), "parents": tuple(model["parents"])}
        )
        for model in models
    }


def _read_seeds(warehouse: Path) -> dict[str, pa.Table]:
    with duckdb.connect(str(warehouse), read_only=True) as con:
        names = con.execute(
            "select table_name from information_schema.tables where table_schema = 'seeds'"
        ).fetchall()
        return {
            name: con.sql(f'select * from seeds."{name}"').to_arrow_table() for (name,) in names
        }


def _compile_variants(work_dir: Path) -> None:
    """Load the seeds and compile each variant in this process; needs the environment of dbt."""
    options = ["--profiles-dir", str(DBT_PROJECT_DIR), "--project-dir", str(DBT_PROJECT_DIR)]
    options += ["--target-path", str(work_dir / "target"), "--log-path", str(work_dir / "logs")]
    options += ["--quiet", "--no-write-json", "--log-level-file", "error"]
    wanted = json.loads((work_dir / _TO_COMPILE_FILE).read_text("utf-8"))
    # Which models there are and what they refer to is the same under all variables.
    project = DbtProject(Settings(), target_dir=work_dir / "target", is_echoing=False)
    project.parse()
    manifest = project._parsed
    _invoke(["seed", *options], manifest.deepcopy())
    for variant, variables in wanted["variants"].items():
        compiled = _compile_variant(
            [*options, "--vars", json.dumps(_ALWAYS | variables)],
            manifest.deepcopy(),
            wanted["models"],
            variant in _CHECKED,
        )
        (work_dir / f"{variant}.json").write_text(json.dumps(compiled), encoding="utf-8")


def _compile_variant(
    options: Sequence[str], manifest: Any, only: Sequence[str], is_checked: bool
) -> dict[str, list[dict[str, Any]]]:
    """Models and checks of a variant, as the arguments of their classes.

    ``only``: what is compiled alone, in words of dbt; for full builds. ``is_checked``: whether its
    data tests are compiled too.
    """
    sql: dict[str, dict[str, str]] = {}
    nodes: dict[str, Any] = {}
    checks: dict[str, str] = {}
    for mode in _MODES[:1] if only else _MODES:
        os.environ["CUSTOMER_VALUE_BUILD"] = mode
        left_out = [] if is_checked and mode == "full" else ["resource_type:test"]
        selection = ["--select", *only] if only else []
        if not only:
            # Without `empty` the tests of seeds would be left out with the seeds.
            selection += ["--indirect-selection", "empty"]
            left_out += _NOT_COMPILED
        selection += ["--exclude", *left_out] if left_out else []
        for result in _invoke(["compile", *options, *selection], manifest):
            node = result.node
            if node.resource_type == "model":
                nodes[node.unique_id] = node
                sql.setdefault(node.unique_id, {})[mode] = node.compiled_code
            elif node.resource_type == "test":
                checks[node.name] = node.compiled_code
    hooks = {} if only else _render_hooks(options, manifest, nodes)
    models = [
        {
            "name": node.name,
            "relation": node.relation_name,
            "schema": node.schema,
            "materialized": node.config.materialized,
            "sql": sql[unique_id],
            "hooks": hooks.get(unique_id, []),
            "parents": [nodes[parent].name for parent in node.depends_on.nodes if parent in nodes],
        }
        for unique_id, node in nodes.items()
    ]
    named = [{"name": name, "sql": text} for name, text in sorted(checks.items())]
    return {"models": models, "checks": named}


def _render_hooks(
    options: Sequence[str], manifest: Any, nodes: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The hooks before each model, by its id; ``dbt compile`` renders no hook by itself.

    All of them are one text, in which each takes this text's own relation for its model's.
    """
    hooks = [
        (unique_id, hook.sql) for unique_id, node in nodes.items() for hook in node.config.pre_hook
    ]
    parents = sorted(
        nodes[parent].name
        for parent in {p for unique_id, _ in hooks for p in nodes[unique_id].depends_on.nodes}
        if parent in nodes
    )
    hints = "\n".join(f"-- depends_on: {{{{ ref('{name}') }}}}" for name in parents)
    text = _BETWEEN_HOOKS.join([hints, "{{ this }}", *(sql for _, sql in hooks)])
    (result,) = _invoke(["compile", *options, "--inline", text], manifest)
    _, this, *rendered = result.node.compiled_code.split(_BETWEEN_HOOKS)
    found: dict[str, list[str]] = {}
    for (unique_id, _), sql in zip(hooks, rendered, strict=True):
        if sql.strip():
            statement = sql.replace(this.strip(), nodes[unique_id].relation_name)
            found.setdefault(unique_id, []).append(statement)
    return found


def _invoke(arguments: Sequence[str], manifest: Any = None) -> Any:
    from dbt.cli.main import dbtRunner

    from orchestration.dbt_events import drop_unseen_events
    from orchestration.dbt_namespaces import flatten_namespaces
    from orchestration.dbt_templates import keep_templates

    drop_unseen_events()
    flatten_namespaces()
    templates = keep_templates(DBT_PROJECT_DIR / "target")
    outcome = dbtRunner(manifest=manifest).invoke([*arguments])
    templates.write()
    if not outcome.success:
        raise SystemExit(f"dbt {arguments[0]} failed: {outcome.exception}")
    return outcome.result


if __name__ == "__main__":
    _compile_variants(Path(sys.argv[1]))
