"""Codes of tables have words in the report, and values are written as readers expect them."""

import re
from decimal import Decimal

import pytest
import yaml

from orchestration.landing.rejects import REASONS
from orchestration.publishing.report.names import (
    CAUSES,
    METRICS,
    PREDICTORS,
    REJECT_REASONS,
    named,
)
from orchestration.publishing.report.page import cell_text
from orchestration.settings import DBT_PROJECT_DIR

MODELS = DBT_PROJECT_DIR / "models"


def described(file: str, model: str, column: str) -> str:
    """What the dbt project says of a column."""
    models = yaml.safe_load((MODELS / file).read_text(encoding="utf-8"))["models"]
    (found,) = [
        one["description"]
        for each in models
        if each["name"] == model
        for one in each["columns"]
        if one["name"] == column
    ]
    return str(found)


def test_every_reason_of_a_reject_has_words() -> None:
    assert set(REJECT_REASONS) == set(REASONS)


def test_every_cause_that_the_models_describe_has_words() -> None:
    causes = described("quality/_quality__models.yml", "rpt_restatements", "cause")
    assert set(CAUSES) == set(re.findall(r"[a-z]+_[a-z]+|correction", causes))


@pytest.mark.parametrize("file", ["rpt_drift.sql", "rpt_monthly_figures.sql"])
def test_every_figure_that_is_watched_or_restated_has_words(file: str) -> None:
    sql = (MODELS / "quality" / file).read_text(encoding="utf-8")
    codes = set(re.findall(r"'([a-z_]+)' as metric", sql))
    for listed in re.findall(r"\[((?:\s*'[a-z_]+',?)+)\]", sql):
        codes |= set(re.findall(r"'([a-z_]+)'", listed))
    assert codes
    assert codes <= set(METRICS)


def test_words_are_no_codes() -> None:
    for names in (METRICS, CAUSES, PREDICTORS, REJECT_REASONS):
        assert not [one for one in names.values() if "_" in one["en"] + one["zh"]]
    assert named(METRICS, "something_else") == {"en": "something else", "zh": "something else"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (135.0, "135"),
        (0.4045, "0.4045"),
        (0.5, "0.5000"),
        (200900.98, "200,900.98"),
        (-1234.5678, "-1,234.57"),
        (Decimal("168469.6000"), "168,469.60"),
        (Decimal("0.1234"), "0.1234"),
        (12345, "12,345"),
        (None, ""),
        (True, "yes"),
    ],
)
def test_values_of_tables_are_written_without_digits_that_say_nothing(
    value: object, text: str
) -> None:
    assert cell_text(value) == text
