"""Warehouses built once per test run, through the command a person would use.

Belongs here: building one for given settings, and reading it; a copy of the dbt project to build
with. Does not belong here: assertions.
"""

import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from orchestration.dbt_runner import DbtProject
from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.manifest import Manifest
from orchestration.settings import DBT_PROJECT_DIR, PROJECT_ROOT, Settings


@dataclass(frozen=True)
class Built:
    """A built warehouse and its publication.

    ``output`` is what the run said of its steps, and then its summary.
    """

    settings: Settings
    output: str

    @property
    def marts_path(self) -> Path:
        """The published file."""
        return self.settings.marts_path

    @property
    def warehouse_path(self) -> Path:
        """The warehouse file; nobody writes to it any more."""
        return self.settings.warehouse_path

    @property
    def truth_dir(self) -> Path:
        """What is true of a demo shop."""
        return self.settings.resolved_data_dir / "truth"

    @cached_property
    def manifest(self) -> Manifest:
        """The dbt manifest it was built from."""
        return Manifest.read(self.settings.dbt_target_dir / "manifest.json")

    def marts(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query on the published marts."""
        return _rows(self.marts_path, sql, parameters)

    def warehouse(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse, with the publication attached as ``marts``."""
        with duckdb.connect(str(self.warehouse_path), read_only=True) as con:
            con.execute(f"attach '{self.marts_path}' as marts (read_only)")
            schemas = ",".join(f"marts.{schema}" for schema in PUBLISHED_SCHEMAS)
            con.execute(f"set search_path = 'warehouse.main,{schemas}'")
            return con.execute(sql, list(parameters)).fetchall()


class Builder:
    """Builds a warehouse the first time it is asked for; test processes share the result.

    Args:
        folder: folder that all test processes of this run see.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, **options: Any) -> Built:
        """Build with the given settings, or return what was built with them before.

        Args:
            options: settings, as ``Settings`` takes them.
        """
        return self._built(json.dumps(options, sort_keys=True, default=str), options)

    def demo(self, customers: int) -> Built:
        """A demo shop with events, built with default settings."""
        self.demo_landing(customers)
        return self._built(f"demo {customers}", {})

    def demo_landing(self, customers: int) -> Path:
        """The landing folder of a demo shop with events, whether it has been built or not."""
        name, settings = self._place(f"demo {customers}", {})
        command = ["demo", "--customers", str(customers), "--events"]
        self.once(f"{name}-demo", lambda: run_command(command, settings).stdout)
        return settings.resolved_landing_dir

    def _built(self, key: str, options: Mapping[str, Any]) -> Built:
        name, settings = self._place(key, options)

        def run() -> str:
            done = run_command(["run"], settings)
            return done.stderr + done.stdout

        return Built(settings, self.once(name, run))

    def _place(self, key: str, options: Mapping[str, Any]) -> tuple[str, Settings]:
        name = hashlib.sha256(key.encode()).hexdigest()[:12]
        return name, Settings(
            data_dir=self.folder / name, home_dir=self.folder / f"{name}-home", **options
        )

    def once(self, name: str, make: Callable[[], str]) -> str:
        """Make something the first time it is asked for by this name.

        Args:
            name: of a file that keeps what was said of it.
            make: makes it and returns what is to be said.
        """
        done = self.folder / f"{name}.output"
        with _locked(self.folder / f"{name}.lock"):
            if not done.exists():
                said = make()
                done.write_text(said, encoding="utf-8")
        return done.read_text(encoding="utf-8")


def copied_project(folder: Path) -> Path:
    """A copy of the dbt project that may be spoiled, with what dbt has read of the original."""
    DbtProject(Settings(data_dir=folder / "parsed"), is_echoing=False).parse()
    project = folder / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    shutil.copytree(PROJECT_ROOT / "seeds", folder / "seeds")
    (project / "target").mkdir()
    shutil.copy2(DBT_PROJECT_DIR / "target" / "partial_parse.msgpack", project / "target")
    return project


def run_command(
    arguments: Sequence[str], settings: Settings | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run ``customer-value`` in a process of its own; the settings reach it as variables.

    The process is a fork of one that has imported everything and done nothing, since imports are a
    third of a run on a small shop.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CUSTOMER_VALUE_")
    }
    environment |= settings.as_environment() if settings else {}
    with tempfile.TemporaryDirectory() as folder:
        printed = [Path(folder) / name for name in ("stdout", "stderr")]
        process = _FORKS.Process(
            target=_command, args=(list(arguments), {**environment, "COLUMNS": "200"}, printed)
        )
        process.start()
        process.join()
        stdout, stderr = (path.read_text(encoding="utf-8") for path in printed)
    done = subprocess.CompletedProcess(
        list(arguments), -1 if process.exitcode is None else process.exitcode, stdout, stderr
    )
    if check and done.returncode != 0:
        raise AssertionError(f"customer-value {' '.join(arguments)} failed:\n{done.stderr}")
    return done


#: Python's server of forks; one for each process of tests, started with the first command.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "orchestration.cli",
        "orchestration.build",
        "orchestration.dagster_instance",
        "orchestration.dagster_storage",
        "orchestration.landing.load",
        "orchestration.publishing.report.write",
        "dagster._core.storage.base_storage",
        "dbt.cli.main",
        "dbt.task.build",
        "dbt.adapters.duckdb",
        "pandas",
        "sqlglot.dialects.duckdb",
        "sqlglot.lineage",
        "tests.preloading",
    ]
)


def _command(arguments: Sequence[str], environment: Mapping[str, str], printed: list[Path]) -> None:
    """The command, in the process that was forked for it."""
    from orchestration.cli import main

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT_ROOT)
    for number, path in enumerate(printed, start=1):
        with path.open("wb") as opened:
            os.dup2(opened.fileno(), number)
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2)
    )
    sys.argv = ["customer-value", *arguments]
    main()


def _rows(path: Path, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    con = duckdb.connect(str(path), read_only=True)
    try:
        return con.execute(sql, list(parameters)).fetchall()
    finally:
        con.close()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
