"""Customer states, purchase rates and cohorts by month.

Belongs here: what customers did in each month and since their first. Does not belong here: scores
and segments (``segments.py``).
"""

from typing import Any

from orchestration.publishing.report.exhibits import Exhibit, Figure, Rows, Section, Words, words
from orchestration.publishing.report.parts import (
    categories,
    crossed,
    drawn,
    heat_map,
    month_bars,
    month_line,
    over_months,
)
from orchestration.publishing.report.wording import count, money, month, percent

_CUSTOMERS = words("customers", "客户数")

#: State, its name, its colour; from the bottom of the stack to its top.
STATES = (
    ("active", words("active", "活跃"), "@blue"),
    ("reactivated", words("reactivated", "回流"), "@amber"),
    ("new", words("new", "新客"), "@green"),
    ("inactive", words("inactive", "不活跃"), "@quiet"),
)

_STATES = """select * from (
    select order_month, new, active, reactivated, inactive, newly_lapsed, buyers, customers,
        is_partial_month
    from lifecycle.rpt_lifecycle_by_month
    order by order_month desc
    limit 60
) as months
order by order_month"""

_RATES = """select * from (
    select order_month, repeat_purchase_rate, retention_rate, reactivation_rate, buyers,
        repeat_buyers, buyers_last_month, buyers_again, inactive_last_month, reactivated_buyers,
        is_partial_month
    from lifecycle.rpt_purchase_rates_by_month
    order by order_month desc
    limit 60
) as months
order by order_month"""

_COHORTS = """select cohort_month, age_months, cohort_size, buyers, retention_rate,
    cumulative_revenue_per_customer, is_partial_month
from lifecycle.rpt_cohort_retention
where cohort_month > (
    select max(cohort_month) - interval 24 month from lifecycle.rpt_cohort_retention
)
    and age_months <= 24
order by cohort_month, age_months"""


def states_figure(rows: Rows) -> Figure:
    """Customers in each state, stacked by month."""
    return over_months(
        [month_bars(rows, state, name, color) for state, name, color in STATES],
        _CUSTOMERS,
        "count",
        400,
        barmode="stack",
    )


def buyers_figure(rows: Rows) -> Figure:
    """Buyers by state above the axis, those who were lost below it."""
    lost = month_bars(rows, "newly_lapsed", words("newly lapsed", "新流失"), "@vermillion")
    lost |= {
        "y": [None if value is None else -value for value in lost["y"]],
        "customdata": lost["y"],
        "hovertemplate": "%{customdata:,.0f}%{text}",
    }
    traces = [month_bars(rows, state, name, color) for state, name, color in STATES[:3]]
    figure = over_months([*traces, lost], _CUSTOMERS, "count", 400, barmode="relative")
    figure["layout"]["yaxis"] |= {"tickformat": ",.4~s"}
    return figure


def rates_figure(rows: Rows) -> Figure:
    """Repeat purchase, retention and reactivation rate by month."""
    return over_months(
        [
            month_line(rows, column, name, color, "percent")
            for column, name, color in (
                ("retention_rate", words("retention rate", "留存率"), "@blue"),
                ("repeat_purchase_rate", words("repeat purchase rate", "复购率"), "@green"),
                ("reactivation_rate", words("reactivation rate", "回流率"), "@amber"),
            )
        ],
        words("share of the customers asked about", "占相应客户的比例"),
        "percent",
    )


def retention_figure(rows: Rows) -> Figure:
    """Share of each cohort that buys, by months since its first purchase."""
    return _cohort_figure(
        rows,
        "retention_rate",
        "percent",
        words(
            "cohort %{y}, after %{x} months: %{z:.1%}<extra></extra>",
            "%{y} 首购，%{x} 个月后：%{z:.1%}<extra></extra>",
        ),
        words("share that buys", "购买占比"),
        is_first_left_out=True,
    )


