"""RFM at past dates: snapshots, cuts, migration and the revenue walk.

Belongs here: what holds between snapshots, and between a snapshot and a build that ends at it. Does
not belong here: the figures of the last snapshot (test_online_retail.py).
"""

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from orchestration.settings import Settings
from tests.building import Builder, Built
from tests.compiled_builds import CompiledBuild
from tests.compiled_models import (
    SmallWarehouse,
    checked_warehouse,
    small_warehouse,
    small_warehouses,
)
from tests.compiling import VARIANTS
from tests.reference_comparison import RFM_COLUMNS, SCORE_COLUMNS, Rows, built_tables, in_order
from tests.reference_customers import last_day
from tests.reference_strategies import PIPELINE, Shop, shops
from tests.small_shops import small_shop

PAST = date(2011, 6, 30)
#: Numbers of bins that are compiled and tried together, the others at length.
SOME_BINS, OTHER_BINS = (2, 3, 10), (4, 5, 6, 7, 8, 9)
EVERY_BINS = [*SOME_BINS, *(pytest.param(bins, marks=pytest.mark.soak) for bins in OTHER_BINS)]
#: Tables of the past, each with the column that says of when a row is.
DATED_TABLES = [
    ("fct_rfm_snapshots", "snapshot_date"),
    ("fct_rfm_scores", "snapshot_date"),
    ("dim_rfm_cuts", "snapshot_date"),
    ("rpt_segments", "snapshot_date"),
    ("rpt_segment_migration", "to_snapshot"),
    ("rpt_revenue_walk", "to_snapshot"),
]
REFERENCE = date(2023, 12, 31)
REFERENCE_CHECK = "assert_reference_snapshot_is_known"

#: The ledger added up at a date, order by order, with a window of 365 days.
STRAIGHT_SNAPSHOT = """
    with known as (
        select customer_id, order_id, effective_date, sum(order_count) as n, sum(amount) as amount
        from intermediate.int_order_ledger
        where known_date <= $day
        group by all
    )
    select
        customer_id,
        min(effective_date) filter (n > 0),
        max(effective_date) filter (n > 0),
        coalesce(sum(n) filter (effective_date > $day - 365), 0),
        coalesce(sum(amount) filter (effective_date > $day - 365), 0)
    from known
    group by customer_id
    having count(*) filter (n > 0) > 0
    order by customer_id
"""


#: What the scores of a snapshot need, from the cells and cuts to the score itself.
SCORING_MODELS = (
    "int_rfm_schemes", "dim_rfm_cells", "dim_rfm_thresholds", "dim_rfm_cuts", "fct_rfm_scores",
)  # fmt: skip
SNAPSHOT_DAY = date(2024, 1, 31)
SNAPSHOTS_RELATION = '"marts"."rfm"."fct_rfm_snapshots"'
#: One snapshot of 97 customers with ties, negative amounts and customers of one day.
MADE_UP_SNAPSHOT = f"""
    create schema if not exists marts.rfm;
    create schema if not exists marts.lifecycle;
    create table marts.lifecycle.dim_months as
        select cast(date '2024-01-01' - to_months(cast(i as integer)) as date) as order_month
        from range(12) as numbers(i);
    create table marts.rfm.dim_snapshots as
        select
            date '{SNAPSHOT_DAY}' as snapshot_date, date '2024-01-01' as order_month,
            true as is_as_of;
    create table marts.rfm.fct_rfm_intervals as
        select
            'c' || i as customer_id, last_date as valid_from, date '9999-12-01' as valid_until,
            date '2020-01-01' as first_order_date, last_date as last_order_date,
            (i * 7) % 13 as frequency,
            cast((i * i * i) % 20011 / 8 - 50 as decimal(18, 4)) as monetary
        from (
            select i, date '{SNAPSHOT_DAY}' - cast((i * i) % 211 as integer) as last_date
            from range(97) as numbers(i)
        ) as numbers;
    create table marts.rfm.fct_rfm_snapshots (
        snapshot_date date, customer_id varchar, recency_days bigint, frequency bigint,
        monetary decimal(18, 4)
    );
"""


