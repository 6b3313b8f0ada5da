"""Profiles that are wrong: the error names the file, the line, the key, and what to do."""

from pathlib import Path

import pytest

from orchestration.errors import CustomerValueError
from orchestration.landing.profile_store import load_profile, read_profile
from tests.unit.landing_folder import LandingFolder

GOOD = """\
name: my_shop
description: My shop
files:
  - dataset: order_lines
    pattern: "*.csv"
    columns:
      order_id: Order
      product_id: Item
      ordered_at: Date
      quantity: Pieces
      unit_price: Price
"""


def _error(tmp_path: Path, text: str) -> CustomerValueError:
    path = tmp_path / "my_shop.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CustomerValueError) as raised:
        read_profile(path)
    assert str(path) in raised.value.problem
    assert raised.value.way_out
    return raised.value


def test_the_profile_that_the_others_break_is_good(tmp_path: Path) -> None:
    path = tmp_path / "my_shop.yml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_profile(path).files[0].sources["order_id"][0].column == "Order"


@pytest.mark.parametrize(
    ("old", "new", "line", "parts"),
    [
        ("description: My shop\n", "", 1, ("'description'", "missing")),
        ("description:", "descriptoin:", 1, ("'description'", "missing")),
        ("    pattern:", "    colour: red\n    pattern:", 5, ("colour", "no such key")),
        ("dataset: order_lines", "dataset: orders", 4, ("'orders'", "did you mean order_lines?")),
        ("quantity: Pieces", "quantities: Pieces", 6, ("'quantities'", "did you mean quantity?")),
        ("      quantity: Pieces\n", "", 4, ("mandatory column quantity",)),
        ("Pieces", "{column: A, expression: B}", 10, ("quantity", "either")),
        ("Pieces", '{expression: "Pieces +"}', 10, ("quantity", "syntax error")),
        ("Pieces", '{expression: "no_such_function(Pieces)"}', 10, ("no_such_function",)),
        ("Pieces", '{expression: "(select 1)"}', 10, ("subquery", "not allowed")),
        ("Pieces", '{expression: "sum(Pieces)"}', 10, ("sum", "not allowed")),
        ("Pieces", '{expression: "random()"}', 10, ("random", "not allowed")),
        ("Pieces", '{expression: "1) as a, (2"}', 10, ("not one single value",)),
        (
            '    pattern: "*.csv"',
            '    pattern: "*.csv"\n    encoding: utf9',
            6,
            ("'utf9'", "gb18030"),
        ),
        ('    pattern: "*.csv"', '    pattern: "*.csv"\n    delimiter: ";;"', 6, ("delimiter",)),
        ('    pattern: "*.csv"', '    pattern: "*.csv"\n    format: dbf', 6, ("format", "'csv'")),
        ("files:", "timezone: Europe/Atlantis\nfiles:", 3, ("Europe/Atlantis", "IANA")),
        ("files:", "timestamp_formats: [DD.MM.YYYY]\nfiles:", 3, ("DD.MM.YYYY", "%Y")),
        ("files:", 'timestamp_formats: ["%Y %J"]\nfiles:', 3, ("%Y %J",)),
        ("files:", "valid_dates: {first: 2024-01-01, before: 2023-01-01}\nfiles:", 3, ("earlier",)),
        ("name: my_shop", "name: My Shop!", 1, ("name",)),
        ("      quantity: Pieces", "      order_id: Other", 10, ("'order_id'", "twice")),
        ("    columns:", "   columns:", 6, ("not valid YAML",)),
    ],
)
def test_an_error_names_the_file_the_line_and_the_key(
    tmp_path: Path, old: str, new: str, line: int, parts: tuple[str, ...]
) -> None:
    assert GOOD.count(old) >= 1
    error = _error(tmp_path, GOOD.replace(old, new, 1))
    assert f"line {line}" in error.problem, error.problem
    for part in parts:
        assert part in error.problem, error.problem


def test_a_profile_that_is_no_mapping_is_told(tmp_path: Path) -> None:
    assert "mapping" in _error(tmp_path, "- a\n- b\n").problem


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("uci_online_retial", "uci_online_retail"), ("Canonical", "canonical"), ("cd_now", "cdnow")],
)
def test_an_unknown_profile_suggests_close_names(name: str, suggestion: str) -> None:
    with pytest.raises(CustomerValueError) as raised:
        load_profile(name)
    assert name in raised.value.problem
    assert f"Did you mean {suggestion}" in raised.value.way_out
    assert "heywhale_orders" in raised.value.way_out


def test_a_profile_path_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(CustomerValueError, match="does not exist"):
        load_profile(str(tmp_path / "none.yml"))


def test_a_folder_that_no_profile_is_named_for_is_told(tmp_path: Path) -> None:
    folder = LandingFolder(tmp_path, profile=None)
    folder.write("order_lines.csv", "a\n")
    with pytest.raises(CustomerValueError) as raised:
        folder.load()
    folder.con.close()
    assert str(folder.root) in raised.value.problem
    assert "--profile" in raised.value.way_out


def test_an_expression_reaches_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    for attempt in (
        f"(select a from read_csv('{secret}'))",
        f"(from '{secret}')",
        f"exists(from read_text('{secret}'))",
        f"1 in (from '{secret}')",
        f"1) from read_csv('{secret}'",
        "getvariable('x')",
        "current_setting('home_directory')",
    ):
        text = GOOD.replace("Pieces", f'{{expression: "{attempt}"}}', 1)
        assert "cannot be used" in _error(tmp_path, text).problem
