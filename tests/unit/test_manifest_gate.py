"""The manifest gate: each rule is seen to fail on a manifest that breaks it, and only it."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from orchestration.checks.manifest_gate import find_breaches
from orchestration.manifest import Manifest

Raw = dict[str, Any]


def _model(folder: str, name: str, *parents: str) -> Raw:
    return {
        "unique_id": f"model.p.{name}",
        "resource_type": "model",
        "name": name,
        "package_name": "p",
        "schema": folder,
        "fqn": ["p", folder, name],
        "description": "One row per thing.",
        "config": {"materialized": "table"},
        "columns": {"thing_id": {"description": "The thing."}},
        "depends_on": {"nodes": list(parents)},
    }


def _test(model: str, test: str, **kwargs: Any) -> Raw:
    return {
        "unique_id": f"test.p.{test}_{model}_{kwargs.get('column_name', '')}",
        "resource_type": "test",
        "name": f"{test}_{model}",
        "package_name": "p",
        "schema": "dbt_test__audit",
        "fqn": ["p", test],
        "config": {"materialized": "test", "severity": "ERROR"},
        "attached_node": f"model.p.{model}",
        "test_metadata": {"name": test, "kwargs": kwargs},
        "depends_on": {"nodes": [f"model.p.{model}"]},
    }


def _sound_manifest() -> Raw:
    models = [
        _model("staging", "stg_things", "source.p.raw.things"),
        _model("staging", "base_things", "source.p.raw.things"),
        _model("staging", "stg_other_things", "model.p.base_things"),
        _model("intermediate", "int_things_counted", "model.p.stg_things"),
        _model("core", "fct_things", "model.p.int_things_counted"),
        _model("sales", "rpt_things", "model.p.fct_things", "seed.p.kinds"),
        _model("clusters", "dim_kinds_learned", "source.p.ml.kinds", "model.p.fct_things"),
        _model("quality", "dq_things", "model.p.stg_things", "model.p.fct_things"),
    ]
    tests = [_test(model["name"], "primary_key", columns=["thing_id"]) for model in models[1:]]
    tests += [
        _test("stg_things", "unique", column_name="thing_id"),
        _test("stg_things", "not_null", column_name="thing_id"),
    ]
    seed = {
        **_model("", "kinds"),
        "unique_id": "seed.p.kinds",
        "resource_type": "seed",
        "schema": "seeds",
        "fqn": ["p", "kinds"],
        "description": "Kinds of things.",
    }
    return {
        "nodes": {node["unique_id"]: node for node in [*models, *tests, seed]},
        "sources": {
            "source.p.raw.things": {
                "schema": "raw",
                "identifier": "things",
                "description": "As landed.",
            },
            "source.p.ml.kinds": {
                "schema": "ml",
                "identifier": "kinds",
                "description": "As learned.",
            },
        },
    }


def _real_columns(raw: Raw) -> dict[tuple[str, str], list[str]]:
    return {
        (node["schema"], node["name"]): list(node["columns"])
        for node in raw["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }


def test_a_sound_manifest_has_no_breach() -> None:
    raw = _sound_manifest()
    assert find_breaches(Manifest(raw), _real_columns(raw)) == []


def _rename(raw: Raw) -> None:
    raw["nodes"]["model.p.fct_things"]["name"] = "things"


def _move_to_unknown_folder(raw: Raw) -> None:
    raw["nodes"]["model.p.fct_things"]["fqn"][1] = "misc"


def _other_schema(raw: Raw) -> None:
    raw["nodes"]["model.p.rpt_things"]["schema"] = "core"


def _no_grain(raw: Raw) -> None:
    raw["nodes"]["model.p.int_things_counted"]["description"] = "Counts of things."


def _undescribed_column(raw: Raw) -> None:
    raw["nodes"]["model.p.fct_things"]["columns"]["thing_id"]["description"] = " "


def _no_columns(raw: Raw) -> None:
    raw["nodes"]["model.p.rpt_things"]["columns"] = {}


def _undescribed_seed(raw: Raw) -> None:
    raw["nodes"]["seed.p.kinds"]["description"] = ""


def _undescribed_source(raw: Raw) -> None:
    raw["sources"]["source.p.raw.things"]["description"] = ""


def _no_key_test(raw: Raw) -> None:
    del raw["nodes"]["test.p.primary_key_fct_things_"]


def _unique_alone(raw: Raw) -> None:
    del raw["nodes"]["test.p.not_null_stg_things_thing_id"]


def _not_null_on_another_column(raw: Raw) -> None:
    test = raw["nodes"]["test.p.not_null_stg_things_thing_id"]
    test["test_metadata"]["kwargs"]["column_name"] = "name"


def _mart_reads_source(raw: Raw) -> None:
    raw["nodes"]["model.p.fct_things"]["depends_on"]["nodes"].append("source.p.raw.things")


def _intermediate_reads_source(raw: Raw) -> None:
    raw["nodes"]["model.p.int_things_counted"]["depends_on"]["nodes"] = ["source.p.raw.things"]


def _report_reads_staging(raw: Raw) -> None:
    raw["nodes"]["model.p.rpt_things"]["depends_on"]["nodes"] = ["model.p.stg_things"]


def _staging_reads_model(raw: Raw) -> None:
    raw["nodes"]["model.p.stg_things"]["depends_on"]["nodes"] = ["model.p.fct_things"]


def _staging_reads_staging(raw: Raw) -> None:
    raw["nodes"]["model.p.stg_things"]["depends_on"]["nodes"] = ["model.p.stg_other_things"]


def _intermediate_reads_base(raw: Raw) -> None:
    raw["nodes"]["model.p.int_things_counted"]["depends_on"]["nodes"] = ["model.p.base_things"]


def _clusters_read_raw(raw: Raw) -> None:
    raw["nodes"]["model.p.dim_kinds_learned"]["depends_on"]["nodes"] = ["source.p.raw.things"]


def _mart_reads_learned_table(raw: Raw) -> None:
    raw["nodes"]["model.p.fct_things"]["depends_on"]["nodes"].append("source.p.ml.kinds")


def _mart_reads_clusters(raw: Raw) -> None:
    raw["nodes"]["model.p.rpt_things"]["depends_on"]["nodes"] = ["model.p.dim_kinds_learned"]


def _incremental_unpublished(raw: Raw) -> None:
    raw["nodes"]["model.p.int_things_counted"]["config"]["materialized"] = "incremental"


def _view_on_unpublished(raw: Raw) -> None:
    raw["nodes"]["model.p.fct_things"]["config"]["materialized"] = "view"


@pytest.mark.parametrize(
    ("spoil", "rule", "name", "message"),
    [
        (_rename, "name", "things", "starts with dim_ or fct_"),
        (_move_to_unknown_folder, "folder", "fct_things", "'misc'; known: staging"),
        (_other_schema, "schema", "rpt_things", "lies in schema core, its folder is sales"),
        (_no_grain, "grain", "int_things_counted", '"One row per ..."'),
        (_undescribed_column, "columns", "fct_things", "column thing_id has no description"),
        (_no_columns, "columns", "rpt_things", "no column is documented"),
        (_undescribed_seed, "description", "kinds", "the seed has no description"),
        (_undescribed_source, "description", "p.raw.things", "the source has none"),
        (_no_key_test, "primary_key", "fct_things", "no test of its key"),
        (_unique_alone, "primary_key", "stg_things", "unique and not_null on one column"),
        (_not_null_on_another_column, "primary_key", "stg_things", "no test of its key"),
        (_mart_reads_source, "layer", "fct_things", "reads raw.things; only staging"),
        (_intermediate_reads_source, "layer", "int_things_counted", "reads raw.things"),
        (_clusters_read_raw, "layer", "dim_kinds_learned", "reads raw.things; only staging"),
        (_mart_reads_learned_table, "layer", "fct_things", "only clusters read learned tables"),
        (_mart_reads_clusters, "learned", "rpt_things", "dim_kinds_learned, which is built after"),
        (_report_reads_staging, "layer", "rpt_things", "reads stg_things; reports read marts"),
        (_staging_reads_model, "layer", "stg_things", "staging reads sources and base models"),
        (_staging_reads_staging, "layer", "stg_things", "reads stg_other_things; staging reads"),
        (_incremental_unpublished, "incremental", "int_things_counted", "publish it, or build"),
        (_view_on_unpublished, "published_view", "fct_things", "reads int_things_counted, which"),
        (_intermediate_reads_base, "layer", "int_things_counted", "only staging reads base models"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_each_rule_fails_on_what_breaks_it(
    spoil: Callable[[Raw], None], rule: str, name: str, message: str
) -> None:
    raw = copy.deepcopy(_sound_manifest())
    spoil(raw)
    breaches = find_breaches(Manifest(raw))
    assert [(breach.rule, breach.name) for breach in breaches] == [(rule, name)]
    assert message in breaches[0].message


def test_a_model_whose_rows_may_repeat_says_why() -> None:
    raw = _sound_manifest()
    _no_key_test(raw)
    raw["nodes"]["model.p.fct_things"]["config"]["meta"] = {"no_key_because": "they repeat"}
    assert find_breaches(Manifest(raw)) == []


def test_documented_columns_are_the_real_ones() -> None:
    raw = _sound_manifest()
    real = _real_columns(raw)
    real["core", "fct_things"] = ["thing_id", "extra"]
    real["intermediate", "int_things_counted"] = ["other"]
    del real["sales", "rpt_things"]
    breaches = find_breaches(Manifest(raw), real)
    assert [(breach.name, breach.message) for breach in breaches] == [
        ("fct_things", "column extra exists but is not documented"),
        ("int_things_counted", "column thing_id is documented but does not exist"),
        ("rpt_things", "is not in the warehouse"),
    ]