@pytest.fixture(scope="module")
def uci_past(uci_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompiledBuild]:
    """Online Retail as it stood at ``PAST``: later rows are left out."""
    settings = Settings(
        landing_dir=uci_dir / "online_retail.parquet",
        profile="uci_online_retail",
        data_dir=tmp_path_factory.mktemp("past"),
    )
    shop = CompiledBuild(settings, "net")
    shop.land()
    yield shop.build([table for table, _ in DATED_TABLES], as_of=PAST)
    shop.close()


@pytest.fixture(scope="module")
def frozen_and_refitted() -> tuple[SmallWarehouse, dict[str, str]]:
    """An empty warehouse with refitted and frozen cuts; the check of the reference."""
    return checked_warehouse(
        "both_cuts",
        {
            "rfm_cuts": "both",
            "rfm_reference_snapshot": REFERENCE.isoformat(),
            "rfm_snapshot_months": 6,
        },
        ("+rpt_segments", REFERENCE_CHECK),
    )


@pytest.fixture(scope="module")
def both_cuts(
    build: Builder, frozen_and_refitted: tuple[SmallWarehouse, dict[str, str]]
) -> CompiledBuild:
    """A small shop with both cuts; the reference lies before the snapshots."""
    shop = CompiledBuild(small_shop(build).settings, frozen_and_refitted[0])
    shop.land()
    return shop.build(["rpt_segments"])


def month_ends(built: Built | CompiledBuild) -> list[date]:
    rows = built.marts("select snapshot_date from rfm.dim_snapshots order by snapshot_date")
    return [day for (day,) in rows]


def test_snapshots_are_the_month_ends_and_the_as_of_date(uci_net: Built) -> None:
    assert month_ends(uci_net) == [
        *(last_day(date(2010, 12, 1)),),
        *(last_day(date(2011, month, 1)) for month in range(1, 12)),
        date(2011, 12, 9),
    ]


@pytest.mark.parametrize("day", [date(2010, 12, 31), date(2011, 3, 31), date(2011, 11, 30)])
def test_a_snapshot_is_the_ledger_added_up_at_its_date(uci_net: Built, day: date) -> None:
    found = uci_net.warehouse(
        "select customer_id, first_order_date, last_order_date, frequency, monetary "
        "from rfm.fct_rfm_snapshots where snapshot_date = ? order by customer_id",
        [day],
    )
    straight = uci_net.warehouse(STRAIGHT_SNAPSHOT.replace("$day", f"date '{day}'"))
    assert len(found) > 700
    assert found == straight


def test_any_date_is_a_filter_of_the_intervals(uci_net: Built) -> None:
    """A date that is no snapshot: the day on which the largest order was cancelled."""
    for day in (date(2011, 1, 18), date(2011, 1, 17), date(2011, 12, 9)):
        found = uci_net.warehouse(
            "select customer_id, first_order_date, last_order_date, frequency, monetary "
            "from rfm.fct_rfm_intervals where valid_from <= $1 and $1 < valid_until "
            "order by customer_id",
            [day],
        )
        assert found == uci_net.warehouse(STRAIGHT_SNAPSHOT.replace("$day", f"date '{day}'"))


@pytest.mark.parametrize(("table", "date_column"), DATED_TABLES)
def test_the_past_is_as_a_build_of_that_date_shows_it(
    uci_net: Built, uci_past: CompiledBuild, table: str, date_column: str
) -> None:
    query = f"select * from rfm.{table} where {date_column} <= ? order by all"
    found = uci_net.marts(query, [PAST])
    assert found
    assert found == uci_past.marts(query, [PAST])


@pytest.mark.soak
@settings(PIPELINE, max_examples=15)
@given(shop=shops())
def test_rows_after_a_snapshot_change_nothing_in_it(shop: Shop) -> None:
    as_of_date = date.fromisoformat(VARIANTS["net_as_of"]["as_of_date"])
    last_date = max(line.ordered_at.date() for line in shop.lines)
    tables = {"fct_rfm_snapshots": RFM_COLUMNS, "fct_rfm_scores": SCORE_COLUMNS}

    def closed_snapshots(variant: str) -> dict[str, Rows]:
        warehouse = small_warehouse(variant)
        built_tables(warehouse, shop, tables)
        return {
            table: in_order(
                row
                for row in warehouse.rows(table, columns)
                if row[0] == last_day(row[0]) and row[0] <= min(as_of_date, last_date)
            )
            for table, columns in tables.items()
        }

    assert closed_snapshots("net") == closed_snapshots("net_as_of")


