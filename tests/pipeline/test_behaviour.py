"""What customers did besides buying, at every snapshot, against a slow count of the events.

Belongs here: behaviour per customer and date. Does not belong here: clusters made of it
(``test_behaviour_clusters.py``), and incremental builds (``test_incremental_histories.py``, whose
histories have events).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compiled_models import SmallWarehouse, small_warehouse
from tests.compiling import VARIANTS
from tests.reference_comparison import Rows, in_order
from tests.reference_strategies import PIPELINE

_FIRST = datetime(2024, 1, 20, 12)
#: One order each of two customers, which span the months; others have events alone.
_LINES = [
    {
        "order_id": f"o{number}",
        "line_number": 1,
        "product_id": "P1",
        "ordered_at": moment,
        "quantity": 1,
        "unit_price": 5,
        "customer_id": customer,
    }
    for number, (customer, moment) in enumerate(
        (("ada", _FIRST), ("bo", datetime(2024, 6, 10, 12)))
    )
]
_TARGETS = ("fct_behaviour_snapshots", "fct_behaviour_intervals", "dim_snapshots")
_TYPES = ("view", "click", "cart", "fav", "order", "payment", "review")
#: Days from the first order: the edges of windows of 30 and 365 days at several snapshots.
_DAYS = (
    -400,
    -354,
    -353,
    -294,
    -293,
    -224,
    -223,
    -30,
    -20,
    -19,
    0,
    10,
    11,
    12,
    41,
    71,
    112,
    142,
    160,
)


@dataclass(frozen=True)
class _Event:
    customer_id: str
    event_type: str
    occurred_at: datetime
    dwell_seconds: float | None
    event_id: str

    def row(self) -> dict[str, Any]:
        return {"product_id": "P1", **vars(self)}


_events = st.lists(
    st.builds(
        lambda customer, kind, day, hour, dwell: _Event(
            customer,
            kind,
            _FIRST + timedelta(days=day, hours=hour),
            dwell,
            f"{customer}{kind}{day}{hour}{dwell}",
        ),
        st.sampled_from(("ada", "bo", "cy")),
        st.sampled_from(_TYPES),
        st.sampled_from(_DAYS),
        # The day in New York begins five or four hours after that of UTC.
        st.sampled_from((0, -9, -7, 11)),
        st.sampled_from((None, 0.0, 2.5, 33.3333)),
    ),
    max_size=14,
)


def _build(warehouse: SmallWarehouse, events: Sequence[_Event]) -> None:
    rows = {"order_lines": _LINES, "events": [event.row() for event in events]}
    warehouse.build({"customers": [], "products": [], "corrections": [], **rows}, _TARGETS)


def _found(warehouse: SmallWarehouse, until: date = date(9999, 1, 1)) -> Rows:
    columns = (
        "snapshot_date, customer_id, last_event_date, event_recency_days, event_count, view_count, "
        "click_count, cart_count, fav_count, review_count, active_days, round(cart_rate, 9), "
        "round(avg_dwell_seconds, 9)"
    )
    where = f"snapshot_date <= date '{until}'"
    return in_order(warehouse.rows("fct_behaviour_snapshots", columns, where))


def _expected(warehouse: SmallWarehouse, events: Sequence[_Event], variant: str) -> Rows:
    """Every snapshot counted by itself from the events up to it."""
    zone = ZoneInfo(VARIANTS[variant].get("shop_timezone", "UTC"))
    window = VARIANTS[variant].get("rfm_window_days", 365)
    as_of = max(day for (day,) in warehouse.rows("dim_snapshots", "snapshot_date"))
    dated = [
        (event, event.occurred_at.replace(tzinfo=UTC).astimezone(zone).date())
        for event in {event.event_id: event for event in events}.values()
    ]
    rows: Rows = []
    for (day,) in warehouse.rows("dim_snapshots", "snapshot_date"):
        for customer in {event.customer_id for event in events}:
            own = [
                (event, own_day)
                for event, own_day in dated
                if event.customer_id == customer and own_day <= min(day, as_of)
            ]
            if not own:
                continue
            last = max(own_day for _, own_day in own)
            seen = [
                (event, own_day)
                for event, own_day in own
                if not window or own_day > day - timedelta(days=window)
            ]
            kinds = [event.event_type for event, _ in seen]
            stays = [e.dwell_seconds for e, _ in seen if e.dwell_seconds is not None]
            rows.append(
                (
                    day,
                    customer,
                    last,
                    (day - last).days,
                    len(seen),
                    *(kinds.count(kind) for kind in ("view", "click", "cart", "fav", "review")),
                    len({own_day for _, own_day in seen}),
                    round(kinds.count("cart") / len(seen), 9) if seen else None,
                    round(sum(stays) / len(stays), 9) if stays else None,
                )
            )
    return in_order(rows)


@pytest.mark.parametrize(("variant", "examples"), [("net", 15), ("elsewhere", 15), ("article", 5)])
def test_every_snapshot_counts_the_events_up_to_it(variant: str, examples: int) -> None:
    warehouse = small_warehouse(variant)

    @settings(PIPELINE, max_examples=examples)
    @given(events=_events, again=st.integers(0, 13))
    def compare(events: list[_Event], again: int) -> None:
        # One record lands twice.
        _build(warehouse, [*events, *events[again : again + 1]])
        assert _found(warehouse) == _expected(warehouse, events, variant)

    compare()


@pytest.mark.parametrize("variant", ["net", "elsewhere"])
def test_later_events_change_nothing_at_earlier_snapshots(variant: str) -> None:
    warehouse = small_warehouse(variant)
    zone = ZoneInfo(VARIANTS[variant].get("shop_timezone", "UTC"))

    @settings(PIPELINE, max_examples=10)
    @given(events=_events, month=st.integers(1, 6))
    def compare(events: list[_Event], month: int) -> None:
        day = date(2024, month + 1, 1) - timedelta(days=1)
        _build(warehouse, events)
        whole = _found(warehouse, day)
        early = [
            event
            for event in events
            if event.occurred_at.replace(tzinfo=UTC).astimezone(zone).date() <= day
        ]
        _build(warehouse, early)
        assert _found(warehouse, day) == whole

    compare()


def test_without_events_the_tables_are_empty() -> None:
    warehouse = small_warehouse("net")
    _build(warehouse, [])
    assert warehouse.rows("fct_behaviour_intervals", "*") == []
    assert _found(warehouse) == []
