"""The pipeline's work as a plain pandas script, the way the source articles do it.

Belongs here: one pass from order files to sales by month, customer states and, for every month end,
RFM, segments, migration and revenue walk, by the same definitions as the pipeline and in the idioms
of an analyst's notebook: read_csv, concat, drop_duplicates, apply, a loop for what does not
vectorise, pivot_table, groupby. Does not belong here: anything of the pipeline; only its lookup
tables in ``seeds/`` are read.

Usage: python benchmarks/pandas_baseline.py --landing DIR --profile P --basis net --out DIR
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pandas_lines import (
    SEEDS,
    clean,
    match_cancellations,
    read_canonical,
    read_customers,
    read_uci,
)

WINDOW_DAYS = 365
SNAPSHOT_MONTHS = 24
SCHEMES = ("quintile", "mean_split", "fixed_bands")


def order_table(lines: pd.DataFrame, cancellations: pd.DataFrame, basis: str) -> pd.DataFrame:
    """One row per order with what it is worth at its month's end and at the end of the data."""
    sales = lines[lines["is_sale"]].copy()
    sales["value_gross"] = sales["gross"].where(sales["counts"], 0.0)
    sales["value_discount"] = sales["discount"].where(sales["counts"], 0.0)
    orders = sales.groupby("order_id").agg(
        customer_id=("customer_id", "first"),
        order_date=("order_date", "min"),
        order_month=("order_month", "min"),
        units=("quantity", "sum"),
        gross_revenue=("gross", "sum"),
        value_gross=("value_gross", "sum"),
        value_discount=("value_discount", "sum"),
    )
    if basis == "gross":
        orders["value"] = orders["value_gross"].round(4)
        orders["value_at_month_end"] = orders["value"]
        return orders
    undone = cancellations[cancellations["cancelled_order_id"].notna() & cancellations["counts"]]
    undone = undone.merge(
        orders["order_month"].rename("sold_month"), left_on="cancelled_order_id", right_index=True
    )
    at_once = undone[undone["order_month"] == undone["sold_month"]]
    returned = undone.groupby("cancelled_order_id")["revenue"].sum()
    returned_at_once = at_once.groupby("cancelled_order_id")["revenue"].sum()
    sold = orders["value_gross"] - orders["value_discount"]
    orders["value"] = (sold - returned.reindex(orders.index).fillna(0)).round(4)
    orders["value_at_month_end"] = (sold - returned_at_once.reindex(orders.index).fillna(0)).round(
        4
    )
    return orders


def sales_by_month(
    lines: pd.DataFrame, cancellations: pd.DataFrame, orders: pd.DataFrame
) -> pd.DataFrame:
    """Orders, units and revenue per month, unknown customers among them."""
    sales = lines[lines["is_sale"]]
    months = pd.DataFrame(
        {
            "orders": orders.groupby("order_month").size(),
            "buyers": orders.groupby("order_month")["customer_id"].nunique(),
            "units": sales.groupby("order_month")["quantity"].sum(),
            "gross_revenue": lines.groupby("order_month")["gross"].sum(),
            "returned_revenue": cancellations.groupby("order_month")["revenue"].sum(),
            "discount_revenue": lines.groupby("order_month")["discount"].sum(),
        }
    ).fillna(0)
    months["net_revenue"] = (
        months["gross_revenue"] - months["returned_revenue"] - months["discount_revenue"]
    )
    return months.rename_axis("order_month").reset_index()


def customer_money(
    lines: pd.DataFrame, cancellations: pd.DataFrame, orders: pd.DataFrame, basis: str
) -> pd.DataFrame:
    """Amounts per customer with the date they take effect and the month they become known in."""
    lines = lines[lines["counts"] & lines["customer_id"].notna()]
    sales = lines[lines["is_sale"]]
    columns = ["customer_id", "effective_date", "order_month", "amount"]
    sold = sales["gross"] - (sales["discount"] if basis == "net" else 0.0)
    booked = sales.assign(effective_date=sales["order_date"], amount=sold)[columns]
    if basis == "gross":
        return booked
    cancellations = cancellations[cancellations["counts"] & cancellations["customer_id"].notna()]
    sold_dates = cancellations["cancelled_order_id"].map(orders["order_date"])
    own_dates = cancellations["cancelled_at"].dt.normalize()
    returned = cancellations.assign(
        effective_date=pd.to_datetime(sold_dates).fillna(own_dates),
        amount=-cancellations["revenue"],
    )[columns]
    discounts = lines[lines["is_discount"]]
    discounts = discounts.assign(
        effective_date=discounts["order_date"], amount=-discounts["amount"]
    )[columns]
    return pd.concat([booked, returned, discounts], ignore_index=True)


