"""What must not change the published tables: the order of rows and files, and the future.

Belongs here: properties that compare two builds with each other. Does not belong here: equality
with the reference (test_properties_reference.py).
"""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tests.compiled_models import small_warehouse
from tests.compiling import VARIANTS
from tests.reference_comparison import MONTH_COLUMNS, Rows, assert_same_tables, built_tables
from tests.reference_customers import last_day
from tests.reference_strategies import Shop, reordered, shops, trying

PUBLISHED_SCHEMAS = ("core", "sales", "lifecycle", "rfm")


def published_tables(variant: str) -> dict[str, str]:
    """Every published table, with all its columns."""
    models = small_warehouse(variant).models.values()
    return {model.name: "*" for model in models if model.schema in PUBLISHED_SCHEMAS}


def published(variant: str, shop: Shop) -> dict[str, Rows]:
    return built_tables(small_warehouse(variant), shop, published_tables(variant))


@trying(4)
@given(data=st.data(), shop=shops())
def test_order_and_files_of_numbered_lines_change_nothing(data: st.DataObject, shop: Shop) -> None:
    other = data.draw(reordered(shop))
    assert_same_tables(published("net", other), published("net", shop))


@trying(4)
@given(data=st.data(), shop=shops())
def test_order_and_files_of_unnumbered_lines_change_nothing(
    data: st.DataObject, shop: Shop
) -> None:
    shop = shop.without_numbers()
    other = data.draw(reordered(shop))
    assert_same_tables(published("article", other), published("article", shop))


def assert_later_rows_change_nothing(variant: str, shop: Shop) -> None:
    as_of_date = date.fromisoformat(VARIANTS[variant]["as_of_date"])
    earlier = shop.without_rows_after(as_of_date)
    assert_same_tables(published(variant, shop), published(variant, earlier))


@trying(4)
@given(shop=shops())
def test_rows_after_the_as_of_date_change_nothing_net(shop: Shop) -> None:
    assert_later_rows_change_nothing("net_as_of", shop)


@trying(4)
@given(shop=shops())
def test_rows_after_the_as_of_date_change_nothing_gross(shop: Shop) -> None:
    assert_later_rows_change_nothing("gross_as_of", shop)


@trying(5)
@given(shop=shops())
def test_closed_months_stay_as_they_were(shop: Shop) -> None:
    as_of_date = date.fromisoformat(VARIANTS["net_as_of"]["as_of_date"])
    last_date = max(line.ordered_at.date() for line in shop.lines)

    def closed_months(variant: str) -> Rows:
        tables = {"fct_customer_months": MONTH_COLUMNS}
        rows = built_tables(small_warehouse(variant), shop, tables)["fct_customer_months"]
        return [row for row in rows if last_day(row[1]) <= min(as_of_date, last_date)]

    assert closed_months("net") == closed_months("net_as_of")
