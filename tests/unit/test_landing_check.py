"""Trying a profile on a file, and the worked example of the guide."""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.errors import CustomerValueError
from orchestration.landing.check import check_profile
from orchestration.settings import PROJECT_ROOT, Settings
from tests.unit.landing_folder import GOOD_LINE, HEADER, order_line

GUIDE = PROJECT_ROOT / "docs" / "bring-your-data.md"


def _block(language: str) -> str:
    """Return the first block of that language in the guide."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_example_of_the_guide_does_what_the_guide_says(tmp_path: Path) -> None:
    file = tmp_path / "sales-2024-03.csv"
    file.write_text(_block("csv"), encoding="utf-8")
    profile = tmp_path / "my_shop.yml"
    profile.write_text(_block("yaml"), encoding="utf-8")

    check = check_profile(file, str(profile), Settings())

    assert check.profile == "my_shop"
    (lines,) = check.datasets
    assert (lines.file.rows_kept, lines.file.rows_rejected) == (3, 1)
    (reject,) = lines.file.rejects
    assert (reject.row_number, reject.column, reject.value) == (4, "quantity", "one")
    assert lines.first_rows[1][lines.columns.index("unit_price")] == Decimal("1204.5")
    assert lines.first_rows[0][lines.columns.index("ordered_at")] == datetime(2024, 3, 31, 16, 5)


def test_a_check_gives_totals_and_examples_and_keeps_nothing(tmp_path: Path) -> None:
    file = tmp_path / "order_lines.csv"
    lines = [GOOD_LINE, order_line(order_id="2", customer_id=""), *[order_line(quantity="x")] * 3]
    file.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    settings = Settings(data_dir=tmp_path / "data")

    check = check_profile(file, "canonical", settings)

    (found,) = check.datasets
    assert check.is_loadable
    assert (found.dataset, found.file.rows_read, found.file.rows_rejected) == ("order_lines", 5, 3)
    assert (found.money, found.customers, found.orders) == (Decimal("39.6"), 1, 2)
    assert found.first_at == found.last_at == datetime(2024, 3, 1, 10)
    assert found.columns == tuple(HEADER.split(","))
    assert [row[0] for row in found.first_rows] == ["1001", "2"]
    assert [(reject.reason, reject.count) for reject in found.file.rejects] == [("not_a_number", 3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["order_lines.csv"]


def test_a_file_that_fails_is_shown_with_its_examples(tmp_path: Path) -> None:
    file = tmp_path / "order_lines.csv"
    file.write_text(f"{HEADER}\n{order_line(quantity='x')}\n", encoding="utf-8")
    check = check_profile(file, "canonical", Settings())
    assert not check.is_loadable
    assert "record 1" in str(check.datasets[0].file.error)
    assert check.datasets[0].first_rows == ()
    assert check.datasets[0].file.rejects[0].value == "x"


def test_the_folder_may_say_the_profile(tmp_path: Path) -> None:
    file = tmp_path / "crm_purchases" / "a.csv"
    file.parent.mkdir()
    file.write_text("customer_id,purchase_date,product_id,amount\n1,2024-01-01,P,5\n", "utf-8")
    assert check_profile(file, None, Settings()).profile == "crm_purchases"


def test_optional_columns_that_the_profile_names_and_the_file_lacks_are_listed(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("InvoiceNo,StockCode,InvoiceDate,Quantity,UnitPrice\n1,2,2011-01-01,1,3\n")
    check = check_profile(file, "uci_online_retail", Settings())
    assert set(check.datasets[0].file.absent_columns) == {"customer_id", "product_name", "country"}


@pytest.mark.parametrize(
    ("name", "profile", "problem"),
    [
        ("none.csv", "canonical", "does not exist"),
        ("", "canonical", "is not a file"),
        ("other.csv", "canonical", "no file to read"),
        ("other.csv", "cannonical", "no profile named"),
        ("other.csv", None, "No profile is named"),
    ],
)
def test_what_cannot_be_checked_is_told(
    tmp_path: Path, name: str, profile: str | None, problem: str
) -> None:
    (tmp_path / "other.csv").write_text("a\n", encoding="utf-8")
    with pytest.raises(CustomerValueError, match=problem):
        check_profile(tmp_path / name, profile, Settings())
