"""The gate on the dbt manifest: rules of naming, layering and description that a machine enforces.

Run it with ``python -m orchestration.checks.manifest_gate``. Belongs here: the rules and their
command. Does not belong here: rules about data (dbt tests).
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.errors import CustomerValueError
from orchestration.layers import (
    LEARNED_FOLDERS,
    LEARNED_SCHEMA,
    MODEL_PREFIXES,
    PUBLISHED_SCHEMAS,
    RAW_SCHEMA,
)
from orchestration.manifest import Manifest, Node

#: (schema, table) -> names of its real columns, in order.
RealColumns = Mapping[tuple[str, str], Sequence[str]]

_GRAIN = "One row"
_PRIMARY_KEY_TESTS = frozenset(
    {"primary_key", "unique_combination", "unique_combination_of_columns"}
)
#: Key of ``config.meta`` that says why rows of a model may repeat.
_NO_KEY = "no_key_because"
#: It follows rows through every layer, so it alone may look into all of them.
_ALL_SEEING_FOLDER = "quality"
#: Steps inside staging, between what landed and what staging shows: corrections are applied there.
_BASE_PREFIX = "base_"


@dataclass(frozen=True, order=True)
class Breach:
    """A rule that a model, seed or source does not keep, and what to do about it."""

    rule: str
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message} [{self.rule}]"


def find_breaches(manifest: Manifest, real_columns: RealColumns | None = None) -> list[Breach]:
    """All breaches of a manifest, ordered.

    Args:
        manifest: the parsed project.
        real_columns: columns of a warehouse built from it; None: they are not compared.
    """
    breaches: set[Breach] = set()
    for rule in _RULES:
        breaches.update(rule(manifest))
    if real_columns is not None:
        breaches.update(_documented_columns_are_real(manifest, real_columns))
    return sorted(breaches)


def _names_follow_folders(manifest: Manifest) -> Iterator[Breach]:
    for node in manifest.of_type("model"):
        prefixes = MODEL_PREFIXES.get(node.folder)
        if prefixes is None:
            yield Breach(
                "folder",
                node.name,
                f"lies in folder {node.folder!r}; known: {', '.join(MODEL_PREFIXES)}",
            )
        elif not node.name.startswith(prefixes):
            yield Breach(
                "name", node.name, f"a model in {node.folder} starts with {' or '.join(prefixes)}"
            )
        elif node.schema != node.folder:
            yield Breach(
                "schema", node.name, f"lies in schema {node.schema}, its folder is {node.folder}"
            )


def _models_state_their_grain(manifest: Manifest) -> Iterator[Breach]:
    for node in manifest.of_type("model"):
        if not node.description.startswith(_GRAIN):
            yield Breach(
                "grain", node.name, f'its description does not begin with "{_GRAIN} per ..."'
            )


def _seeds_and_sources_are_described(manifest: Manifest) -> Iterator[Breach]:
    for node in manifest.of_type("seed"):
        if not node.description:
            yield Breach("description", node.name, "the seed has no description")
    for key, props in sorted(manifest.raw["sources"].items()):
        if not (props.get("description") or "").strip():
            yield Breach("description", key.removeprefix("source."), "the source has none")


def _published_columns_are_described(manifest: Manifest) -> Iterator[Breach]:
    for node in manifest.published:
        if not node.columns:
            yield Breach("columns", node.name, "no column is documented")
        for column, description in node.columns.items():
            if not description:
                yield Breach("columns", node.name, f"column {column} has no description")


def _models_test_their_key(manifest: Manifest) -> Iterator[Breach]:
    tested: dict[str, set[str]] = {}
    single: dict[str, dict[str, set[str]]] = {}
    for test in manifest.of_type("test"):
        if test.attached_node is None or test.test_name is None:
            continue
        tested.setdefault(test.attached_node, set()).add(test.test_name)
        column = test.test_kwargs.get("column_name")
        if column:
            columns = single.setdefault(test.attached_node, {})
            columns.setdefault(str(column), set()).add(test.test_name)
    for node in manifest.of_type("model"):
        has_key = bool(tested.get(node.unique_id, set()) & _PRIMARY_KEY_TESTS) or any(
            {"unique", "not_null"} <= tests for tests in single.get(node.unique_id, {}).values()
        )
        if not has_key and not node.meta.get(_NO_KEY):
            yield Breach(
                "primary_key",
                node.name,
                "no test of its key: primary_key, or unique and not_null on one column; where "
                f"rows may repeat, say why in meta.{_NO_KEY}",
            )


def _layers_read_downwards(manifest: Manifest) -> Iterator[Breach]:
    for node in manifest.of_type("model"):
        for parent in node.parents:
            message = _forbidden_read(manifest, node, parent)
            if message:
                yield Breach("layer", node.name, message)


def _forbidden_read(manifest: Manifest, node: Node, parent_id: str) -> str | None:
    if parent_id in manifest.sources:
        return _forbidden_source(node, manifest.sources[parent_id])
    parent = manifest.nodes.get(parent_id)
    if parent is None or parent.resource_type != "model":
        return None
    if node.folder == "staging":
        is_within = parent.folder == "staging" and _BASE_PREFIX in (
            node.name[: len(_BASE_PREFIX)],
            parent.name[: len(_BASE_PREFIX)],
        )
        if not is_within:
            return f"reads {parent.name}; staging reads sources and base models only"
        return None
    if parent.name.startswith(_BASE_PREFIX) and node.folder != _ALL_SEEING_FOLDER:
        return f"reads {parent.name}; only staging reads base models"
    if (
        node.name.startswith("rpt_")
        and node.folder != _ALL_SEEING_FOLDER
        and parent.schema not in (*PUBLISHED_SCHEMAS, "intermediate")
    ):
        return f"reads {parent.name}; reports read marts and intermediate models"
    return None


def _forbidden_source(node: Node, source: tuple[str, str]) -> str | None:
    if source[0] == LEARNED_SCHEMA:
        if node.folder in LEARNED_FOLDERS:
            return None
        folders = " and ".join(LEARNED_FOLDERS)
        return f"reads {'.'.join(source)}; only {folders} read learned tables"
    if node.folder == "staging":
        return None
    return f"reads {'.'.join(source)}; only staging reads sources"


def _built_first_reads_nothing_learned(manifest: Manifest) -> Iterator[Breach]:
    for node in manifest.of_type("model"):
        for parent_id in node.parents:
            parent = manifest.nodes.get(parent_id)
            if parent and parent.folder in LEARNED_FOLDERS and node.folder not in LEARNED_FOLDERS:
                yield Breach(
                    "learned",
                    node.name,
                    f"reads {parent.name}, which is built after it; models on learned tables lie "
                    f"in {' or '.join(LEARNED_FOLDERS)}",
                )


def _documented_columns_are_real(manifest: Manifest, real: RealColumns) -> Iterator[Breach]:
    for node in [*manifest.of_type("model"), *manifest.of_type("seed")]:
        if node.materialized == "ephemeral":
            continue
        columns = real.get(node.relation)
        if columns is None:
            yield Breach("real_columns", node.name, "is not in the warehouse")
            continue
        for column in node.columns:
            if column not in columns:
                yield Breach(
                    "real_columns", node.name, f"column {column} is documented but does not exist"
                )
        if node.is_published:
            for column in columns:
                if column not in node.columns:
                    yield Breach(
                        "real_columns", node.name, f"column {column} exists but is not documented"
                    )


def _what_stays_is_published(manifest: Manifest) -> Iterator[Breach]:
    for node in manifest.of_type("model"):
        if node.materialized == "incremental" and not node.is_published:
            yield Breach(
                "incremental",
                node.name,
                "keeps rows from one build to the next, and only the published file is known to be "
                "of one whole build: publish it, or build it anew each time",
            )
        if node.materialized == "view" and node.is_published:
            for parent in node.parents:
                other = manifest.nodes.get(parent)
                if other is None or not other.is_published:
                    name = other.name if other else parent
                    yield Breach(
                        "published_view",
                        node.name,
                        f"is a published view and reads {name}, which analysts do not have",
                    )


_RULES: tuple[Callable[[Manifest], Iterator[Breach]], ...] = (
    _names_follow_folders,
    _models_state_their_grain,
    _seeds_and_sources_are_described,
    _published_columns_are_described,
    _models_test_their_key,
    _layers_read_downwards,
    _what_stays_is_published,
    _built_first_reads_nothing_learned,
)


def main() -> int:
    """Parse the project, print every breach, and return 1 when there is one."""
    from orchestration.dbt_runner import DbtProject
    from orchestration.settings import DBT_PROJECT_DIR, Settings

    try:
        project = DbtProject(Settings(), target_dir=DBT_PROJECT_DIR / "target", is_echoing=False)
        manifest = Manifest.read(project.parse())
    except CustomerValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    breaches = find_breaches(manifest)
    for breach in breaches:
        print(breach, file=sys.stderr)
    models = len(manifest.of_type("model"))
    if not breaches:
        print(f"The manifest keeps every rule: {models} models, {RAW_SCHEMA} to marts.")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
