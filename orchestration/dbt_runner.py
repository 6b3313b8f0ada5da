"""Running dbt inside this process: one parse and one build per run.

dbt is invoked as a library: a second process would cost another two seconds of imports, and would
outlive a run that is killed and keep the warehouse to itself.

Belongs here: arguments, environment and clean-up of a dbt invocation, and its results in plain
values. Does not belong here: what the results mean to Dagster (``assets/dbt.py``) or to a person.
"""

import contextlib
import json
import os
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.errors import CustomerValueError
from orchestration.settings import DBT_PROJECT_DIR, Settings
from orchestration.warehouse import STORAGE_VERSION, engine_limits, first_line, warehouse_lock

#: One dbt event as its structured log line would show it.
DbtEvent = dict[str, Any]

_PASSED = frozenset({"success", "pass", "warn", "no-op"})


@dataclass(frozen=True)
class NodeResult:
    """How one model, seed or test of a build ended.

    ``failures`` counts the failing rows of a test; ``compiled_sql`` is empty for what was not run.
    """

    unique_id: str
    name: str
    resource_type: str
    status: str
    message: str
    failures: int
    seconds: float
    compiled_sql: str = field(repr=False)

    @property
    def is_ok(self) -> bool:
        """Whether what depends on it may go on."""
        return self.status in _PASSED


@dataclass(frozen=True)
class DbtBuild:
    """What a ``dbt build`` did. ``problem`` is set when dbt could not even start to build."""

    is_ok: bool
    results: tuple[NodeResult, ...]
    events: tuple[DbtEvent, ...] = field(repr=False)
    problem: str = ""


