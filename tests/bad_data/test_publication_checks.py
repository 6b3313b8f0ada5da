"""Every kind of check is seen to fail: a table is spoiled, and the check that guards it finds it.

The checks are the compiled ones of a real build, run on a copy of its warehouse, before and after
the damage.
"""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.layers import PUBLISHED_SCHEMAS
from orchestration.manifest import Node
from orchestration.warehouse import MARTS
from tests.building import Built

#: Check, what breaks it, and the models to build again so that it can see the damage.
DAMAGES: list[tuple[str, str, tuple[str, ...]]] = [
    (
        "assert_marts_hold_no_direct_identifiers",
        "update core.dim_customers set region = 'kim@example.org' where rowid = 3",
        (),
    ),
    (
        "assert_marts_hold_no_direct_identifiers",
        "update core.fct_orders set order_id = '+44 (0)20 7946-0000' where rowid = 3",
        (),
    ),
    (
        "assert_reconciliation_has_no_difference",
        "delete from core.fct_order_lines where rowid = 7",
        ("rpt_reconciliation",),
    ),
    (
        "assert_reconciliation_has_no_difference",
        "update raw.loaded_files set rows_kept = rows_kept + 1, rows_read = rows_read + 1 "
        "where path like '%2024-03.csv'",
        ("rpt_reconciliation",),
    ),
    (
        "assert_inactive_stock_follows_flow",
        "update lifecycle.rpt_lifecycle_by_month set inactive = inactive + 1 "
        "where order_month = date '2024-02-01'",
        (),
    ),
    (
        "buyers_are_new_active_or_reactivated",
        "update lifecycle.rpt_lifecycle_by_month set active = active + 1 "
        "where order_month = date '2024-02-01'",
        (),
    ),
    (
        "assert_lifecycle_counts_match_customer_months",
        "update lifecycle.fct_purchase_months set state = 'reactivated' where rowid = "
        "(select min(rowid) from lifecycle.fct_purchase_months where state = 'active')",
        (),
    ),
    (
        "assert_segments_cover_every_customer_once",
        "delete from seeds.rfm_segments where scheme = 'mean_split' and segment = "
        "(select min(segment) from seeds.rfm_segments where scheme = 'mean_split')",
        ("dim_rfm_cells", "rpt_segment_moves", "rpt_segments"),
    ),
    (
        "assert_segments_cover_every_customer_once",
        "update rfm.rpt_segments set customers = customers + 1 where rowid = 0",
        (),
    ),
    (
        "assert_cuts_agree_with_scores",
        "update rfm.dim_rfm_cuts set upper_bound = upper_bound / 2 where measure = 'monetary' "
        "and score = 3",
        (),
    ),
    (
        "assert_ledger_counts_valid_orders",
        "update core.fct_orders set is_valid_order = not is_valid_order where order_id in "
        "(select order_id from intermediate.int_order_ledger where entry_type = 'changed_order')",
        (),
    ),
    (
        "assert_line_is_not_undone_beyond_its_pieces",
        "update core.fct_cancellations set quantity = quantity + 1000 "
        "where match_rule = 'manual_credit'",
        (),
    ),
    (
        "assert_order_has_one_customer",
        "update raw.order_lines set customer_id = 'somebody else' where line_number = 2",
        ("fct_orders",),
    ),
    (
        "assert_warehouse_has_one_currency",
        "update raw.order_lines set currency = case when line_number = 1 then 'EUR' else 'USD' end",
        (),
    ),
    (
        "primary_key_fct_orders_order_id",
        "insert into core.fct_orders select * from core.fct_orders limit 1",
        (),
    ),
    (
        "primary_key_fct_order_lines_order_id__line_number",
        "update core.fct_order_lines set line_number = 1 where line_number = 2",
        (),
    ),
    (
        "order_customer_is_in_dim_customers",
        "delete from core.dim_customers where valid_order_count > 3",
        (),
    ),
    (
        "cancellation_is_not_before_its_sale",
        "update core.fct_cancellations set cancelled_at = timestamp '2001-01-01' "
        "where match_rule = 'same_product_and_price'",
        (),
    ),
    ("line_type_is_known", "update core.fct_order_lines set line_type = 'gift'", ()),
    (
        "recency_lies_within_customer_age",
        "update rfm.fct_rfm_intervals set first_order_date = last_order_date + 1",
        (),
    ),
    (
        "interval_follows_its_orders",
        "update rfm.fct_rfm_intervals set last_order_date = valid_from + 1",
        (),
    ),
    (
        "assert_rfm_intervals_do_not_overlap",
        "update rfm.fct_rfm_intervals set valid_until = valid_until + 1 where frequency = 1",
        (),
    ),
    (
        "assert_intervals_agree_with_ledger",
        "update rfm.fct_rfm_intervals set monetary = monetary + 0.01 where frequency = 2",
        (),
    ),
    (
        "assert_segments_cover_every_customer_once",
        "delete from rfm.fct_rfm_intervals where valid_from < date '2024-01-31' "
        "and valid_until > date '2024-01-31' and frequency = 1",
        (),
    ),
    (
        "assert_migration_rows_and_columns_are_segment_sizes",
        "update rfm.rpt_segment_migration set to_segment = 'lost' "
        "where scheme = 'quintile' and to_segment = 'champions'",
        (),
    ),
    (
        "assert_migration_between_neighbours_is_the_report",
        "update rfm.rpt_segment_migration set customers = customers + 1",
        (),
    ),
    (
        "assert_revenue_walk_adds_up",
        "update rfm.rpt_segment_moves set revenue_after = revenue_after + 0.01 "
        "where from_segment = 'none' and to_segment = 'none'",
        ("rpt_revenue_walk",),
    ),
    (
        "assert_scores_agree_with_segment_report",
        "update rfm.dim_rfm_cells set segment = 'lost' where segment = 'champions'",
        (),
    ),
    (
        "every_cell_has_a_segment",
        "delete from seeds.rfm_segments where segment = 'cannot_lose'",
        ("dim_rfm_cells",),
    ),
    (
        "primary_key_dim_rfm_cells_scheme__rfm_code",
        "insert into seeds.rfm_segments select * from seeds.rfm_segments where segment = 'loyal'",
        ("dim_rfm_cells",),
    ),
    (
        "snapshot_lies_in_its_month",
        "update rfm.dim_snapshots set previous_snapshot_date = snapshot_date",
        (),
    ),
    (
        "tenure_ends_at_the_last_snapshot",
        "update rfm.dim_snapshots set is_as_of = (snapshot_number = 12)",
        (),
    ),
    (
        "threshold_has_four_decimals_at_most",
        "alter table seeds.rfm_bands alter threshold type double; "
        "update seeds.rfm_bands set threshold = threshold + 0.00001",
        (),
    ),
    (
        "scheme_weights_sum_to_one",
        "update seeds.rfm_schemes set r_weight = r_weight + 0.1 where scheme = 'quintile'",
        (),
    ),
]


