"""Online Retail: every figure of the reference that concerns raw rows, orders, months and RFM.

The reference was computed twice, by other means than this project's. Its figures hold on the gross
basis with every line kept; what duplicates and cancellations change is asked of the net warehouse.
"""

import csv
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.building import Built
from tests.compiled_builds import CompiledBuild

AS_OF = date(2011, 12, 9)
MONTHLY = "online_retail_monthly_gross.csv"


@pytest.fixture(scope="module")
def monthly_reference(project_root: Path) -> list[dict[str, str]]:
    """The reference's months, oldest first."""
    path = project_root / ".." / "shared" / "reference" / MONTHLY
    if not path.is_file():
        pytest.skip(f"the reference figures are not in ../shared/reference/{MONTHLY}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


#: Every row of the file: those that were kept, and the two that were rejected as they stood.
ALL_ROWS = """
    with all_rows as (
        select order_id, product_name, quantity, unit_price, customer_id from raw.order_lines
        union all
        select
            row_json ->> 'InvoiceNo', row_json ->> 'Description',
            cast(row_json ->> 'Quantity' as bigint),
            cast(row_json ->> 'UnitPrice' as decimal(18, 4)), row_json ->> 'CustomerID'
        from raw.rejected_rows
    )
"""


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ("count(*)", 541_909),
        ("count(distinct order_id)", 25_900),
        ("count(distinct customer_id)", 4_372),
        ("count(*) filter (where customer_id is null)", 135_080),
        ("count(*) filter (where product_name is null)", 1_454),
        ("count(*) filter (where order_id like 'C%')", 9_288),
        ("count(distinct order_id) filter (where order_id like 'C%')", 3_836),
        ("count(*) filter (where order_id like 'A%')", 3),
        ("count(*) filter (where quantity <= 0)", 10_624),
        ("count(*) filter (where unit_price <= 0)", 2_517),
        ("sum(quantity * unit_price)", Decimal("9747747.934")),
    ],
)
def test_raw_rows(uci_gross: CompiledBuild, figure: str, expected: int | Decimal) -> None:
    assert uci_gross.warehouse(f"{ALL_ROWS} select {figure} from all_rows") == [(expected,)]


def test_the_two_prices_below_zero_are_rejected_and_counted(uci_gross: CompiledBuild) -> None:
    assert uci_gross.warehouse(
        "select row_json ->> 'InvoiceNo', column_name, value, reason from raw.rejected_rows "
        "order by 1"
    ) == [
        ("A563186", "unit_price", "-11062.06", "number_out_of_range"),
        ("A563187", "unit_price", "-11062.06", "number_out_of_range"),
    ]
    assert uci_gross.warehouse(
        "select rows_read, rows_kept, rows_rejected, money_read, money_kept, money_rejected "
        "from raw.loaded_files"
    ) == [
        (
            541_909,
            541_907,
            2,
            Decimal("9747747.934"),
            Decimal("9769872.054"),
            Decimal("-22124.12"),
        )
    ]


def test_exact_duplicates_are_set_aside_by_default_and_kept_when_asked(
    uci_net: Built, uci_gross: CompiledBuild
) -> None:
    lines = "select count(*) from core.fct_order_lines"
    assert uci_gross.marts(lines) == [(541_907,)]
    assert uci_net.marts(lines) == [(541_907 - 5_268,)]


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("uci_gross", (397_884, 4_338, 18_532, Decimal("8911407.904"))),
        ("uci_net", (392_692, 4_338, 18_532, Decimal("8887208.894"))),
    ],
)
def test_sale_lines_with_a_customer(
    request: pytest.FixtureRequest, basis: str, expected: tuple[Any, ...]
) -> None:
    built: Built = request.getfixturevalue(basis)
    assert built.marts(
        "select count(*), count(distinct customer_id), count(distinct order_id), "
        "sum(gross_revenue) from core.fct_order_lines "
        "where line_type = 'sale' and customer_id is not null"
    ) == [expected]


def test_orders_add_up_to_their_lines(uci_gross: CompiledBuild) -> None:
    assert uci_gross.marts(
        "select count(*), count(distinct customer_id), sum(gross_revenue), sum(line_count) "
        "from core.fct_orders where customer_id is not null"
    ) == [(18_532, 4_338, Decimal("8911407.904"), 397_884)]
    assert uci_gross.marts(
        "select count(*), sum(valid_order_count), sum(gross_revenue) from core.dim_customers "
        "where valid_order_count > 0"
    ) == [(4_338, 18_532, Decimal("8911407.904"))]


