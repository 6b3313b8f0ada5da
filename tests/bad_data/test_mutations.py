"""Models that are broken on purpose, by a wrong join, a lost filter, a month; a check sees each.

Each mutation changes one place of one model's SQL, as a slip of the hand would. What follows from
the model is built again, and the check that is named must find something.
"""

from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.spoiled_shop import SpoiledShop


class Mutation(NamedTuple):
    """A model, what stands in its compiled SQL, what is put there, and the check that sees it."""

    model: str
    before: str
    after: str
    seen_by: str


MUTATIONS = {
    "lines from another copy taken once": Mutation(
        "stg_order_lines", "union all", "union", "assert_reconciliation_has_no_difference"
    ),
    "the last day left out": Mutation(
        "int_input_order_lines",
        "order_lines.order_date <= period.as_of_date",
        "order_lines.order_date < period.as_of_date",
        "assert_reconciliation_has_no_difference",
    ),
    "a join without the line": Mutation(
        "int_order_line_values",
        "order_lines.order_id = returns_by_line.order_id\n"
        "        and order_lines.line_number = returns_by_line.line_number",
        "order_lines.order_id = returns_by_line.order_id",
        "primary_key_fct_order_lines_order_id__line_number",
    ),
    "orders without a return lost": Mutation(
        "int_order_values",
        "left join returned",
        "inner join returned",
        "assert_reconciliation_has_no_difference",
    ),
    "the largest return instead of their sum": Mutation(
        "int_order_values",
        "sum(revenue) as returned_revenue",
        "max(revenue) as returned_revenue",
        "assert_channel_months_add_up_to_channels",
    ),
    "a filter turned round": Mutation(
        "dim_customers",
        "cancelled_order_id is null",
        "cancelled_order_id is not null",
        "assert_ledger_keeps_customer_revenue",
    ),
    "an order that is worth nothing counted": Mutation(
        "int_order_ledger",
        "case when order_value > 0",
        "case when order_value >= 0",
        "assert_ledger_counts_valid_orders",
    ),
    "events of the last day left out": Mutation(
        "fct_behaviour_intervals",
        "events.occurred_date <= period.as_of_date",
        "events.occurred_date < period.as_of_date",
        "assert_reconciliation_has_no_difference",
    ),
    "an event for every copy that landed": Mutation(
        "int_events_deduplicated",
        "select distinct",
        "select",
        "primary_key_int_events_deduplicated_event_id",
    ),
    "a month shown one later": Mutation(
        "rpt_sales_by_month",
        "on months.order_month = ordered.order_month",
        "on months.order_month = ordered.order_month + interval 1 month",
        "assert_channel_months_add_up_to_sales",
    ),
    "the largest sale instead of their sum": Mutation(
        "rpt_sales_by_line_kind",
        "sum(gross_revenue) as gross_revenue",
        "max(gross_revenue) as gross_revenue",
        "assert_reconciliation_has_no_difference",
    ),
    "a bound that belongs to no band": Mutation(
        "rpt_order_value_bands",
        "measured_values.value >= bands.lower_bound",
        "measured_values.value > bands.lower_bound",
        "assert_order_value_bands_hold_every_order",
    ),
    "a bound that belongs to two bands": Mutation(
        "rpt_price_bands",
        "prices.unit_price < bands.upper_bound",
        "prices.unit_price <= bands.upper_bound",
        "assert_price_bands_hold_every_sale_of_products",
    ),
    "active after two months": Mutation(
        "fct_purchase_months",
        ") = 1 then 'active'",
        ") = 2 then 'active'",
        "lifecycle_counts_of_a_value_are_not_negative",
    ),
    "lapsed since two months": Mutation(
        "rpt_lifecycle_by_month",
        "lag(new_count + active_count + reactivated_count, 1, 0)",
        "lag(new_count + active_count + reactivated_count, 2, 0)",
        "assert_inactive_stock_follows_flow",
    ),
    "revenue of the largest buyer only": Mutation(
        "rpt_purchase_rates_by_month",
        "sum(revenue) as revenue",
        "max(revenue) as revenue",
        "assert_states_add_up_to_the_month",
    ),
    "cohorts from their second month": Mutation(
        "rpt_cohort_retention",
        "on cohorts.cohort_month <= months.order_month",
        "on cohorts.cohort_month < months.order_month",
        "assert_cohorts_hold_all_revenue",
    ),
    "months of returns counted as buying": Mutation(
        "rpt_cohort_retention",
        "case when purchase_months.is_purchase_month then 1 else 0 end",
        "1",
        "cohort_starts_complete",
    ),
    "a window of 364 days": Mutation(
        "fct_rfm_intervals",
        "cast(365 as bigint)",
        "cast(364 as bigint)",
        "assert_intervals_agree_with_ledger",
    ),
    "revenue of the snapshot before": Mutation(
        "rpt_segments",
        "sum(monetary_after) as revenue",
        "sum(monetary_before) as revenue",
        "assert_segment_reports_add_up_to_the_whole",
    ),
    "a movement that no row shows": Mutation(
        "rpt_revenue_walk", "then 'outside'", "then 'elsewhere'", "assert_revenue_walk_adds_up"
    ),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SpoiledShop:
    return SpoiledShop(tmp_path_factory.mktemp("mutated"), customers=350)


def test_models_of_every_layer_are_broken(shop: SpoiledShop) -> None:
    broken = {mutation.model for mutation in MUTATIONS.values()}
    assert len(broken) >= 15
    schemas = {shop.models[name].schema for name in broken}
    assert schemas == {
        "staging", "intermediate", "core", "sales", "lifecycle", "rfm", "behaviour",
    }  # fmt: skip


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_check_sees_the_mutation(
    shop: SpoiledShop, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation = MUTATIONS[name]
    model = shop.models[mutation.model]
    sql = model.sql["full"]
    assert mutation.before in sql
    mutated = {**model.sql, "full": sql.replace(mutation.before, mutation.after, 1)}
    assert not shop.finds(mutation.seen_by)
    monkeypatch.setitem(shop.models, mutation.model, replace(model, sql=mutated))
    rebuilt = set(shop.downstream(mutation.model)) & shop.read_by(mutation.seen_by)
    assert mutation.model in rebuilt
    with shop.spoiled("select 1", rebuilt):
        assert shop.finds(mutation.seen_by)
