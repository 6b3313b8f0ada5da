"""One damage for every check of the project: what is done to which table, and what follows it.

Belongs here: the table of damages. Does not belong here: doing them (tests/spoiled_shop.py).
"""

from typing import NamedTuple


class Damage(NamedTuple):
    """SQL that spoils a sound shop, and the models to be built again so that it can be seen."""

    sql: str
    rebuilt: tuple[str, ...] = ()


def _set(table: str, change: str, where: str = "true") -> Damage:
    return Damage(f"update {table} set {change} where {where}")


_FIRST_SALE = "order_id = 'X1'"
_BY_DIMENSION = "lifecycle.rpt_lifecycle_by_dimension"
_BY_MONTH = "lifecycle.rpt_lifecycle_by_month"
_DAY = "interval 1 day"

#: Tests of dbt whose damage does not follow from their kind, by name.
TESTS: dict[str, Damage] = {
    "assert_channel_months_add_up_to_channels": _set(
        "sales.rpt_channel_share_by_month", "orders = orders + 1"
    ),
    "assert_channel_months_add_up_to_sales": _set(
        "sales.rpt_channel_share_by_month", "returned_revenue = returned_revenue + 1"
    ),
    "assert_cohorts_hold_all_revenue": _set(
        "lifecycle.rpt_cohort_retention",
        "revenue = revenue + 1, net_revenue = net_revenue + 1, gross_revenue = gross_revenue + 1",
    ),
    "assert_corrections_can_be_applied": _set("quality.rpt_corrections", "status = 'rejected'"),
    "assert_cuts_agree_with_scores": _set(
        "rfm.dim_rfm_cuts",
        "upper_bound = upper_bound / 2",
        "measure = 'monetary' and score = 3",
    ),
    "assert_dimension_inactive_stock_follows_flow": _set(
        _BY_DIMENSION, "inactive = inactive + 1", "order_month = date '2023-06-01'"
    ),
    "assert_dimension_lifecycle_adds_up_to_months": _set(_BY_DIMENSION, "new = new + 1"),
    "assert_dimension_rates_add_up_to_months": _set(
        "lifecycle.rpt_purchase_rates_by_dimension", "repeat_buyers = repeat_buyers + 1"
    ),
    "assert_inactive_stock_follows_flow": _set(
        _BY_MONTH, "inactive = inactive + 1", "order_month = date '2023-06-01'"
    ),
    "assert_intervals_agree_with_ledger": _set(
        "rfm.fct_rfm_intervals", "monetary = monetary + 0.01", "frequency = 2"
    ),
    "assert_largest_order_lines_add_up_to_orders": _set(
        "sales.rpt_largest_order_lines", "gross_revenue = gross_revenue + 1", "order_rank = 1"
    ),
    "assert_latest_figures_lie_within_their_limits": _set(
        "quality.rpt_drift", "is_outside = true", "is_latest and metric = 'orders'"
    ),
    "assert_ledger_counts_valid_orders": _set(
        "core.fct_orders",
        "is_valid_order = not is_valid_order",
        "order_id in (select order_id from intermediate.int_order_ledger "
        "where entry_type = 'changed_order')",
    ),
    "assert_ledger_keeps_customer_revenue": _set(
        "core.dim_customers", "net_revenue = net_revenue + 1"
    ),
    "assert_lifecycle_counts_match_customer_months": _set(
        "lifecycle.fct_purchase_months",
        "state = 'reactivated'",
        "rowid = (select min(rowid) from lifecycle.fct_purchase_months where state = 'active')",
    ),
    "assert_line_is_not_undone_beyond_its_pieces": _set(
        "core.fct_cancellations", "quantity = quantity + 1000", "match_rule = 'manual_credit'"
    ),
    "assert_migration_between_neighbours_is_the_report": _set(
        "rfm.rpt_segment_migration", "customers = customers + 1"
    ),
    "assert_migration_rows_and_columns_are_segment_sizes": _set(
        "rfm.rpt_segment_migration",
        "to_segment = 'lost'",
        "scheme = 'quintile' and to_segment = 'champions'",
    ),
    "assert_no_day_of_sales_is_missing": _set(
        "quality.rpt_drift",
        "value = 0, lower_limit = 5",
        "metric = 'orders' and period_date = (select max(period_date) - 3 from quality.rpt_drift "
        "where metric = 'orders')",
    ),
    "assert_order_has_one_customer": Damage(
        "update raw.order_lines set customer_id = 'somebody else' where line_number = 2",
        ("fct_orders",),
    ),
    "assert_order_value_bands_hold_every_order": _set(
        "sales.rpt_order_value_bands", "orders = orders + 1"
    ),
    "assert_price_bands_hold_every_sale_of_products": _set(
        "sales.rpt_price_bands", "line_count = line_count + 1"
    ),
    "assert_purchase_months_add_up_to_customers": _set(
        "lifecycle.fct_purchase_months", "gross_revenue = gross_revenue + 1"
    ),
    "assert_reconciliation_has_no_difference": Damage(
        "delete from core.fct_order_lines where rowid = 7", ("rpt_reconciliation",)
    ),
    "assert_revenue_walk_adds_up": Damage(
        "update rfm.rpt_segment_moves set revenue_after = revenue_after + 0.01 "
        "where from_segment = 'none' and to_segment = 'none'",
        ("rpt_revenue_walk",),
    ),
    "assert_rfm_intervals_do_not_overlap": _set(
        "rfm.fct_rfm_intervals", "valid_until = valid_until + 1", "frequency = 1"
    ),
    "assert_sales_by_month_add_up_to_line_kinds": _set(
        "sales.rpt_sales_by_line_kind", "gross_revenue = gross_revenue + 1"
    ),
    "assert_score_cells_add_up_to_segments": _set(
        "rfm.rpt_score_cells", "revenue = revenue + 0.01", "r_score = 3"
    ),
    "assert_scores_agree_with_segment_report": _set(
        "rfm.dim_rfm_cells", "segment = 'lost'", "segment = 'champions'"
    ),
    "assert_segment_reports_add_up_to_the_whole": _set(
        "rfm.rpt_segments", "mean_frequency = mean_frequency + 1", "segment = 'loyal'"
    ),
    "assert_segments_cover_every_customer_once": Damage(
        "delete from seeds.rfm_segments where scheme = 'mean_split' and segment = "
        "(select min(segment) from seeds.rfm_segments where scheme = 'mean_split')",
        ("dim_rfm_cells", "rpt_segment_moves", "rpt_segments"),
    ),
    "assert_marts_hold_no_direct_identifiers": _set(
        "core.dim_customers", "region = 'kim@example.org'", "rowid = 3"
    ),
    "assert_strategies_are_of_known_segments": _set(
        "seeds.segment_strategies", "segment = 'nobody'", "segment = 'loyal'"
    ),
    "every_segment_has_a_strategy": _set(
        "rfm.dim_segment_strategies", "offer_zh = null", "segment = 'loyal'"
    ),
    "discount_of_a_strategy_is_limited": _set(
        "rfm.dim_segment_strategies", "max_discount_share = null", "segment = 'loyal'"
    ),
    "assert_states_add_up_to_the_month": _set(
        "lifecycle.rpt_purchase_rates_by_month", "revenue = revenue + 1"
    ),
    "assert_value_bands_cover_every_value_once": Damage(
        "delete from seeds.value_bands where band = 2"
    ),
    "assert_warehouse_has_one_currency": _set(
        "raw.order_lines", "currency = case when line_number = 1 then 'EUR' else 'USD' end"
    ),
    "band_scheme_is_known": Damage("insert into seeds.rfm_bands (scheme) values ('other')"),
    "behaviour_interval_adds_up": _set("behaviour.fct_behaviour_intervals", "active_days = 9"),
    "behaviour_snapshot_follows_its_events": _set(
        "behaviour.fct_behaviour_intervals", "cart_count = event_count + 1"
    ),
    "buyers_are_new_active_or_reactivated": _set(_BY_MONTH, "active = active + 1"),
    "buyers_of_a_value_are_new_active_or_reactivated": _set(_BY_DIMENSION, "active = active + 1"),
    "cancellation_is_not_before_its_sale": _set(
        "core.fct_cancellations",
        "cancelled_at = timestamp '2001-01-01'",
        "match_rule = 'same_product_and_price'",
    ),
    "cancellation_undoes_something": _set("core.fct_cancellations", "quantity = 0"),
    "cancelled_order_is_in_fct_orders": Damage(
        "delete from core.fct_orders where order_id in "
        "(select cancelled_order_id from core.fct_cancellations)"
    ),
    "channel_share_is_a_share": _set("sales.rpt_channel_share_by_month", "order_share = 1.5"),
    "cohort_revenue_is_on_the_basis": _set(
        "lifecycle.rpt_cohort_retention", "revenue = revenue + 1"
    ),
    "cohort_starts_complete": _set(
        "lifecycle.rpt_cohort_retention", "retention_rate = 0.5", "age_months = 0"
    ),
    "customer_order_counts_are_ordered": _set(
        "core.dim_customers", "valid_order_count = order_count + 1"
    ),
    "discount_does_not_exceed_the_sale": _set(
        "core.fct_order_lines", "discount_revenue = gross_revenue + 1", "line_type = 'sale'"
    ),
    "drift_limits_hold_the_baseline": _set("quality.rpt_drift", "lower_limit = baseline + 1"),
    "drift_metric_is_known": _set("quality.rpt_drift", "metric = 'mood'"),
    "every_cell_has_a_segment": Damage(
        "delete from seeds.rfm_segments where segment = 'cannot_lose'", ("dim_rfm_cells",)
    ),
    "every_customer_is_in_one_state": _set(_BY_MONTH, "customers = customers + 1"),
    "every_customer_of_a_value_is_in_one_state": _set(_BY_DIMENSION, "customers = customers + 1"),
    "interval_follows_its_orders": _set(
        "rfm.fct_rfm_intervals", "last_order_date = valid_from + 1"
    ),
    "lifecycle_counts_are_not_negative": _set(_BY_MONTH, "newly_lapsed = -1"),
    "lifecycle_counts_of_a_value_are_not_negative": _set(_BY_DIMENSION, "prospects = -1"),
    "line_kind_is_known": _set("core.dim_products", "line_kind = 'gift'"),
    "line_type_is_known": _set("core.fct_order_lines", "line_type = 'gift'"),
    "match_rule_is_known": _set("core.fct_cancellations", "match_rule = 'guess'"),
    "order_customer_is_in_dim_customers": Damage(
        "delete from core.dim_customers where valid_order_count > 3"
    ),
    "order_date_is_its_first_line_date": _set("core.fct_orders", "last_line_date = order_date - 1"),
    "order_is_not_undone_beyond_itself": _set(
        "core.fct_orders", "cancelled_unit_count = unit_count + 1"
    ),
    "price_rates_lie_in_their_intervals": _set(
        "sales.rpt_price_bands",
        "lines_per_listed_product_lower = lines_per_listed_product + 1",
        "listed_products > 0",
    ),
    "purchase_customer_is_in_dim_customers": Damage(
        "delete from core.dim_customers where valid_order_count > 3"
    ),
    "purchase_month_has_orders": _set("lifecycle.fct_purchase_months", "order_count = -1"),
    "purchase_month_revenue_is_on_the_basis": _set(
        "lifecycle.fct_purchase_months", "revenue = revenue + 1"
    ),
    "purchase_rates_are_rates": _set("lifecycle.rpt_purchase_rates_by_month", "retention_rate = 2"),
    "purchase_rates_of_a_value_are_rates": _set(
        "lifecycle.rpt_purchase_rates_by_dimension", "retention_rate = 2"
    ),
    "purchase_state_is_known": _set("lifecycle.fct_purchase_months", "state = 'asleep'"),
    "recency_lies_within_customer_age": _set(
        "rfm.fct_rfm_intervals", "first_order_date = last_order_date + 1"
    ),
    "rejected_corrections_say_why_and_change_nothing": _set(
        "quality.rpt_corrections", "status = 'rejected'"
    ),
    "rfm_customer_is_in_dim_customers": Damage(
        "delete from core.dim_customers where valid_order_count > 3"
    ),
    "scheme_weights_sum_to_one": _set(
        "seeds.rfm_schemes", "r_weight = r_weight + 0.1", "scheme = 'quintile'"
    ),
    "segment_scheme_is_known": Damage("insert into seeds.rfm_segments (scheme) values ('other')"),
    "snapshot_lies_in_its_month": _set(
        "rfm.dim_snapshots", "previous_snapshot_date = snapshot_date"
    ),
    "tenure_ends_at_the_last_snapshot": _set(
        "rfm.dim_snapshots", "is_as_of = (snapshot_number = 5)"
    ),
    "threshold_has_four_decimals_at_most": Damage(
        "alter table seeds.rfm_bands alter threshold type double; "
        "update seeds.rfm_bands set threshold = threshold + 0.00001"
    ),
    "unmatched_names_no_order": _set("core.fct_cancellations", "match_rule = 'unmatched'"),
}