def cohort_revenue_figure(rows: Rows) -> Figure:
    """What a customer of each cohort has brought so far, by months since the first purchase."""
    return _cohort_figure(
        rows,
        "cumulative_revenue_per_customer",
        "money",
        words(
            "cohort %{y}, up to month %{x}: %{z:,.2f} per customer<extra></extra>",
            "%{y} 首购，截至第 %{x} 个月：人均 %{z:,.2f}<extra></extra>",
        ),
        words("per customer", "人均"),
    )


def _cohort_figure(
    rows: Rows,
    value: str,
    unit: str,
    hover: Words,
    title: Words,
    is_first_left_out: bool = False,
) -> Figure:
    ages, cohorts, grid = crossed(rows, "age_months", "cohort_month", value)
    # All of a cohort buys at age 0: a full column would leave the others without contrast.
    first = 1 if is_first_left_out and len(ages) > 1 else 0
    kept = [number for number, line in enumerate(grid) if any(v is not None for v in line[first:])]
    return drawn(
        [
            heat_map(
                [str(age) for age in ages[first:]],
                [str(cohorts[number])[:7] for number in kept],
                [grid[number][first:] for number in kept],
                unit,
                hover,
                title,
            )
        ],
        max(220, 110 + 24 * len(kept)),
        xaxis=categories(words("months since the first purchase", "首购后的月数"), side="top"),
        yaxis=categories(autorange="reversed"),
        margin={"l": 12, "r": 8, "t": 64, "b": 8},
    )


def _whole(rows: Rows) -> list[dict[str, Any]]:
    return [row for row in rows.dicts() if not row["is_partial_month"]] or rows.dicts()


def _states_reading(rows: Rows) -> Words:
    last = _whole(rows)[-1]
    name = month(last["order_month"])
    share = last["buyers"] / last["customers"] if last["customers"] else None
    return words(
        f"Of {count(last['customers'])} customers, {count(last['buyers'])} ({percent(share)}) "
        f"bought in {name['en']}; {count(last['inactive'])} did not.",
        f"{name['zh']}，{count(last['customers'])} 位客户中有 {count(last['buyers'])} 位"
        f"（{percent(share)}）购买，{count(last['inactive'])} 位未购买。",
    )


def _buyers_reading(rows: Rows) -> Words:
    last = _whole(rows)[-1]
    name = month(last["order_month"])
    balance = last["new"] + last["reactivated"] - last["newly_lapsed"]
    return words(
        f"In {name['en']} {count(last['new'])} new and {count(last['reactivated'])} returning "
        f"buyers came, {count(last['newly_lapsed'])} of the month before stayed away: "
        f"{balance:+,} buyers.",
        f"{name['zh']}新增 {count(last['new'])} 位、回流 {count(last['reactivated'])} 位，"
        f"上月购买者中有 {count(last['newly_lapsed'])} 位未再购买：净变化 {balance:+,} 位。",
    )


def _rates_reading(rows: Rows) -> Words:
    last = _whole(rows)[-1]
    name = month(last["order_month"])
    return words(
        f"In {name['en']} {percent(last['retention_rate'])} of the month before's buyers bought "
        f"again, {percent(last['reactivation_rate'])} of the inactive came back, and "
        f"{percent(last['repeat_purchase_rate'])} of the buyers ordered more than once.",
        f"{name['zh']}，上月购买者中 {percent(last['retention_rate'])} 再次购买，不活跃客户中 "
        f"{percent(last['reactivation_rate'])} 回流，购买者中 "
        f"{percent(last['repeat_purchase_rate'])} "
        "下单超过一次。",
    )