class DbtProject:
    """The dbt project, bound to one warehouse by the settings.

    Args:
        settings: the warehouse, the variables and the limits of the engine.
        project_dir: folder of ``dbt_project.yml`` and ``profiles.yml``.
        target_dir: folder dbt writes to; None: inside the data folder.
        is_echoing: whether dbt writes its progress to standard output, for Dagster's run log.
    """

    def __init__(
        self,
        settings: Settings,
        project_dir: Path = DBT_PROJECT_DIR,
        target_dir: Path | None = None,
        is_echoing: bool = True,
    ) -> None:
        self.settings = settings
        self.project_dir = project_dir
        self.target_dir = target_dir or settings.dbt_target_dir
        self.log_dir = settings.log_dir if target_dir is None else target_dir
        self.is_echoing = is_echoing
        self._parsed: Any = None

    @property
    def manifest_path(self) -> Path:
        """The manifest that ``parse`` writes."""
        return self.target_dir / _MANIFEST

    def parse(self) -> Path:
        """Read the project; what was read is kept for the build that follows.

        Variables, paths and limits matter to the build alone. The project is parsed without them,
        so that what dbt keeps of it (``partial_parse.msgpack``) serves every warehouse, and only
        files that have changed are read again.

        Returns:
            Path of the written manifest.

        Raises:
            CustomerValueError: the project does not parse; carries dbt's message.
        """
        kept = self.project_dir / "target" / _PARTIAL_PARSE
        own = self.target_dir / _PARTIAL_PARSE
        found = _stamp(kept)
        if kept != own and kept.exists():
            self.target_dir.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kept, own)
        before = _stamp(own)
        arguments = ["parse", *self._common_args(), "--no-write-json"]
        outcome = self._invoke(arguments, [], _PARSED_WITH)
        is_new = before == _NO_FILE or _stamp(own) != before
        if kept != own and is_new:
            _replace(kept, own)
        if outcome.success:
            self._take_manifest(outcome.result, None if is_new or _stamp(kept) != found else kept)
        if not outcome.success:
            raise CustomerValueError(
                f"The dbt project {self.project_dir} cannot be read: {_reason(outcome)}.",
                f"dbt's log is {self.log_dir / 'dbt.log'}.",
            )
        self._parsed = outcome.result
        return self.manifest_path

    def _take_manifest(self, parsed: Any, kept: Path | None) -> None:
        """Write the manifest, which takes longer than the parse when no file has changed.

        Args:
            parsed: what dbt has read.
            kept: the kept parse that it is equal to, beside which its manifest may stand.
        """
        shared = self.project_dir / "target" / _MANIFEST
        if kept is None or _stamp(shared) < _stamp(kept):
            parsed.write(str(self.manifest_path))
            if shared != self.manifest_path:
                _replace(shared, self.manifest_path)
        elif shared != self.manifest_path:
            shutil.copyfile(shared, self.manifest_path)

    def document(self, selection: Sequence[str] = ()) -> Path:
        """Compile the models and write dbt's documentation of them as one page.

        The warehouse may be empty: types and descriptions are those of the models' contracts.

        Args:
            selection: dbt's own selection arguments; none: everything is compiled.

        Returns:
            Path of the written page; it holds paths of this machine.

        Raises:
            CustomerValueError: dbt cannot compile the project; carries dbt's message.
        """
        arguments = ["docs", "generate", "--static", "--empty-catalog"]
        outcome = self._invoke(
            [*arguments, *self._common_args(), *selection], [], dbt_environment(self.settings)
        )
        if not outcome.success:
            raise CustomerValueError(
                f"dbt cannot document the project {self.project_dir}: {_reason(outcome)}.",
                f"dbt's log is {self.log_dir / 'dbt.log'}.",
            )
        return self.target_dir / "static_index.html"

    def build(
        self,
        selection: Sequence[str] = (),
        mode: str = "full",
        on_event: Callable[[DbtEvent], None] | None = None,
    ) -> DbtBuild:
        """Build and test everything that is selected, in one go.

        Args:
            selection: dbt's own selection arguments; none: everything.
            mode: ``full``, or ``incremental`` to compute what schema ``changes`` names.
            on_event: called for each event while dbt runs, from dbt's threads.
        """
        from dbt_common.events.functions import msg_to_dict

        events: list[DbtEvent] = []
        guard = threading.Lock()

        def receive(message: Any) -> None:
            if message.info.name not in _RESULT_EVENTS and message.info.name not in _START_EVENTS:
                return
            event = msg_to_dict(message)
            with guard:
                if message.info.name in _RESULT_EVENTS:
                    events.append(event)
                if on_event is not None:
                    on_event(event)

        self.settings.resolved_temp_dir.mkdir(parents=True, exist_ok=True)
        # Unit tests try the code, not the data: they run with the project's own tests.
        args = ["build", *self._common_args(), "--exclude-resource-type", "unit_test", *selection]
        args += ["--vars", json.dumps(self.settings.dbt_vars()), "--no-write-json"]
        if mode == "full":
            args.append("--full-refresh")
        with warehouse_lock(self.settings, "building the models", wait_seconds=60):
            outcome = self._invoke(args, [receive], dbt_environment(self.settings, mode))
        results = tuple(_node_result(r) for r in getattr(outcome.result, "results", None) or ())
        problem = "" if results or outcome.success else _reason(outcome)
        return DbtBuild(
            is_ok=bool(outcome.success), results=results, events=tuple(events), problem=problem
        )

    def _common_args(self) -> list[str]:
        log_level = "info" if self.is_echoing else "none"
        return [
            "--project-dir", str(self.project_dir),
            "--profiles-dir", str(self.project_dir),
            "--target-path", str(self.target_dir),
            "--log-path", str(self.log_dir),
            "--log-level", log_level,
            "--log-level-file", "info",
            "--no-use-colors",
            "--no-print",
        ]  # fmt: skip

    def _invoke(
        self,
        args: list[str],
        callbacks: list[Callable[[Any], None]],
        environment: Mapping[str, str],
    ) -> Any:
        from dbt.cli.main import dbtRunner

        from orchestration.dbt_events import drop_unseen_events
        from orchestration.dbt_namespaces import flatten_namespaces
        from orchestration.dbt_templates import keep_templates

        self.log_dir.mkdir(parents=True, exist_ok=True)
        working_dir = Path.cwd()
        drop_unseen_events()
        flatten_namespaces()
        templates = keep_templates(DBT_PROJECT_DIR / "target")
        with _environment(environment), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return dbtRunner(manifest=self._parsed, callbacks=callbacks).invoke(args)
            finally:
                templates.write()
                _close_connections()
                os.chdir(working_dir)


