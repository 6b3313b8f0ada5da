"""Compiling the dbt project once per session, under a few sets of variables.

dbt takes seconds to start, so one process compiles all variants. Each is compiled for a full build
and for an incremental one, in which a model that keeps its rows is a hook and an insert. What was
compiled is kept for all processes of a test run, and for the next one.

Belongs here: variants, and what dbt makes of them. Does not belong here: running it
(``compiled_models.py``).
"""

import fcntl
import gc
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.build_plan import Mode
from orchestration.dbt_runner import DbtProject
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_ROOT, Settings

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


@cache
def compiled_project() -> tuple[dict[str, CompiledVariant], dict[str, pa.Table]]:
    """Every variant of ``VARIANTS`` by its name, and the seeds."""
    return compile_variants(VARIANTS)


def compile_variants(
    variants: Mapping[str, Mapping[str, Any]], models: Sequence[str] = ()
) -> tuple[dict[str, CompiledVariant], dict[str, pa.Table]]:
    """Variants by name, and the seeds; compiled by the first process that asks.

    Args:
        variants: variables by name.
        models: what is compiled alone, in dbt's words, for full builds; empty: everything.
    """
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
            [sys.executable, "-m", "tests.compiling", str(work_dir)],
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


def _compile_in_process(work_dir: Path) -> None:
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
    # The process ends soon, and next to nothing in it is garbage.
    gc.disable()
    _compile_in_process(Path(sys.argv[1]))
