"""On random shops, the dbt models and the slow reference say the same, row for row.

Belongs here: equality with the reference, under every variant of the variables. Does not belong
here: properties that need no reference (test_properties_invariance.py), cases worked out by hand
(test_golden_customers.py).

An example is a shop of three to seven independent histories: about 275 histories in ``make test``,
beside shops of many customers, and ten times as many in ``make soak``.
"""

import pytest
from hypothesis import given

from tests.compiled_models import small_warehouse
from tests.reference_comparison import (
    SCORE_COLUMNS,
    assert_same_tables,
    built_tables,
    expected_tables,
    options_of,
)
from tests.reference_model import run_reference
from tests.reference_strategies import Shop, crowds, shops, trying


def assert_equals_reference(shop: Shop, variant: str) -> None:
    expected = expected_tables(run_reference(shop.lines, options_of(variant), shop.customers))
    assert_same_tables(built_tables(small_warehouse(variant), shop), expected)


@trying(15)
@given(shop=shops())
def test_net_tables_equal_the_reference(shop: Shop) -> None:
    assert_equals_reference(shop, "net")


@trying(10)
@given(shop=shops())
def test_gross_tables_equal_the_reference(shop: Shop) -> None:
    assert_equals_reference(shop, "gross")


@pytest.mark.parametrize("variant", ["net_as_of", "gross_as_of", "elsewhere"])
def test_other_variables_give_the_tables_of_the_reference(variant: str) -> None:
    @trying(6)
    @given(shop=shops())
    def compare(shop: Shop) -> None:
        assert_equals_reference(shop, variant)

    compare()


@pytest.mark.parametrize("variant", ["net", "article"])
def test_lines_without_numbers_give_the_tables_of_the_reference(variant: str) -> None:
    @trying(6)
    @given(shop=shops())
    def compare(shop: Shop) -> None:
        assert_equals_reference(shop.without_numbers(), variant)

    compare()


@pytest.mark.parametrize("variant", ["net", "elsewhere"])
def test_scores_of_many_customers_equal_the_reference(variant: str) -> None:
    @trying(8)
    @given(shop=crowds())
    def compare(shop: Shop) -> None:
        expected = expected_tables(run_reference(shop.lines, options_of(variant)))
        tables = {"fct_rfm_scores": SCORE_COLUMNS}
        assert_same_tables(built_tables(small_warehouse(variant), shop, tables), expected)

    compare()