def test_migration_is_what_the_scores_of_both_snapshots_say(uci_net: Built) -> None:
    straight = uci_net.marts(
        """
        with scored as (
            select scheme, snapshot_date, customer_id, segment, monetary
            from rfm.fct_rfm_scores
            inner join rfm.fct_rfm_snapshots using (snapshot_date, customer_id)
        ),
        pairs as (
            select previous_snapshot_date as from_snapshot, snapshot_date as to_snapshot
            from rfm.dim_snapshots
            where previous_snapshot_date is not null
        ),
        earlier as (
            select * from scored inner join pairs on scored.snapshot_date = pairs.from_snapshot
        ),
        later as (
            select * from scored inner join pairs on scored.snapshot_date = pairs.to_snapshot
        )
        select
            scheme, from_snapshot, to_snapshot,
            coalesce(earlier.segment, 'entered'), coalesce(later.segment, 'left'),
            count(*), coalesce(sum(earlier.monetary), 0), coalesce(sum(later.monetary), 0)
        from earlier
        full outer join later using (scheme, from_snapshot, to_snapshot, customer_id)
        group by all
        order by all
        """
    )
    assert {row[3] for row in straight} >= {"entered", "champions", "lost"}
    assert "left" in {row[4] for row in straight}
    assert uci_net.marts("select * from rfm.rpt_segment_migration order by all") == straight


def test_migration_between_any_two_snapshots(uci_net: Built) -> None:
    first, *_, last = month_ends(uci_net)
    rows = uci_net.marts(
        "select from_segment, to_segment, customers from rfm.rpt_segment_migration_between "
        "where scheme = 'quintile' and from_snapshot = ? and to_snapshot = ?",
        [first, last],
    )
    sizes = dict(
        uci_net.marts(
            "select segment, customers from rfm.rpt_segments "
            "where scheme = 'quintile' and snapshot_date = ? and customers > 0",
            [last],
        )
    )
    found: dict[str, int] = {}
    for _, segment, customers in rows:
        if segment != "left":
            found[segment] = found.get(segment, 0) + customers
    assert found == sizes


def test_the_walk_leads_from_month_to_month(uci_net: Built) -> None:
    months = uci_net.marts(
        "select order_month, revenue from lifecycle.rpt_purchase_rates_by_month order by 1"
    )
    for scheme in ("quintile", "mean_split", "fixed_bands"):
        walk = uci_net.marts(
            "select order_month, sum(revenue_before), sum(revenue_after), sum(revenue_change) "
            "from rfm.rpt_revenue_walk where scheme = ? group by 1 order by 1",
            [scheme],
        )
        assert walk == [
            (month, before, after, after - before)
            for (_, before), (month, after) in pairwise(months)
        ]


def test_the_walk_loses_the_customers_who_lapse(uci_net: Built) -> None:
    """Who bought last month and not in this one is lost in the walk, as newly_lapsed says."""
    found = uci_net.marts(
        """
        select order_month, walk.customers, newly_lapsed
        from rfm.rpt_revenue_walk as walk
        inner join lifecycle.rpt_lifecycle_by_month using (order_month)
        where scheme = 'quintile' and movement = 'lost'
        """
    )
    assert len(found) == 12
    # An order undone after its month leaves the snapshot: its customer is lost, though no buyer.
    assert all(lapsed <= customers <= lapsed + 5 for _, customers, lapsed in found)


def test_only_the_month_of_the_as_of_date_is_partial(uci_net: Built) -> None:
    assert uci_net.marts(
        "select distinct order_month from rfm.rpt_revenue_walk where is_partial_month"
    ) == [(date(2011, 12, 1),)]


