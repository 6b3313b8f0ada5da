"""Reference, step 5: snapshots at every month end, segments, migration and the revenue walk.

Belongs here: what is said of several snapshots, counted customer by customer. Does not belong here:
recency, frequency and monetary of one snapshot (reference_customers.py), scores
(reference_scores.py).

The segments are written out as rules here and not read from the seed.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tests.reference_customers import (
    BUYING_STATES,
    RfmRow,
    amounts_without_order,
    last_day,
    months_between,
    rfm_snapshot,
)
from tests.reference_lines import ZERO
from tests.reference_model import Reference
from tests.reference_scores import (
    Scores,
    fixed_band_scores,
    mean_split_scores,
    quintile_scores,
)

Rows = list[tuple[Any, ...]]

#: Segments of each scheme, the best first.
SEGMENTS = {
    "quintile": (
        "champions", "loyal", "potential_loyalist", "new_customers", "promising",
        "need_attention", "about_to_sleep", "at_risk", "cannot_lose", "hibernating", "lost",
    ),
    "mean_split": (
        "important_value", "important_develop", "important_keep", "important_win_back",
        "general_value", "general_develop", "general_keep", "general_win_back",
    ),
    "fixed_bands": ("high_value", "potential", "general", "churned"),
}  # fmt: skip
MOVEMENTS = ("new", "lost", "moved_up", "moved_down", "same_segment", "outside")


@dataclass(frozen=True)
class Snapshot:
    """One snapshot: its customers, their scores and segments by scheme."""

    day: date
    rfm: dict[str, RfmRow]
    scores: dict[str, list[Scores]]
    segments: dict[str, dict[str, str]]


def segment_of(scheme: str, scores: Scores, bins: int) -> str:
    """Segment of three scores; quantile scores are scaled to five levels first."""
    r, f, m = scores.r_score, scores.f_score, scores.m_score
    if scheme == "fixed_bands":
        total = r + f + m
        places = [total > 12, total >= 9, total >= 6, True]
        return SEGMENTS[scheme][places.index(True)]
    if scheme == "mean_split":
        return SEGMENTS[scheme][4 * (1 - m) + 2 * (1 - r) + (1 - f)]
    r, f, m = (math.ceil(score * 5 / bins) for score in (r, f, m))
    return _quintile_segment(r, f + m)


def _quintile_segment(r: int, fm: int) -> str:
    if r >= 4:
        if fm >= 9:
            return "champions"
        if fm >= 7:
            return "loyal"
        if fm >= 5:
            return "potential_loyalist"
        return "new_customers" if r == 5 else "promising"
    if r == 3:
        if fm >= 7:
            return "loyal"
        return "need_attention" if fm >= 5 else "about_to_sleep"
    if fm >= 9:
        return "cannot_lose"
    if fm >= 6:
        return "at_risk"
    return "hibernating" if r == 2 or fm >= 4 else "lost"


def snapshots(reference: Reference) -> list[Snapshot]:
    """The snapshots of every month: its end, or the as-of date in the last one."""
    if not reference.lines or reference.as_of_date is None:
        return []
    options = reference.options
    first = min(line.order_date for line in reference.lines)
    found = []
    for month in months_between(first, reference.as_of_date):
        day = min(last_day(month), reference.as_of_date)
        rows = rfm_snapshot(reference.lines, reference.matches, day, options)
        scores = {
            "quintile": quintile_scores(rows, options.rfm_quantile_bins),
            "mean_split": mean_split_scores(rows),
            "fixed_bands": fixed_band_scores(rows),
        }
        segments = {
            scheme: {
                one.customer_id: segment_of(scheme, one, options.rfm_quantile_bins) for one in some
            }
            for scheme, some in scores.items()
        }
        found.append(Snapshot(day, {row.customer_id: row for row in rows}, scores, segments))
    return found


def expected_history(reference: Reference) -> dict[str, tuple[str, Rows]]:
    """Tables of the RFM history: the columns compared and the rows they must have."""
    days = snapshots(reference)
    bins = reference.options.rfm_quantile_bins
    return {
        "fct_rfm_snapshots": (
            "snapshot_date, customer_id, recency_days, frequency, monetary",
            [
                (one.day, row.customer_id, row.recency_days, row.frequency, row.monetary)
                for one in days
                for row in one.rfm.values()
            ],
        ),
        "fct_rfm_scores": (
            "snapshot_date, scheme, customer_id, r_score, f_score, m_score, rfm_code, segment",
            [
                (
                    one.day, scheme, row.customer_id, row.r_score, row.f_score, row.m_score,
                    row.rfm_code(bins), one.segments[scheme][row.customer_id],
                )
                for one in days
                for scheme, rows in one.scores.items()
                for row in rows
            ],
        ),
        "rpt_segments": (
            "snapshot_date, scheme, segment, segment_order, customers, revenue, "
            "mean_recency_days, mean_frequency",
            [row for one in days for row in _segment_rows(one)],
        ),
        "rpt_segment_migration": (
            "scheme, from_snapshot, to_snapshot, from_segment, to_segment, customers, "
            "revenue_before, revenue_after",
            [row for before, after in pairwise(days) for row in _migration(before, after)],
        ),
        # Who is outside both snapshots is told by the money alone.
        "rpt_revenue_walk": (
            "scheme, from_snapshot, to_snapshot, movement, "
            "case when movement <> 'outside' then customers end, revenue_before, revenue_after",
            _walk(reference, days),
        ),
    }  # fmt: skip


def _segment_rows(snapshot: Snapshot) -> Rows:
    rows: Rows = []
    for scheme, names in SEGMENTS.items():
        for place, name in enumerate(names, start=1):
            own = [
                snapshot.rfm[customer]
                for customer, segment in snapshot.segments[scheme].items()
                if segment == name
            ]
            rows.append(
                (
                    snapshot.day, scheme, name, place, len(own),
                    sum((row.monetary for row in own), ZERO),
                    _mean([row.recency_days for row in own]),
                    _mean([row.frequency for row in own]),
                )
            )  # fmt: skip
    return rows


def _mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _migration(before: Snapshot, after: Snapshot) -> Rows:
    rows: Rows = []
    for scheme in SEGMENTS:
        customers: Counter[tuple[str, str]] = Counter()
        money: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        earlier, later = before.segments[scheme], after.segments[scheme]
        for customer in earlier.keys() | later.keys():
            pair = (earlier.get(customer, "entered"), later.get(customer, "left"))
            customers[pair] += 1
            if customer in earlier:
                money[pair][0] += before.rfm[customer].monetary
            if customer in later:
                money[pair][1] += after.rfm[customer].monetary
        rows += [
            (scheme, before.day, after.day, *pair, count, *money[pair])
            for pair, count in customers.items()
        ]
    return rows


def _walk(reference: Reference, days: list[Snapshot]) -> Rows:
    money = _revenue_by_month(reference)
    bought = {
        (row.customer_id, row.order_month) for row in reference.months if row.state in BUYING_STATES
    }
    everybody = {customer for customer, _ in money}
    rows: Rows = []
    for before, after in pairwise(days):
        first, second = before.day.replace(day=1), after.day.replace(day=1)
        for scheme, names in SEGMENTS.items():
            earlier, later = before.segments[scheme], after.segments[scheme]
            count: Counter[str] = Counter()
            revenue: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
            for customer in everybody | earlier.keys() | later.keys():
                lapsed = (customer, first) in bought and (customer, second) not in bought
                movement = _movement(names, earlier.get(customer), later.get(customer), lapsed)
                count[movement] += 1
                revenue[movement][0] += money[customer, first]
                revenue[movement][1] += money[customer, second]
            rows += [
                (
                    scheme, before.day, after.day, movement,
                    None if movement == "outside" else count[movement], *revenue[movement],
                )
                for movement in MOVEMENTS
            ]  # fmt: skip
    return rows


def _movement(names: tuple[str, ...], before: str | None, after: str | None, lapsed: bool) -> str:
    if before is None:
        return "outside" if after is None else "new"
    if after is None or lapsed:
        return "lost"
    if before == after:
        return "same_segment"
    return "moved_up" if names.index(after) < names.index(before) else "moved_down"


def _revenue_by_month(reference: Reference) -> dict[tuple[str, date], Decimal]:
    money: dict[tuple[str, date], Decimal] = defaultdict(lambda: ZERO)
    for order in reference.orders:
        for day, amount in order.amounts(reference.options):
            if order.customer_id is not None:
                money[order.customer_id, day.replace(day=1)] += amount
    for customer in {line.customer_id for line in reference.lines}:
        if customer is not None:
            for day, amount in amounts_without_order(
                reference.lines, reference.matches, customer, reference.options
            ):
                money[customer, day.replace(day=1)] += amount
    return money