@pytest.mark.parametrize(("check", "damage", "rebuilt"), DAMAGES)
def test_the_check_finds_the_damage(
    demo: Built, tmp_path: Path, check: str, damage: str, rebuilt: tuple[str, ...]
) -> None:
    nodes = {node.name: node for node in demo.manifest.nodes.values()}
    warehouse = Path(shutil.copy(demo.warehouse_path, tmp_path / "warehouse.duckdb"))
    marts = Path(shutil.copy(demo.marts_path, tmp_path / "copy.duckdb"))
    sql = _compiled(demo, nodes[check])
    with duckdb.connect(str(warehouse)) as con:
        con.execute(f"attach '{marts}' as {MARTS}")
        schemas = ",".join(f"{MARTS}.{schema}" for schema in PUBLISHED_SCHEMAS)
        con.execute(f"set search_path = 'warehouse.main,{schemas}'")
        assert con.execute(sql).fetchall() == []
        con.execute(damage)
        for name in rebuilt:
            schema, table = nodes[name].relation
            model = _compiled(demo, nodes[name])
            con.execute(f"create or replace table {schema}.{table} as {model}")
        assert con.execute(sql).fetchall() != []


def test_checks_that_guard_a_publication_stop_it(demo: Built) -> None:
    """What is damaged above is an error, not a warning, where it would make figures wrong."""
    nodes = {node.name: node for node in demo.manifest.nodes.values()}
    warnings = {check for check, *_ in DAMAGES if nodes[check].severity != "error"}
    assert warnings == {"assert_order_has_one_customer"}


def _compiled(built: Built, node: Node) -> str:
    """The SQL that dbt ran."""
    raw = json.loads((built.settings.dbt_target_dir / "run_results.json").read_text())
    for result in raw["results"]:
        if result["unique_id"] == node.unique_id:
            return str(result["compiled_code"])
    raise AssertionError(f"{node.name} was not run")