def month_states(bought: pd.Series) -> pd.Series:
    """States of one customer, month by month."""
    states = []
    for buys in bought:
        last = states[-1] if states else "prospect"
        if buys > 0:
            if last == "prospect":
                states.append("new")
            elif last == "inactive":
                states.append("reactivated")
            else:
                states.append("active")
        elif last == "prospect":
            states.append("prospect")
        else:
            states.append("inactive")
    return pd.Series(states, index=bought.index)


def lifecycle(
    lines: pd.DataFrame,
    orders: pd.DataFrame,
    money: pd.DataFrame,
    customers: pd.DataFrame | None,
) -> dict[str, pd.DataFrame]:
    """Customer months, states per month, purchase rates and cohorts."""
    months = pd.period_range(lines["order_month"].min(), lines["order_month"].max(), freq="M")
    counted = orders[(orders["value_at_month_end"] > 0) & orders["customer_id"].notna()]
    counts = counted.pivot_table(
        index="customer_id", columns="order_month", values="units", aggfunc="count"
    )
    counts = counts.reindex(columns=months).fillna(0).astype(int)
    states = counts.apply(month_states, axis=1)
    if not len(counts):
        states = counts.astype(str)

    long = states.rename_axis(columns="order_month").stack().rename("state").reset_index()
    long = long[long["state"] != "prospect"]
    long_counts = counts.rename_axis(columns="order_month").stack().rename("order_count")
    revenue = money.groupby(["customer_id", "order_month"])["amount"].sum().rename("revenue")
    long = long.merge(long_counts.reset_index(), on=["customer_id", "order_month"])
    long = long.merge(revenue.reset_index(), on=["customer_id", "order_month"], how="left")
    long["revenue"] = long["revenue"].fillna(0)

    table = states.apply(lambda month: month.value_counts()).fillna(0).astype(int).T
    names = ["new", "active", "reactivated", "inactive"]
    table = table.reindex(index=months, columns=names, fill_value=0)
    table["buyers"] = table["new"] + table["active"] + table["reactivated"]
    table["customers"] = table["new"].cumsum()
    table["newly_lapsed"] = table["buyers"].shift(1, fill_value=0) - table["active"]
    table["prospects"] = 0
    if customers is not None:
        first = counts.gt(0).idxmax(axis=1)
        first = customers["customer_id"].map(first)
        for month in months:
            waiting = first.isna() | (first > month)
            registered = ~(customers["registered_month"] > month)
            table.loc[month, "prospects"] = int((waiting & registered).sum())

    rates = table[["buyers"]].copy()
    rates["orders"] = counts.sum()
    rates["repeat_buyers"] = counts.gt(1).sum()
    rates["buyers_last_month"] = rates["buyers"].shift(1)
    rates["inactive_last_month"] = table["inactive"].shift(1)
    rates["repeat_purchase_rate"] = rates["repeat_buyers"] / rates["buyers"]
    rates["retention_rate"] = table["active"] / rates["buyers_last_month"]
    rates["reactivation_rate"] = table["reactivated"] / rates["inactive_last_month"]
    return {
        "customer_months": long,
        "lifecycle_by_month": table.rename_axis("order_month").reset_index(),
        "purchase_rates_by_month": rates.rename_axis("order_month").reset_index(),
        "cohort_retention": cohorts(long, revenue),
    }


def cohorts(customer_months: pd.DataFrame, revenue: pd.Series) -> pd.DataFrame:
    """Buyers and revenue per cohort and age in months.

    Money moved before the first purchase belongs to the month of the first purchase.
    """
    first = customer_months[customer_months["state"] == "new"]
    first = first.set_index("customer_id")["order_month"]
    buyers = customer_months[customer_months["order_count"] > 0]
    tables = []
    for rows, column in ((buyers, "buyers"), (revenue.reset_index(), "revenue")):
        rows = rows.assign(cohort_month=rows["customer_id"].map(first))
        rows = rows.dropna(subset=["cohort_month"])
        ages = (rows["order_month"] - rows["cohort_month"]).apply(lambda months: months.n)
        rows["age_months"] = ages.clip(lower=0)
        groups = rows.groupby(["cohort_month", "age_months"])
        tables.append(groups.size() if column == "buyers" else groups["revenue"].sum())
    table = pd.concat(tables, axis=1, keys=["buyers", "revenue"]).fillna(0).sort_index()
    table = table.reset_index()
    table["cohort_size"] = table["cohort_month"].map(first.value_counts())
    table["retention_rate"] = table["buyers"] / table["cohort_size"]
    table["cumulative_revenue"] = table.groupby("cohort_month")["revenue"].cumsum()
    table["cumulative_revenue_per_customer"] = table["cumulative_revenue"] / table["cohort_size"]
    return table


