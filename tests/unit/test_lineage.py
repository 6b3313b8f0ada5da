"""Column lineage: traced through CTEs, joins and unions; unreadable SQL gives none."""

from pathlib import Path

import pytest

from orchestration import lineage as lineage_module
from orchestration.lineage import LineageMemory, column_lineage

ORDERS = {"order_id": "varchar", "customer_id": "varchar", "amount": "decimal(18,4)"}
PARENTS = {("core", "fct_orders"): ORDERS, ("core", "dim_customers"): {"customer_id": "varchar"}}


def test_columns_are_traced_through_ctes_and_joins() -> None:
    lineage = column_lineage(
        """
        with orders as (select * from "warehouse"."core"."fct_orders"),
        totals as (
            select customer_id, sum(amount) as revenue, count(*) as order_count
            from orders group by customer_id
        )
        select customers.customer_id, totals.revenue / 2 as half, totals.order_count, 'x' as fixed
        from "warehouse"."core"."dim_customers" as customers
        left join totals on customers.customer_id = totals.customer_id
        """,
        PARENTS,
    )
    assert lineage == {
        "customer_id": [("core", "dim_customers", "customer_id")],
        "half": [("core", "fct_orders", "amount")],
        "order_count": [],
        "fixed": [],
    }


def test_unions_bring_both_sides_together() -> None:
    lineage = column_lineage(
        """
        select customer_id as id from core.fct_orders
        union all
        select customer_id from core.dim_customers
        """,
        PARENTS,
    )
    assert lineage == {
        "id": [("core", "dim_customers", "customer_id"), ("core", "fct_orders", "customer_id")]
    }


def test_what_cannot_be_read_has_no_lineage() -> None:
    assert column_lineage("select from where", PARENTS) == {}


def test_what_was_traced_is_remembered_until_the_query_or_its_tables_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "target" / "lineage.json"
    sql = "select customer_id as id, sum(amount) as revenue from core.fct_orders group by all"
    first = LineageMemory(path)
    traced = first.lineage(sql, PARENTS)
    assert traced == column_lineage(sql, PARENTS)
    assert len(traced) == 2
    first.keep()

    asked: list[str] = []
    monkeypatch.setattr(
        lineage_module, "column_lineage", lambda sql, _: asked.append(sql) or {"id": []}
    )
    second = LineageMemory(path)
    assert second.lineage(sql, PARENTS) == traced
    assert asked == []
    fewer = {("core", "fct_orders"): {"customer_id": "varchar"}}
    assert second.lineage(sql, fewer) == {"id": []}
    assert second.lineage(f"{sql} limit 1", PARENTS) == {"id": []}
    assert len(asked) == 2


def test_a_memory_that_cannot_be_read_or_written_is_no_failure(tmp_path: Path) -> None:
    broken = tmp_path / "lineage.json"
    broken.write_text("{", encoding="utf-8")
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    for path in (broken, in_the_way / "lineage.json"):
        memory = LineageMemory(path)
        assert memory.lineage("select 1 as one from core.fct_orders", PARENTS) == {"one": []}
        memory.keep()
    assert "one" in broken.read_text(encoding="utf-8")
