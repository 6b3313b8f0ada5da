"""Column lineage: traced through CTEs, joins and unions; unreadable SQL gives none."""

from orchestration.lineage import column_lineage

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