def _retention_reading(rows: Rows) -> Words:
    def mean(age: int) -> float | None:
        seen = [
            row for row in rows.dicts() if row["age_months"] == age and not row["is_partial_month"]
        ]
        size = sum(row["cohort_size"] for row in seen)
        return sum(row["buyers"] for row in seen) / size if size else None

    return words(
        f"Over all cohorts shown, {percent(mean(1))} of the customers buy again one month after "
        f"their first purchase, {percent(mean(3))} after three and {percent(mean(6))} after six.",
        f"所示各批客户中，首购后第 1 个月再次购买的占 {percent(mean(1))}，第 3 个月 "
        f"{percent(mean(3))}，"
        f"第 6 个月 {percent(mean(6))}。",
    )


def _cohort_revenue_reading(rows: Rows) -> Words:
    oldest = rows.where(cohort_month=rows.dicts()[0]["cohort_month"]).dicts()
    last = oldest[-1]
    name = month(last["cohort_month"])
    return words(
        f"A customer won in {name['en']} brought "
        f"{money(oldest[0]['cumulative_revenue_per_customer'])} in the first month and "
        f"{money(last['cumulative_revenue_per_customer'])} within {last['age_months']} months.",
        f"{name['zh']}首购的客户，首月人均 {money(oldest[0]['cumulative_revenue_per_customer'])}，"
        f"{last['age_months']} 个月内累计人均 {money(last['cumulative_revenue_per_customer'])}。",
    )


CUSTOMERS = Section(
    "customers",
    words("Customers", "客户"),
    (
        Exhibit(
            "states-by-month",
            words("Customer states by month", "月度客户状态"),
            _STATES,
            _states_reading,
            words(
                "New: first purchase. Active: bought this month and the month before. "
                "Reactivated: bought again after at least a month without. Inactive: bought "
                "before, not this month. In the first month of the data everybody is new.",
                "新客：首次购买。活跃：本月与上月均购买。回流：至少间隔一个月后再次购买。"
                "不活跃：曾购买，本月未购买。"
                "数据的第一个月中所有客户均为新客。",
            ),
            states_figure,
        ),
        Exhibit(
            "buyers-by-state",
            words("Buyers won and lost", "购买客户的增减"),
            _STATES,
            _buyers_reading,
            words(
                "Above the axis the buyers of the month; below it the buyers of the month before "
                "who did not buy (newly lapsed).",
                "横轴以上为当月购买客户；以下为上月购买而本月未购买的客户（新流失）。",
            ),
            buyers_figure,
        ),
        Exhibit(
            "purchase-rates",
            words("Repeat, retention and reactivation", "复购、留存与回流"),
            _RATES,
            _rates_reading,
            words(
                "Retention: buyers of the month before who buy again / buyers of the month "
                "before. Repeat purchase: buyers with two or more orders / buyers. Reactivation: "
                "inactive customers who come back / inactive customers of the month before.",
                "留存率：上月购买者中本月再次购买的比例。复购率：购买者中下单两次及以上的比例。"
                "回流率：上月不活跃客户中本月购买的比例。",
            ),
            rates_figure,
        ),
        Exhibit(
            "cohort-retention",
            words("Retention of cohorts", "各批客户的留存"),
            _COHORTS,
            _retention_reading,
            words(
                "Cohort: the customers whose first purchase falls in a month. A cell is the share "
                "of them who buy so many months later (the first month is 100%). The last 24 "
                "cohorts, up to 24 months; the last diagonal may be a month not yet complete.",
                "同批客户：首次购买在同一月份的客户。每格为其在若干月后购买的比例（首月为 100%）。"
                "显示最近 24 批、至多 24 个月；最后一条对角线所在月份可能不完整。",
            ),
            retention_figure,
        ),
        Exhibit(
            "cohort-revenue",
            words("What a customer brings over time", "客户的累计价值"),
            _COHORTS,
            _cohort_revenue_reading,
            words(
                "Revenue of a cohort up to so many months after its first purchase, divided by "
                "all customers of the cohort, on the monetary basis of the report.",
                "同批客户自首购起累计的收入除以该批客户数，按报告的金额口径。",
            ),
            cohort_revenue_figure,
        ),
    ),
)