def order_changes(
    lines: pd.DataFrame, cancellations: pd.DataFrame, orders: pd.DataFrame, basis: str
) -> pd.DataFrame:
    """Amounts per order and date, and what customers got back without an order to set it against.

    A row takes effect on the date of its order and is known from its own date.
    """
    lines = lines[lines["counts"]]
    sales = lines[lines["is_sale"]]
    sold = sales["gross"] - (sales["discount"] if basis == "net" else 0.0)
    booked = sales.assign(amount=sold).groupby(["order_id", "order_date"])["amount"].sum()
    changes = booked.rename_axis(["order_id", "known_date"]).reset_index()
    others = []
    if basis == "net":
        undone = cancellations[cancellations["counts"]]
        undone = undone.assign(
            known_date=undone["cancelled_at"].dt.normalize(), amount=-undone["revenue"]
        )
        matched = undone[undone["cancelled_order_id"].notna()]
        matched = matched.drop(columns="customer_id").rename(
            columns={"cancelled_order_id": "order_id"}
        )
        changes = pd.concat([changes, matched[["order_id", "known_date", "amount"]]])
        others.append(undone[undone["cancelled_order_id"].isna()])
        discounts = lines[lines["is_discount"]]
        others.append(
            discounts.assign(known_date=discounts["order_date"], amount=-discounts["amount"])
        )
    owners = orders[["customer_id", "order_date"]].rename(columns={"order_date": "effective_date"})
    changes = changes.merge(owners, left_on="order_id", right_index=True)
    for rows in others:
        rows = rows.assign(order_id=None, effective_date=rows["known_date"])
        changes = pd.concat([changes, rows[changes.columns]])
    return changes[changes["customer_id"].notna()].reset_index(drop=True)