def test_tenures_follow_the_segments_of_the_snapshots(uci_net: Built) -> None:
    history: dict[tuple[str, str], list[tuple[date, str]]] = {}
    for scheme, customer, day, segment in uci_net.marts(
        "select scheme, customer_id, snapshot_date, segment from rfm.fct_rfm_scores "
        "order by snapshot_date"
    ):
        history.setdefault((scheme, customer), []).append((day, segment))
    days = month_ends(uci_net)
    expected = []
    for (scheme, customer), seen in history.items():
        if seen[-1][0] != days[-1]:
            continue
        segments = dict(seen)
        present = seen[-1][1]
        before = [None, *(segments.get(day) for day in days[:-1])]
        entries = [
            day
            for day, earlier in zip(days, before, strict=True)
            if segments.get(day) == present != earlier
        ]
        changes = sum(a != b for (_, a), (_, b) in pairwise(seen))
        since = entries[-1]
        expected.append(
            (
                scheme, customer, days[-1], present, since, (days[-1] - since).days,
                len(entries) - 1, changes,
            )
        )  # fmt: skip
    found = uci_net.marts("select * from rfm.fct_segment_tenures order by scheme, customer_id")
    assert found == sorted(expected)


def test_frozen_cuts_are_those_of_the_reference(both_cuts: CompiledBuild, build: Builder) -> None:
    frozen = both_cuts.marts(
        "select distinct scheme, measure, score, lower_bound, upper_bound, fitted_date "
        "from rfm.dim_rfm_cuts where ends_with(scheme, '_frozen') order by all"
    )
    assert {row[0] for row in frozen} == {"quintile_frozen", "mean_split_frozen"}
    assert {row[-1] for row in frozen} == {REFERENCE}
    refitted = small_shop(build).marts(
        "select scheme || '_frozen', measure, score, lower_bound, upper_bound, fitted_date "
        "from rfm.dim_rfm_cuts where scheme <> 'fixed_bands' and snapshot_date = ? order by all",
        [REFERENCE],
    )
    assert frozen == refitted


def test_frozen_schemes_have_the_segments_of_their_own(both_cuts: CompiledBuild) -> None:
    assert len(month_ends(both_cuts)) <= 7
    for scheme in ("quintile", "mean_split"):
        segments = [
            both_cuts.marts(
                "select snapshot_date, segment, segment_order from rfm.rpt_segments "
                "where scheme = ? order by all",
                [name],
            )
            for name in (scheme, f"{scheme}_frozen")
        ]
        assert segments[0] == segments[1] != []


def test_frozen_cuts_need_a_month_end() -> None:
    for options in (
        {"rfm_cuts": "frozen"},
        {"rfm_cuts": "both", "rfm_reference_snapshot": date(2024, 1, 30)},
    ):
        with pytest.raises(ValidationError, match="month"):
            Settings(**options)


def test_a_reference_outside_the_data_is_found(
    both_cuts: CompiledBuild, frozen_and_refitted: tuple[SmallWarehouse, dict[str, str]]
) -> None:
    """Where no month ends at it, and where nobody has bought by then."""
    check = frozen_and_refitted[1][REFERENCE_CHECK]
    assert "rfm_reference_snapshot: set it to" in check
    assert both_cuts.marts(check) == []
    for table, column in (
        ("lifecycle.dim_months", "order_month"),
        ("rfm.fct_rfm_intervals", "valid_from"),
    ):
        kept = both_cuts.marts(f"from marts.{table}")
        assert kept
        both_cuts.marts(f"create table marts.main.kept as from marts.{table}")
        both_cuts.marts(f"delete from marts.{table} where {column} <= '{REFERENCE}'")
        assert both_cuts.marts(check) == [(REFERENCE,)]
        both_cuts.marts(f"delete from marts.{table}")
        both_cuts.marts(f"insert into marts.{table} from marts.main.kept")
        both_cuts.marts("drop table marts.main.kept")
    assert both_cuts.marts(check) == []


@cache
def _scored(several: tuple[int, ...]) -> dict[int, SmallWarehouse]:
    """The scoring models of a made-up snapshot by number of bins, the median among the schemes."""
    names = {bins: f"bins_{bins}" for bins in several}
    made = small_warehouses(
        {name: {"rfm_quantile_bins": bins} for bins, name in names.items()}, SCORING_MODELS
    )
    for warehouse in made.values():
        warehouse.con.execute(
            "insert into seeds.rfm_schemes select 'median_split', 'median', * exclude "
            "(scheme, method) from seeds.rfm_schemes where scheme = 'mean_split'; "
            "insert into seeds.rfm_segments select 'median_split', * exclude (scheme) "
            "from seeds.rfm_segments where scheme = 'mean_split'"
        )
        warehouse.con.execute(MADE_UP_SNAPSHOT)
        warehouse.build({}, SCORING_MODELS)
    return {bins: made[name] for bins, name in names.items()}


