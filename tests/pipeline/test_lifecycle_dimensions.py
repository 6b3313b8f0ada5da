"""States, rates and cohorts by country and channel, and on both monetary bases.

The states are worked out again here, customer by customer; the country and channel come from each
customer's first order.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest

from orchestration.settings import Settings
from tests.building import Built
from tests.compiled_builds import CompiledBuild

DIMENSIONS = ("country", "channel")
COUNTS = ("new", "active", "reactivated", "inactive", "newly_lapsed", "buyers", "customers")


@pytest.fixture(scope="module")
def demo_gross(demo: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledBuild]:
    """The demo shop on the gross basis."""
    settings = Settings(
        landing_dir=demo.settings.resolved_landing_dir,
        data_dir=tmp_path_factory.mktemp("gross"),
        monetary_basis="gross",
    )
    tables = ("dim_months", "fct_purchase_months", "rpt_cohort_retention", "rpt_sales_by_line_kind")
    shop = CompiledBuild(settings, "gross")
    shop.land()
    yield shop.build(tables)
    shop.close()


def _values_of_customers(shop: Built, dimension: str) -> dict[str, str]:
    """Each customer's country or channel: of the first order, by time and then by number."""
    values: dict[str, str] = {}
    for customer, value in shop.marts(
        f"select customer_id, coalesce({dimension}, 'unknown') from core.fct_orders "
        "where customer_id is not null order by ordered_at, order_id"
    ):
        values.setdefault(customer, value)
    return values


def _next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("built", ["demo", "uci_net", "uci_gross"])
def test_states_of_every_value_and_month(
    request: pytest.FixtureRequest, built: str, dimension: str
) -> None:
    """From the months in which each customer bought and nothing else."""
    shop: Built = request.getfixturevalue(built)
    values = _values_of_customers(shop, dimension)
    months = [m for (m,) in shop.marts("select order_month from lifecycle.dim_months order by 1")]
    first_orders = dict(
        shop.marts(
            "select customer_id, cast(date_trunc('month', first_order_date) as date) "
            "from core.dim_customers where first_order_date is not null"
        )
    )
    bought: dict[str, set[date]] = {}
    first_months: dict[str, date] = {}
    for customer, month, is_purchase in shop.marts(
        "select customer_id, order_month, is_purchase_month from lifecycle.fct_purchase_months"
    ):
        is_placed = month >= first_orders.get(customer, date.max)
        value = values[customer] if is_placed else "unknown"
        first_months[value] = min(month, first_months.get(value, month))
        if is_purchase:
            bought.setdefault(customer, set()).add(month)
    expected: Counter[Any] = Counter()
    for customer, purchase_months in bought.items():
        value = values[customer]
        previous = None
        for month in months:
            bought_before = min(purchase_months) < month
            if month in purchase_months:
                state = (
                    "active"
                    if previous in purchase_months
                    else "reactivated"
                    if bought_before
                    else "new"
                )
                expected[value, month, state] += 1
                expected[value, month, "buyers"] += 1
            elif bought_before:
                expected[value, month, "inactive"] += 1
                expected[value, month, "newly_lapsed"] += previous in purchase_months
            expected[value, month, "customers"] += month in purchase_months or bought_before
            previous = month
    prospects = dict(
        shop.marts(
            "select order_month, count(*) from lifecycle.fct_customer_months "
            "where state = 'prospect' group by all"
        )
    )
    if prospects:
        first_months["unknown"] = min(*prospects, first_months.get("unknown", date.max))
    found = shop.marts(
        f"select dimension_value, order_month, {', '.join(COUNTS)}, prospects "
        "from lifecycle.rpt_lifecycle_by_dimension where dimension = ?",
        [dimension],
    )
    assert {(value, month) for value, month, *_ in found} == {
        (value, month)
        for value, first in first_months.items()
        for month in months
        if first <= month
    }
    for value, month, *counts, prospect_count in found:
        assert counts == [expected[value, month, count] for count in COUNTS], (value, month)
        assert prospect_count == (prospects.get(month, 0) if value == "unknown" else 0)


def test_countries_add_up_to_the_reference(uci_gross: CompiledBuild, project_root: Any) -> None:
    path = project_root / ".." / "shared" / "reference" / "online_retail_monthly_gross.csv"
    if not path.is_file():
        pytest.skip(f"the reference figures are not in {path}")
    with path.open(encoding="utf-8", newline="") as file:
        reference = list(csv.DictReader(file))
    columns = [name for name in reference[0] if name not in ("order_month", "gross_revenue")]
    renamed = {
        "new": "new_buyers",
        "active": "coalesce(buyers_again, 0)",
        "reactivated": "coalesce(reactivated_buyers, 0)",
        "inactive": "(select sum(inactive) from lifecycle.rpt_lifecycle_by_dimension as states "
        "where states.dimension = rates.dimension and states.order_month = rates.order_month)",
    }
    for dimension in DIMENSIONS:
        sums = ", ".join(
            f"any_value({renamed[name]})"
            if name == "inactive"
            else f"sum({renamed.get(name, name)})"
            for name in columns
        )
        found = uci_gross.marts(
            f"""
            select strftime(order_month, '%Y-%m'), round(sum(revenue), 2), {sums}
            from lifecycle.rpt_purchase_rates_by_dimension as rates
            where dimension = ? group by order_month, dimension order by order_month
            """,
            [dimension],
        )
        assert found == [
            (
                month["order_month"],
                Decimal(month["gross_revenue"]),
                *(Decimal(month[name]) if month[name] else None for name in columns),
            )
            for month in reference
        ]