def test_every_column_of_every_month(
    uci_gross: CompiledBuild, monthly_reference: list[dict[str, str]]
) -> None:
    found = uci_gross.marts(
        """
        select
            strftime(order_month, '%Y-%m'), rates.buyers, orders, round(revenue, 2), new, active,
            reactivated, inactive, repeat_buyers, buyers_last_month, buyers_again,
            inactive_last_month, reactivated_buyers
        from lifecycle.rpt_purchase_rates_by_month as rates
        inner join lifecycle.rpt_lifecycle_by_month using (order_month)
        order by order_month
        """
    )
    expected = [
        tuple(
            value if name == "order_month" else Decimal(value) if value else None
            for name, value in month.items()
        )
        for month in monthly_reference
    ]
    assert found == expected
    assert len(found) == 13


def test_monthly_sales_agree_with_the_states(
    uci_gross: CompiledBuild, monthly_reference: list[dict[str, str]]
) -> None:
    found = uci_gross.marts(
        """
        select
            strftime(order_month, '%Y-%m'), buyers, known_customer_orders,
            round(known_customer_gross_revenue, 2)
        from sales.rpt_sales_by_month order by order_month
        """
    )
    assert found == [
        (
            month["order_month"],
            int(month["buyers"]),
            int(month["orders"]),
            Decimal(month["gross_revenue"]),
        )
        for month in monthly_reference
    ]


@pytest.mark.parametrize(
    ("rate", "numerator", "denominator"),
    [
        ("repeat_purchase_rate", "repeat_buyers", "buyers"),
        ("retention_rate", "buyers_again", "buyers_last_month"),
        ("reactivation_rate", "reactivated_buyers", "inactive_last_month"),
        ("new_buyer_share", "new", "buyers"),
        ("reactivated_share", "reactivated", "buyers"),
    ],
)
def test_monthly_rates(
    uci_gross: CompiledBuild,
    monthly_reference: list[dict[str, str]],
    rate: str,
    numerator: str,
    denominator: str,
) -> None:
    """The first month has no month before it, the second none who were inactive."""
    found = uci_gross.marts(
        f"select {rate} from lifecycle.rpt_purchase_rates_by_month order by order_month"
    )
    expected = [
        float(month[numerator]) / float(month[denominator])
        if month[denominator] not in ("", "0")
        else None
        for month in monthly_reference
    ]
    assert [value for (value,) in found] == [
        None if one is None else pytest.approx(one, abs=1e-9) for one in expected
    ]


def test_only_the_last_month_is_partial_and_the_first_censored(uci_gross: CompiledBuild) -> None:
    assert uci_gross.marts(
        "select order_month from lifecycle.dim_months where is_partial_month"
    ) == [(date(2011, 12, 1),)]
    assert uci_gross.marts(
        "select order_month from lifecycle.dim_months where is_left_censored_month"
    ) == [(date(2010, 12, 1),)]


def test_recency_frequency_monetary_means_and_medians(uci_gross: CompiledBuild) -> None:
    ((snapshot, customers, *measures),) = uci_gross.marts(
        """
        select
            any_value(snapshot_date), count(*), avg(recency_days), avg(frequency), avg(monetary),
            median(recency_days), median(frequency), median(monetary)
        from rfm.fct_rfm_snapshots
        where snapshot_date = ?
        """,
        [AS_OF],
    )
    assert (snapshot, customers) == (AS_OF, 4_338)
    expected = [92.059, 4.2720, 2054.266, 50, 2, 674.485]
    assert [float(value) for value in measures] == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("recency_days", [12.8, 32, 71, 179]),
        ("frequency", [1, 2, 3, 6]),
        ("monetary", [250.194, 490.096, 942.276, 2058.426]),
    ],
)
def test_quintile_cuts(uci_gross: CompiledBuild, measure: str, expected: list[float]) -> None:
    found = uci_gross.marts(
        "select distinct upper_bound from rfm.dim_rfm_cuts where scheme = 'quintile' "
        "and snapshot_date = ? and measure = ? and upper_bound is not null order by 1",
        [AS_OF, measure],
    )
    assert [float(value) for (value,) in found] == pytest.approx(expected, abs=5.1e-4)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("r_score", [861, 866, 863, 880, 868]),
        ("f_score", [1493, 835, 508, 802, 700]),
        ("m_score", [868, 867, 868, 867, 868]),
    ],
)
def test_customers_per_quintile_score(
    uci_gross: CompiledBuild, score: str, expected: list[int]
) -> None:
    found = uci_gross.marts(
        f"select {score}, count(*) from rfm.fct_rfm_scores where scheme = 'quintile' "
        "and snapshot_date = ? group by all order by 1",
        [AS_OF],
    )
    assert found == list(enumerate(expected, start=1))


def test_best_and_worst_code(uci_gross: CompiledBuild) -> None:
    assert uci_gross.marts(
        "select rfm_code, count(*) from rfm.fct_rfm_scores where scheme = 'quintile' "
        "and snapshot_date = ? and rfm_code in ('111', '555') group by all order by 1",
        [AS_OF],
    ) == [("111", 330), ("555", 324)]