@pytest.mark.parametrize("bins", EVERY_BINS)
def test_every_cell_has_one_segment(bins: int) -> None:
    warehouse = _scored(SOME_BINS if bins in SOME_BINS else OTHER_BINS)[bins]
    cells = warehouse.rows("dim_rfm_cells", "scheme, r_score, f_score, m_score, rfm_code, segment")
    ranges = {
        "quintile": range(1, bins + 1),
        "mean_split": range(2),
        "median_split": range(2),
        "fixed_bands": range(1, 6),
    }
    expected = {
        (scheme, r, f, m)
        for scheme, scores in ranges.items()
        for r in scores
        for f in scores
        for m in scores
    }
    assert len(cells) == len(expected) == len({(row[0], row[4]) for row in cells})
    assert {row[:4] for row in cells} == expected
    assert None not in {row[5] for row in cells}


@pytest.mark.parametrize("bins", EVERY_BINS)
def test_every_value_has_one_score(bins: int) -> None:
    """On every cut, one step beside it, and anywhere: one published band holds the value."""
    warehouse = _scored(SOME_BINS if bins in SOME_BINS else OTHER_BINS)[bins]
    con = warehouse.con
    cuts: dict[tuple[str, str], list[tuple[int, float | None, float | None, bool]]] = {}
    for scheme, measure, *band in warehouse.rows(
        "dim_rfm_cuts",
        "scheme, measure, score, lower_bound, upper_bound, is_lower_bound_included",
    ):
        cuts.setdefault((scheme, measure), []).append(tuple(band))
    anywhere = random.Random(bins)
    values: dict[str, set[Any]] = {
        "recency_days": {0, *(anywhere.randrange(4_000) for _ in range(200))},
        "frequency": {0, *(anywhere.randrange(60) for _ in range(40))},
        "monetary": {Decimal(anywhere.randrange(-(10**7), 10**9)) / 10_000 for _ in range(200)},
    }
    for (_, measure), bands in cuts.items():
        step = Decimal("0.0001") if measure == "monetary" else 1
        for cut in {bound for _, *bounds, _ in bands for bound in bounds if bound is not None}:
            nearest = round(Decimal(cut), 4) if measure == "monetary" else int(cut)
            values[measure] |= {nearest - step, nearest, nearest + step}
    columns = {measure: sorted(found) for measure, found in values.items()}
    rows = [
        (SNAPSHOT_DAY, str(i), *(column[i % len(column)] for column in columns.values()))
        for i in range(max(map(len, columns.values())))
    ]
    con.execute(f"delete from {SNAPSHOTS_RELATION}")
    con.executemany(f"insert into {SNAPSHOTS_RELATION} values (?, ?, ?, ?, ?)", rows)
    found = {
        (scheme, customer): scores
        for scheme, customer, *scores in warehouse.rows(
            "fct_rfm_scores", "scheme, customer_id, r_score, f_score, m_score"
        )
    }
    schemes = {scheme for scheme, _ in cuts}
    assert schemes == {"quintile", "mean_split", "median_split", "fixed_bands"}
    assert len(found) == len(schemes) * len(rows)
    for scheme in schemes:
        for _, customer, *measured in rows:
            holding = [
                [band[0] for band in cuts[scheme, measure] if _holds(band, float(value))]
                for measure, value in zip(columns, measured, strict=True)
            ]
            assert holding == [[score] for score in found[scheme, customer]], measured


def _holds(band: tuple[int, float | None, float | None, bool], value: float) -> bool:
    """Bands are half open; which end belongs to them is said of the lower one."""
    _, lower, upper, is_lower_bound_included = band
    if is_lower_bound_included:
        return (lower is None or lower <= value) and (upper is None or value < upper)
    return (lower is None or lower < value) and (upper is None or value <= upper)