#: Events that end a node; dbt's own names.
_RESULT_EVENTS = frozenset(
    {"LogSeedResult", "LogModelResult", "LogSnapshotResult", "LogTestResult", "LogUnitTestResult"}
)
_START_EVENTS = frozenset({"LogStartLine"})

_PARTIAL_PARSE = "partial_parse.msgpack"
_MANIFEST = "manifest.json"
#: The environment of a parse, the same everywhere: dbt reads a project anew when it changes. The
#: names of the files are those that tables are known under.
_PARSED_WITH = {
    "CUSTOMER_VALUE_WAREHOUSE": "warehouse.duckdb",
    "CUSTOMER_VALUE_MARTS": "marts.duckdb",
    "CUSTOMER_VALUE_BUILD": "full",
    "CUSTOMER_VALUE_DBT_THREADS": "1",
    "CUSTOMER_VALUE_DUCKDB_THREADS": "1",
    "CUSTOMER_VALUE_DUCKDB_MEMORY_LIMIT": "1GB",
    "CUSTOMER_VALUE_DUCKDB_TEMP_DIR": "tmp",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}


def dbt_environment(settings: Settings, mode: str = "full") -> dict[str, str]:
    """Environment variables that ``profiles.yml`` and the macros read."""
    threads, memory_limit = engine_limits(settings)
    return {
        "CUSTOMER_VALUE_WAREHOUSE": str(settings.warehouse_path),
        "CUSTOMER_VALUE_MARTS": str(settings.marts_build_path),
        "CUSTOMER_VALUE_BUILD": mode,
        "CUSTOMER_VALUE_DBT_THREADS": str(max(2, threads)),
        "CUSTOMER_VALUE_DUCKDB_THREADS": str(threads),
        "CUSTOMER_VALUE_DUCKDB_MEMORY_LIMIT": memory_limit,
        "CUSTOMER_VALUE_DUCKDB_STORAGE": STORAGE_VERSION,
        "CUSTOMER_VALUE_DUCKDB_TEMP_DIR": str(settings.resolved_temp_dir),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


@contextlib.contextmanager
def _environment(ours: Mapping[str, str]) -> Iterator[None]:
    """Give dbt its variables, and put the environment back as it was."""
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


#: The stamp of a file that is not there.
_NO_FILE = (0, 0)


def _stamp(path: Path) -> tuple[int, int]:
    """What tells whether a file has been written again: time in nanoseconds, and size."""
    if not path.exists():
        return _NO_FILE
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _replace(kept: Path, new: Path) -> None:
    """Keep a copy for other warehouses; a project that cannot be written to is read each time."""
    aside = kept.with_name(f"{kept.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        kept.parent.mkdir(exist_ok=True)
        shutil.copyfile(new, aside)
        aside.replace(kept)


def _close_connections() -> None:
    """Let go of the warehouse: dbt keeps its connection until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import cleanup_connections

    with contextlib.suppress(Exception):
        cleanup_connections()
    with contextlib.suppress(Exception):
        DuckDBConnectionManager.env().close()
    DuckDBConnectionManager.close_all_connections()


def _node_result(result: Any) -> NodeResult:
    node = result.node
    return NodeResult(
        unique_id=node.unique_id,
        name=node.name,
        resource_type=str(node.resource_type.value),
        status=str(getattr(result.status, "value", result.status)),
        message=str(result.message or ""),
        failures=int(result.failures or 0),
        seconds=float(result.execution_time or 0.0),
        compiled_sql=getattr(node, "compiled_code", None) or "",
    )


def _reason(outcome: Any) -> str:
    if outcome.exception is not None:
        return first_line(outcome.exception)
    return "dbt gave no reason"