def rfm_table(changes: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Recency, frequency and monetary as they were at a date."""
    since = as_of - pd.Timedelta(days=WINDOW_DAYS)
    known = changes[changes["known_date"] <= as_of]
    orders = (
        known[known["order_id"].notna()]
        .groupby("order_id")
        .agg(
            customer_id=("customer_id", "first"),
            order_date=("effective_date", "first"),
            value=("amount", "sum"),
        )
    )
    valid = orders[orders["value"].round(4) > 0]
    rfm = valid.groupby("customer_id").agg(last_order_date=("order_date", "max"))
    recent = valid[valid["order_date"] > since]
    recent_money = known[known["effective_date"] > since]
    rfm["recency_days"] = rfm["last_order_date"].apply(lambda day: (as_of - day).days)
    rfm["frequency"] = recent.groupby("customer_id").size()
    rfm["monetary"] = recent_money.groupby("customer_id")["amount"].sum()
    rfm = rfm.fillna({"frequency": 0, "monetary": 0.0}).astype({"frequency": int})
    rfm["monetary"] = rfm["monetary"].round(4)
    rfm.insert(0, "snapshot_date", as_of)
    return rfm.reset_index()


def snapshot_dates(lines: pd.DataFrame) -> list[pd.Timestamp]:
    """The last month ends and the as-of date."""
    as_of = lines["order_date"].max()
    months = pd.period_range(lines["order_month"].min(), as_of.to_period("M"), freq="M")
    ends = [month.end_time.normalize() for month in months]
    dates = [end for end in ends if end <= as_of][-SNAPSHOT_MONTHS:]
    return dates if dates and dates[-1] == as_of else [*dates, as_of]


def scores(rfm: pd.DataFrame) -> pd.DataFrame:
    """Scores and segments of every scheme."""
    segments = pd.read_csv(SEEDS / "rfm_segments.csv").to_dict("records")
    bands = pd.read_csv(SEEDS / "rfm_bands.csv").sort_values("threshold")

    def segment_of(scheme: str, row: pd.Series) -> str:
        r, f, m = row["r_score"], row["f_score"], row["m_score"]
        for rule in segments:
            if (
                rule["scheme"] == scheme
                and rule["r_min"] <= r <= rule["r_max"]
                and rule["f_min"] <= f <= rule["f_max"]
                and rule["m_min"] <= m <= rule["m_max"]
                and rule["fm_min"] <= f + m <= rule["fm_max"]
                and rule["total_min"] <= r + f + m <= rule["total_max"]
            ):
                return rule["segment"]
        raise ValueError(f"scheme {scheme}: no segment for scores {r}, {f}, {m}")

    measures = {"r_score": "recency_days", "f_score": "frequency", "m_score": "monetary"}
    tables = []
    for scheme in SCHEMES:
        table = rfm[["snapshot_date", "customer_id", "monetary"]].copy()
        for score, measure in measures.items():
            values = rfm[measure]
            if scheme == "quintile":
                cuts = [round(values.quantile(share), 6) for share in (0.2, 0.4, 0.6, 0.8)]
                lowest = 1
            elif scheme == "mean_split":
                cuts, lowest = [values.mean()], 0
            else:
                cuts = bands[bands["measure"] == measure]["threshold"].tolist()
                lowest = 1
            reaches = scheme == "fixed_bands" and measure != "recency_days"

            def passed(value: float, cuts: list[float] = cuts, reaches: bool = reaches) -> int:
                return sum(value >= cut if reaches else value > cut for cut in cuts)

            counted = values.apply(passed)
            table[score] = lowest + (len(cuts) - counted if measure == "recency_days" else counted)
        table["rfm_code"] = table.apply(
            lambda row: f"{row['r_score']}{row['f_score']}{row['m_score']}", axis=1
        )
        table["segment"] = table.apply(lambda row, s=scheme: segment_of(s, row), axis=1)
        table.insert(0, "scheme", scheme)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def segment_table(scored: pd.DataFrame, rfm: pd.DataFrame) -> pd.DataFrame:
    """Customers, revenue and mean R, F, M per scheme and segment of a snapshot."""
    joined = scored.merge(rfm[["customer_id", "recency_days", "frequency"]], on="customer_id")
    table = joined.groupby(["scheme", "snapshot_date", "segment"]).agg(
        customers=("customer_id", "count"),
        revenue=("monetary", "sum"),
        mean_recency_days=("recency_days", "mean"),
        mean_frequency=("frequency", "mean"),
        mean_monetary=("monetary", "mean"),
    )
    total = table.groupby("scheme")[["customers", "revenue"]].transform("sum")
    table["customer_share"] = table["customers"] / total["customers"]
    table["revenue_share"] = table["revenue"] / total["revenue"]
    return table.reset_index()


def migration_table(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Customers and revenue per scheme and pair of segments of two snapshots."""
    columns = ["scheme", "customer_id", "segment", "monetary"]
    both = before[columns].merge(
        after[columns], on=["scheme", "customer_id"], how="outer", suffixes=("_before", "_after")
    )
    both["from_segment"] = both["segment_before"].fillna("entered")
    both["to_segment"] = both["segment_after"].fillna("left")
    both["from_snapshot"] = before["snapshot_date"].iloc[0]
    both["to_snapshot"] = after["snapshot_date"].iloc[0]
    keys = ["scheme", "from_snapshot", "to_snapshot", "from_segment", "to_segment"]
    table = both.groupby(keys).agg(
        customers=("customer_id", "count"),
        revenue_before=("monetary_before", "sum"),
        revenue_after=("monetary_after", "sum"),
    )
    return table.reset_index()


def revenue_walk(
    before: pd.DataFrame, after: pd.DataFrame, revenue: pd.Series, bought: pd.Series
) -> pd.DataFrame:
    """Whose the change of revenue is from the month of one snapshot to that of the next."""
    segments = pd.read_csv(SEEDS / "rfm_segments.csv")
    months = [scored["snapshot_date"].iloc[0].to_period("M") for scored in (before, after)]
    money = [of_month(revenue, month) for month in months]
    buyers = [of_month(bought, month) for month in months]
    tables = []
    for scheme in SCHEMES:
        order = segments[segments["scheme"] == scheme].groupby("segment")["segment_order"].first()
        walk = pd.concat(
            [
                scored[scored["scheme"] == scheme].set_index("customer_id")["segment"].map(order)
                for scored in (before, after)
            ]
            + money
            + buyers,
            axis=1,
            keys=["place_before", "place_after", "before", "after", "buys_before", "buys_after"],
        )
        has_lapsed = walk["buys_before"].notna() & walk["buys_after"].isna()
        walk["movement"] = np.select(
            [
                walk["place_before"].isna() & walk["place_after"].isna(),
                walk["place_before"].isna(),
                walk["place_after"].isna() | has_lapsed,
                walk["place_after"] < walk["place_before"],
                walk["place_after"] > walk["place_before"],
            ],
            ["outside", "new", "lost", "moved_up", "moved_down"],
            default="same_segment",
        )
        table = walk.groupby("movement").agg(
            customers=("movement", "size"),
            revenue_before=("before", "sum"),
            revenue_after=("after", "sum"),
        )
        table["revenue_change"] = table["revenue_after"] - table["revenue_before"]
        table.insert(0, "scheme", scheme)
        table.insert(1, "to_snapshot", after["snapshot_date"].iloc[0])
        tables.append(table.reset_index())
    return pd.concat(tables, ignore_index=True)


def of_month(by_customer_and_month: pd.Series, month: pd.Period) -> pd.Series:
    """The values of one month by customer, none when the month has none."""
    months = by_customer_and_month.index.get_level_values("order_month")
    return by_customer_and_month[months == month].droplevel("order_month")


def rfm_history(
    changes: pd.DataFrame,
    dates: list[pd.Timestamp],
    revenue: pd.Series,
    bought: pd.Series,
    out: Path,
) -> dict[str, pd.DataFrame]:
    """Snapshots one after the other: scores are written per date, the small tables returned."""
    segments, migrations, walks = [], [], []
    before = None
    for date in dates:
        rfm = rfm_table(changes, date)
        scored = scores(rfm)
        segments.append(segment_table(scored, rfm))
        if before is not None:
            migrations.append(migration_table(before, scored))
            walks.append(revenue_walk(before, scored, revenue, bought))
        rfm.to_parquet(out / f"rfm_snapshots_{date:%Y-%m-%d}.parquet", index=False)
        scored.drop(columns="monetary").to_parquet(
            out / f"rfm_scores_{date:%Y-%m-%d}.parquet", index=False
        )
        before = scored
    tables = {"segments": pd.concat(segments, ignore_index=True)}
    if migrations:
        tables["segment_migration"] = pd.concat(migrations, ignore_index=True)
        tables["revenue_walk"] = pd.concat(walks, ignore_index=True)
    return tables


def run(landing: Path, profile: str, basis: str, out: Path) -> dict[str, pd.DataFrame]:
    """All tables of the baseline, also written to ``out`` as Parquet."""
    started = time.perf_counter()

    def step(name: str) -> None:
        print(f"{time.perf_counter() - started:8.1f} s  {name}", file=sys.stderr, flush=True)

    lines = read_uci(landing) if profile == "uci_online_retail" else read_canonical(landing)
    customers = read_customers(landing, profile)
    step(f"read {len(lines):,} rows")
    lines = clean(lines)
    step(f"cleaned: {len(lines):,} lines")
    cancellations = match_cancellations(lines)
    step(f"matched {len(cancellations):,} cancelled parts")
    orders = order_table(lines, cancellations, basis)
    money = customer_money(lines, cancellations, orders, basis)
    tables = {"sales_by_month": sales_by_month(lines, cancellations, orders)}
    step(f"{len(orders):,} orders")
    tables |= lifecycle(lines, orders, money, customers)
    step(f"{len(tables['customer_months']):,} customer months")
    out.mkdir(parents=True, exist_ok=True)
    revenue = money.groupby(["customer_id", "order_month"])["amount"].sum()
    months = tables["customer_months"]
    bought = months[months["order_count"] > 0].set_index(["customer_id", "order_month"])["state"]
    dates = snapshot_dates(lines)
    changes = order_changes(lines, cancellations, orders, basis)
    tables |= rfm_history(changes, dates, revenue, bought, out)
    step(f"{len(dates)} snapshots")
    tables |= {
        "order_lines": lines,
        "orders": orders.reset_index(),
        "cancellations": cancellations,
    }
    for name, table in tables.items():
        for column in table.columns:
            if isinstance(table[column].dtype, pd.PeriodDtype):
                table[column] = table[column].dt.to_timestamp()
        table.to_parquet(out / f"{name}.parquet", index=False)
    step("written")
    return tables


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--landing", type=Path, required=True, help="folder with the order files")
    parser.add_argument("--profile", choices=["uci_online_retail", "canonical"], required=True)
    parser.add_argument("--basis", choices=["net", "gross"], default="net")
    parser.add_argument("--out", type=Path, required=True, help="folder for the Parquet files")
    arguments = parser.parse_args()
    run(arguments.landing, arguments.profile, arguments.basis, arguments.out)


if __name__ == "__main__":
    main()