#: Expectations and checks of the landing, by name.
EXPECTATIONS: dict[str, Damage] = {
    "landing_files_are_read": _set("raw.loaded_files", "status = 'failed'", "file_id = 1"),
    "raw_tables_hold_what_the_ledger_counts": Damage(
        f"delete from raw.order_lines where {_FIRST_SALE}"
    ),
    "order_lines_have_landed": Damage("delete from raw.order_lines"),
    "order_lines_keep_their_columns": Damage("alter table raw.order_lines rename status to state"),
    "customer_ids_are_no_spreadsheet_numbers": _set(
        "raw.order_lines", "customer_id = '1.0E+05'", "customer_id like '1000%'"
    ),
    "most_lines_name_a_customer": _set("raw.order_lines", "customer_id = null"),
    "quantities_are_plausible": _set("raw.order_lines", "quantity = 400638133", _FIRST_SALE),
    "most_quantities_are_counts": _set("raw.order_lines", "quantity = quantity * 5000"),
    "more_is_sold_than_returned": _set("raw.order_lines", "quantity = -quantity"),
    "most_prices_are_plausible": _set("raw.order_lines", "unit_price = unit_price * 100000"),
    "some_lines_have_a_price": _set("raw.order_lines", "unit_price = 0"),
    "product_codes_are_short": _set("raw.order_lines", "product_id = repeat('long ', 20)"),
    "order_ids_are_short": _set("raw.order_lines", "order_id = repeat('long ', 20)"),
    "currencies_are_codes": _set("raw.order_lines", "currency = 'pounds'", _FIRST_SALE),
    "payments_follow_their_orders": _set("raw.order_lines", f"paid_at = ordered_at - {_DAY}"),
    "addresses_are_hashed": _set(
        "raw.customers", "email_hash = 'ada@example.org'", "customer_id = '100000'"
    ),
    "phone_numbers_are_hashed": _set(
        "raw.customers", "phone_hash = '0441 20 7946'", "customer_id = '100000'"
    ),
    "most_products_have_a_list_price": _set("raw.products", "list_price = null"),
    "campaigns_end_after_they_start": _set("raw.campaigns", f"ends_at = starts_at - {_DAY}"),
    "coupon_amounts_are_plausible": _set("raw.coupon_sends", "discount_amount = 50000"),
    "coupons_expire_after_they_are_sent": _set("raw.coupon_sends", "expires_at = sent_at"),
    "visits_last_less_than_a_day": _set("raw.events", "dwell_seconds = 100000"),
    "most_rows_of_a_file_are_usable": _set(
        "raw.loaded_files", "rows_rejected = rows_kept + 1", "file_id = 1"
    ),
    "files_hold_rows": _set("raw.loaded_files", "rows_read = 0", "file_id = 1"),
    "first_orders_come_first": _set(
        "core.dim_customers", "last_order_date = first_order_date - 1", "order_count = 1"
    ),
    "customers_order_like_people": _set(
        "core.dim_customers", "order_count = 5001", "order_count = 3"
    ),
    "there_are_goods": _set("core.dim_products", "line_kind = 'fee'"),
    "most_lines_are_sales": _set("core.fct_order_lines", "line_type = 'other'"),
    "most_lines_are_goods": _set("core.fct_order_lines", "line_kind = 'fee'"),
    "sales_have_a_price": _set("core.fct_order_lines", "unit_price = 0", "line_number = 1"),
    "no_more_is_undone_than_sold": _set(
        "core.fct_order_lines", "cancelled_quantity = quantity + 1", _FIRST_SALE
    ),
    "orders_keep_their_columns": Damage("alter table core.fct_orders rename net_revenue to net"),
    "orders_have_revenue": _set("core.fct_orders", "gross_revenue = 0", _FIRST_SALE),
    "nothing_is_left_beyond_what_was_sold": _set(
        "core.fct_orders", "net_revenue = gross_revenue + 0.01", _FIRST_SALE
    ),
    "orders_have_plausible_line_counts": _set("core.fct_orders", "line_count = 2001", _FIRST_SALE),
    "most_orders_stay_orders": _set("core.fct_orders", "is_fully_cancelled = true"),
    "some_returns_find_their_sale": _set("core.fct_cancellations", "match_rule = 'unmatched'"),
    "buyers_have_orders": _set("sales.rpt_sales_by_month", "buyers = known_customer_orders + 1"),
    "returns_stay_below_sales": _set(
        "sales.rpt_sales_by_month", "returned_revenue = gross_revenue + 1"
    ),
    "months_do_not_jump": _set("sales.rpt_sales_by_month", "order_growth_rate = 10"),
    "shares_of_countries_add_up": Damage(
        "delete from sales.rpt_channel_share where dimension = 'country' and order_share = "
        "(select max(order_share) from sales.rpt_channel_share where dimension = 'country')"
    ),
    "bands_end_with_every_order": Damage(
        "delete from sales.rpt_order_value_bands where cumulative_order_share >= 0.999999"
    ),
    "price_bands_hold_all_revenue": Damage(
        "delete from sales.rpt_price_bands where gross_revenue > 0 and band = "
        "(select min(band) from sales.rpt_price_bands where gross_revenue > 0)"
    ),
    "the_data_covers_a_plausible_time": Damage(
        "insert into lifecycle.dim_months select order_month, false, false from "
        "lifecycle.dim_months, range(60)"
    ),
    "buyers_are_customers": _set(_BY_MONTH, "buyers = customers + 1"),
    "nobody_is_inactive_at_first": _set(_BY_MONTH, "inactive = 1"),
    "new_buyers_are_buyers": _set(
        "lifecycle.rpt_purchase_rates_by_month", "new_buyer_share = 1.01"
    ),
    "reactivated_buyers_are_buyers": _set(
        "lifecycle.rpt_purchase_rates_by_month", "reactivated_share = -0.01"
    ),
    "repeat_purchases_stay_plausible": _set(
        "lifecycle.rpt_purchase_rates_by_month", "repeat_purchase_rate = 0.95"
    ),
    "cohorts_do_not_grow": _set(
        "lifecycle.rpt_cohort_retention", "buyers = cohort_size + 1", "age_months = 2"
    ),
    "snapshots_are_a_plausible_number": Damage("delete from rfm.dim_snapshots"),
    "snapshots_have_one_as_of_date": _set("rfm.dim_snapshots", "is_as_of = true"),
    "cuts_cover_all_measures": Damage("delete from rfm.dim_rfm_cuts where measure = 'frequency'"),
    "all_named_segments_are_reported": Damage(
        "delete from rfm.rpt_segments where segment = 'cannot_lose'"
    ),
    "segments_are_several": _set("rfm.rpt_segments", "customer_share = 0.95", "segment = 'lost'"),
    "segment_recency_is_plausible": _set("rfm.rpt_segments", "mean_recency_days = -1"),
    "walks_are_keyed_by_movement": Damage(
        "insert into rfm.rpt_revenue_walk select * from rfm.rpt_revenue_walk limit 1"
    ),
    "every_step_is_reconciled": Damage("delete from quality.rpt_reconciliation where step = 12"),
    "something_is_reconciled": _set("quality.rpt_reconciliation", "from_value = 0"),
    "orders_are_not_doubled": _set("quality.rpt_duplicate_lines", "line_count = 101"),
    "restatements_are_few": Damage(
        "insert into quality.rpt_restatements (metric) select 'orders' from range(10001)"
    ),
}