@pytest.mark.parametrize("built", ["demo", "uci_net"])
def test_rates_are_quotients_of_their_own_row(request: pytest.FixtureRequest, built: str) -> None:
    shop: Built = request.getfixturevalue(built)
    wrong = [
        f"{rate} is distinct from cast({part} as double) / nullif({whole}, 0)"
        for rate, part, whole in (
            ("repeat_purchase_rate", "repeat_buyers", "buyers"),
            ("retention_rate", "buyers_again", "buyers_last_month"),
            ("reactivation_rate", "reactivated_buyers", "inactive_last_month"),
            ("new_buyer_share", "new_buyers", "buyers"),
            ("reactivated_share", "reactivated_buyers", "buyers"),
        )
    ]
    rates = "from lifecycle.rpt_purchase_rates_by_dimension where not is_left_censored_month"
    assert shop.marts(f"select count(*) > 0 {rates}") == [(True,)]
    assert shop.marts(f"select * {rates} and ({' or '.join(wrong)})") == []


def test_first_country_and_channel_are_those_of_the_first_order(demo: Built) -> None:
    for dimension in DIMENSIONS:
        found = dict(
            demo.marts(
                f"select customer_id, coalesce(first_{dimension}, 'unknown') "
                "from core.dim_customers where order_count > 0"
            )
        )
        assert found == _values_of_customers(demo, dimension)
        assert demo.marts(
            f"select count(first_{dimension}) from core.dim_customers where order_count = 0"
        ) == [(0,)]


def test_both_bases_give_the_same_gross_and_net_months(
    demo: Built, demo_gross: CompiledBuild
) -> None:
    """Gross and net of a customer's month are there whatever the basis, and are the same."""
    months = (
        "select customer_id, order_month, gross_revenue, net_revenue "
        "from lifecycle.fct_purchase_months where gross_revenue <> 0 or net_revenue <> 0 "
        "order by all"
    )
    net, gross = demo.marts(months), demo_gross.marts(months)
    assert net == gross
    assert any(row[2] != row[3] for row in net)
    shops: list[tuple[Built | CompiledBuild, str]] = [(demo, "net"), (demo_gross, "gross")]
    for shop, basis in shops:
        assert shop.marts(
            "select count(*) from lifecycle.fct_purchase_months "
            f"where revenue is distinct from {basis}_revenue"
        ) == [(0,)]


@pytest.mark.parametrize("built", ["demo", "demo_gross", "uci_net", "uci_gross"])
def test_months_of_customers_add_up_to_the_sales_of_known_ones(
    request: pytest.FixtureRequest, built: str
) -> None:
    """Month by month, of the line kinds that count; the sales report comes from the lines."""
    shop: Built | CompiledBuild = request.getfixturevalue(built)
    months = shop.marts(
        "select order_month, sum(gross_revenue), sum(net_revenue) "
        "from lifecycle.fct_purchase_months group by all order by order_month"
    )
    sales = shop.marts(
        """
        select order_month, sum(gross_revenue), sum(net_revenue)
        from sales.rpt_sales_by_line_kind
        where is_known_customer and line_kind in (select unnest(?))
        group by all order by order_month
        """,
        [list(shop.settings.value_line_kinds)],
    )
    assert months == sales
    assert any(gross != net for _, gross, net in months)


@pytest.mark.parametrize("built", ["demo", "demo_gross", "uci_gross"])
def test_cohorts_from_the_months_of_customers(request: pytest.FixtureRequest, built: str) -> None:
    """Revenue of each cohort and age on both bases, and what has come together per customer."""
    shop: Built | CompiledBuild = request.getfixturevalue(built)
    rows = shop.marts(
        "select customer_id, order_month, is_purchase_month, gross_revenue, net_revenue "
        "from lifecycle.fct_purchase_months order by order_month"
    )
    cohort_of: dict[str, date] = {}
    for customer, month, is_purchase, *_ in rows:
        if is_purchase:
            cohort_of.setdefault(customer, month)
    sizes = Counter(cohort_of.values())
    gross: Counter[Any] = Counter()
    net: Counter[Any] = Counter()
    for customer, month, _, gross_revenue, net_revenue in rows:
        if customer in cohort_of:
            key = (cohort_of[customer], max(month, cohort_of[customer]))
            gross[key] += gross_revenue
            net[key] += net_revenue
    ((last_month,),) = shop.marts("select max(order_month) from lifecycle.dim_months")
    for cohort, size in sizes.items():
        months = [cohort]
        while months[-1] < last_month:
            months.append(_next_month(months[-1]))
        found = shop.marts(
            """
            select order_month, age_months, cohort_size, gross_revenue, net_revenue,
                cumulative_gross_revenue, cumulative_net_revenue, gross_revenue_per_customer,
                net_revenue_per_customer, cumulative_gross_revenue_per_customer,
                cumulative_net_revenue_per_customer
            from lifecycle.rpt_cohort_retention where cohort_month = ? order by age_months
            """,
            [cohort],
        )
        money = [[total[cohort, month] for month in months] for total in (gross, net)]
        columns = [*money, *(list(accumulate(one)) for one in money)]
        for age, row in enumerate(found):
            figures = [column[age] for column in columns]
            assert row[:7] == (months[age], age, size, *figures)
            assert row[7:] == pytest.approx([float(one) / size for one in figures])
        assert len(found) == len(months)