def test_eight_groups_with_their_revenue(uci_gross: CompiledBuild) -> None:
    found = uci_gross.marts(
        """
        select rfm_code, count(*), round(sum(monetary), 2)
        from rfm.fct_rfm_scores
        inner join rfm.fct_rfm_snapshots using (snapshot_date, customer_id)
        where scheme = 'mean_split' and snapshot_date = ?
        group by all order by rfm_code
        """,
        [AS_OF],
    )
    assert found == [
        ("000", 1319, Decimal("592766.91")),
        ("001", 38, Decimal("273010.62")),
        ("010", 40, Decimal("45683.42")),
        ("011", 27, Decimal("106771.50")),
        ("100", 1750, Decimal("1120523.69")),
        ("101", 117, Decimal("579090.31")),
        ("110", 358, Decimal("496829.66")),
        ("111", 689, Decimal("5696731.79")),
    ]


def test_eight_groups_are_reported_as_segments(uci_gross: CompiledBuild) -> None:
    """The report names the groups; customers and revenue are those of the codes."""
    found = uci_gross.marts(
        "select customers, round(revenue, 2) from rfm.rpt_segments "
        "where scheme = 'mean_split' and snapshot_date = ? order by customers",
        [AS_OF],
    )
    assert found == [
        (27, Decimal("106771.50")),
        (38, Decimal("273010.62")),
        (40, Decimal("45683.42")),
        (117, Decimal("579090.31")),
        (358, Decimal("496829.66")),
        (689, Decimal("5696731.79")),
        (1319, Decimal("592766.91")),
        (1750, Decimal("1120523.69")),
    ]


def test_largest_sale_lines(uci_gross: CompiledBuild) -> None:
    found = uci_gross.marts(
        "select order_id, gross_revenue, line_kind from core.fct_order_lines "
        "where line_type = 'sale' and customer_id is not null "
        "order by gross_revenue desc, order_id limit 7"
    )
    assert found == [
        ("581483", Decimal("168469.60"), "product"),
        ("541431", Decimal("77183.60"), "product"),
        ("556444", Decimal("38970.00"), "product"),
        ("551697", Decimal("8142.75"), "shipping"),
        ("567423", Decimal("7144.72"), "product"),
        ("540815", Decimal("6539.40"), "product"),
        ("550461", Decimal("6539.40"), "product"),
    ]


@pytest.mark.parametrize(
    ("customer", "gross", "net"),
    [("12346", "77183.60", "0.00"), ("16446", "168472.50", "2.90")],
)
def test_customers_whose_large_order_was_cancelled(
    uci_net: Built, customer: str, gross: str, net: str
) -> None:
    assert uci_net.marts(
        "select gross_revenue, net_revenue from core.dim_customers where customer_id = ?",
        [customer],
    ) == [(Decimal(gross), Decimal(net))]


@pytest.mark.parametrize(
    ("order_id", "cancelling", "minutes", "revenue", "rule"),
    [
        ("581483", "C581484", 12, "168469.60", "same_product_and_price"),
        ("541431", "C541433", 16, "77183.60", "same_product_and_price"),
        ("556444", "C556445", 3, "38970.00", "manual_credit"),
    ],
)
def test_cancelled_large_orders(
    uci_net: Built, order_id: str, cancelling: str, minutes: int, revenue: str, rule: str
) -> None:
    found = uci_net.marts(
        """
        select
            cancelling_order_id, date_diff('minute', cancelled_ordered_at, cancelled_at), revenue,
            match_rule
        from core.fct_cancellations where cancelled_order_id = ?
        """,
        [order_id],
    )
    assert found == [(cancelling, minutes, Decimal(revenue), rule)]
    assert uci_net.marts(
        "select is_fully_cancelled, is_valid_order, net_revenue from core.fct_orders "
        "where order_id = ?",
        [order_id],
    ) == [(True, False, Decimal(0))]
    assert uci_net.marts(
        "select first_cancelling_order_id, minutes_to_first_cancellation "
        "from sales.rpt_largest_orders where order_id = ?",
        [order_id],
    ) == [(cancelling, minutes)]


def test_cancellations_that_undo_one_sale_line_exactly(uci_gross: CompiledBuild) -> None:
    """Same customer, product, price and quantity, one to one, the sale not after its return."""
    lines = uci_gross.marts(
        """
        select customer_id, product_id, unit_price, abs(quantity), quantity < 0
        from core.fct_order_lines
        where
            customer_id is not null
            and (line_type = 'sale' or (quantity < 0 and order_id like 'C%'))
        order by ordered_at, quantity < 0
        """
    )
    assert sum(is_cancellation for *_, is_cancellation in lines) == 8_905
    open_sales: Counter[tuple[Any, ...]] = Counter()
    undone = []
    for *key, is_cancellation in lines:
        if not is_cancellation:
            open_sales[tuple(key)] += 1
        elif open_sales[tuple(key)]:
            open_sales[tuple(key)] -= 1
            undone.append(key[2] * key[3])
    assert len(undone) == 2_787
    assert Decimal("8911407.904") - sum(undone) == Decimal("8508481.254")
