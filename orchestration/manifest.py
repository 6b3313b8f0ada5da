"""Reading dbt's manifest: which models, seeds and tests there are, and what they say of themselves.

Belongs here: typed access to the parts of ``manifest.json`` that this package uses. Does not belong
here: rules about them (``checks/manifest_gate.py``) and running dbt (``dbt_runner.py``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.errors import CustomerValueError
from orchestration.layers import LEARNED_FOLDERS, PUBLISHED_SCHEMAS


@dataclass(frozen=True)
class Node:
    """A model, seed or data test of the dbt project."""

    unique_id: str
    resource_type: str
    name: str
    schema: str
    folder: str
    path: str
    materialized: str
    severity: str
    description: str
    columns: Mapping[str, str]
    parents: tuple[str, ...]
    attached_node: str | None
    test_name: str | None
    test_kwargs: Mapping[str, Any]
    meta: Mapping[str, Any]

    @property
    def relation(self) -> tuple[str, str]:
        """Schema and table."""
        return self.schema, self.name

    @property
    def is_published(self) -> bool:
        """Whether analysts get to see it."""
        return self.resource_type == "model" and self.schema in PUBLISHED_SCHEMAS


class Manifest:
    """A parsed dbt project.

    Args:
        raw: the content of ``manifest.json``.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        _attach_singular_tests(raw)

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest file.

        Raises:
            CustomerValueError: there is none, or it is no JSON.
        """
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise CustomerValueError(
                f"The dbt manifest {path} does not exist.",
                "Start through `make run`, `make dev` or `customer-value`, which write it, or run "
                "`dbt parse` in dbt_project.",
            ) from None
        except ValueError as error:
            raise CustomerValueError(
                f"The dbt manifest {path} cannot be read: {error}.", "Delete it and start again."
            ) from error

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """Models, seeds and data tests by their unique id."""
        wanted = {"model", "seed", "test"}
        return {
            key: _node(props)
            for key, props in self.raw["nodes"].items()
            if props["resource_type"] in wanted
        }

    def of_type(self, resource_type: str) -> list[Node]:
        """All nodes of a type, ordered by id."""
        return [
            node for key, node in sorted(self.nodes.items()) if node.resource_type == resource_type
        ]

    @cached_property
    def published(self) -> list[Node]:
        """The published models, ordered by schema and name."""
        order = {schema: index for index, schema in enumerate(PUBLISHED_SCHEMAS)}
        return sorted(
            (node for node in self.of_type("model") if node.is_published),
            key=lambda node: (order[node.schema], node.name),
        )

    @cached_property
    def sources(self) -> dict[str, tuple[str, str]]:
        """Schema and table of each source by its unique id."""
        return {
            key: (props["schema"], props["identifier"])
            for key, props in self.raw["sources"].items()
        }

    @cached_property
    def required_for_publication(self) -> list[Node]:
        """What must have been built and passed: models, seeds, tests of severity error."""
        return [
            node
            for _, node in sorted(self.nodes.items())
            if node.materialized != "ephemeral"
            and (node.resource_type != "test" or node.severity == "error")
        ]


def _node(props: Mapping[str, Any]) -> Node:
    config = props.get("config") or {}
    test = props.get("test_metadata") or {}
    fqn = props.get("fqn") or []
    return Node(
        unique_id=props["unique_id"],
        resource_type=props["resource_type"],
        name=props.get("alias") or props["name"]
        if props["resource_type"] != "test"
        else props["name"],
        schema=props.get("schema") or "",
        folder=fqn[1] if len(fqn) > 2 else "",
        path=props.get("original_file_path") or "",
        materialized=config.get("materialized") or "",
        severity=(config.get("severity") or "error").lower(),
        description=(props.get("description") or "").strip(),
        columns={
            name: (column.get("description") or "").strip()
            for name, column in (props.get("columns") or {}).items()
        },
        parents=tuple(props.get("depends_on", {}).get("nodes", ())),
        attached_node=props.get("attached_node"),
        test_name=test.get("name"),
        test_kwargs=test.get("kwargs") or {},
        meta=config.get("meta") or {},
    )


def _attach_singular_tests(raw: dict[str, Any]) -> None:
    """Say for each test of several tables which of them shows it: the first published one, or the
    first of those that are built last, since a test runs when all its tables are there.

    dbt attaches generic tests and tests of one table by itself; what a test's ``meta`` says goes
    before this rule.
    """
    for props in raw["nodes"].values():
        if props["resource_type"] != "test" or props.get("attached_node"):
            continue
        meta = props.setdefault("config", {}).setdefault("meta", {})
        parents = [raw["nodes"][key] for key in props["depends_on"]["nodes"] if key in raw["nodes"]]
        if len(parents) > 1 and "dagster" not in meta:
            published = [node for node in parents if node.get("schema") in PUBLISHED_SCHEMAS]
            last = [node for node in published if node["fqn"][1] in LEARNED_FOLDERS]
            shown_at = (last or published or parents)[0]
            meta["dagster"] = {
                "ref": {"name": shown_at["name"], "package_name": shown_at["package_name"]}
            }
