"""What customers do besides buying: visits in which they view, put into the cart, mark favourites.

Belongs here: the interest of each group of customers, the events of one block, and what is true of
them. Does not belong here: orders, and how events are written (``files``).

Events are drawn from a stream of random numbers of their own: a shop with events has the orders of
the shop without.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from orchestration.demo.calendar import DAY_SECONDS, FloatArray, IntArray, ShopCalendar
from orchestration.demo.catalogue import PRODUCT_COUNT, Catalogue
from orchestration.demo.habits import DRAWN_GROUPS, Habits

EVENT_TYPES = ("view", "cart", "fav", "order")
_VIEW, _CART, _FAV, _ORDER = range(len(EVENT_TYPES))
#: Every so many events one stands in its file twice.
EVENT_COPY_EVERY = 400
#: Days that the truth looks back, as the models do by default.
TRUTH_WINDOW_DAYS = 365

#: Seconds from one view to the next in a visit at most.
_PACE_SECONDS = 90
_EPOCH = date(1970, 1, 1)
#: Spread of the dwell times around their middle, as that of a logarithm.
_DWELL_SPREAD = 0.5


@dataclass(frozen=True)
class Interest:
    """How a group of customers looks around."""

    #: Visits per average month.
    visits: float
    #: Products viewed in a visit.
    views: float
    #: Part of the views after which the product is put into the cart, or marked as a favourite.
    cart: float
    fav: float
    #: Seconds spent on a product, in the middle.
    dwell: float


#: By place in ``habits.GROUP_NAMES``; the planted ones are as far apart as their orders.
_INTERESTS = (
    Interest(0.3, 4.0, 0.03, 0.06, 25.0),
    Interest(0.2, 3.0, 0.08, 0.04, 25.0),
    Interest(0.5, 4.0, 0.14, 0.06, 35.0),
    Interest(0.7, 4.0, 0.16, 0.08, 40.0),
    Interest(3.0, 4.0, 0.40, 0.05, 60.0),
    Interest(1.2, 3.0, 0.12, 0.02, 30.0),
    Interest(1.8, 4.0, 0.30, 0.10, 45.0),
    Interest(11.0, 6.0, 0.06, 0.30, 90.0),
    Interest(0.3, 2.0, 0.05, 0.01, 15.0),
)
#: Rates of customers are gamma with this shape: those of drawn groups spread, planted ones hardly.
_DRAWN_SHAPE, _PLANTED_SHAPE = 1.5, 16.0

_TRUTH_COUNTS = ("view_count", "cart_count", "fav_count")


def event_file(month_name: str) -> str:
    """Name of the file with the events of a month (``YYYY-MM``)."""
    return f"events_{month_name}.csv"


def draw_events(
    rng: np.random.Generator,
    calendar: ShopCalendar,
    catalogue: Catalogue,
    habits: Habits,
    sales: pd.DataFrame,
) -> pd.DataFrame:
    """The events of one block of customers, in time order.

    Customers visit between arrival and leave, and before each order.

    Args:
        rng: a stream that nothing else is drawn from.
        calendar: no event lies outside of it.
        catalogue: what is viewed.
        habits: of the customers of the block.
        sales: sale lines of the block: customer (position, below 0 for guests), order_no, second,
            product.

    Returns:
        columns event (from 0), customer (position in the block), second, month, event_type (place
        in EVENT_TYPES), product (code), visit (from 0), dwell (seconds; 0 where none was taken).
    """
    views = _looking_around(rng, calendar, catalogue, habits)
    bought = sales[(sales["customer"] >= 0) & (sales["product"] < PRODUCT_COUNT)]
    bought = bought.drop_duplicates("order_no")
    before = rng.integers(60, 600, len(bought))
    ordered = pd.DataFrame(
        {
            "customer": bought["customer"].to_numpy(),
            "second": bought["second"].to_numpy() - before,
            "product": bought["product"].to_numpy(),
            "visit": int(views["visit"].max() + 1 if len(views) else 0) + np.arange(len(bought)),
            "dwell": _dwell(rng, habits, bought["customer"].to_numpy()),
            "is_cart": True,
            "is_fav": False,
        }
    )
    viewed = pd.concat([views, ordered], ignore_index=True)
    parts = [
        viewed.assign(event_type=_VIEW),
        viewed[viewed["is_cart"]].assign(event_type=_CART, dwell=0),
        viewed[viewed["is_fav"]].assign(event_type=_FAV, dwell=0),
        ordered.assign(event_type=_ORDER, dwell=0, second=bought["second"].to_numpy()),
    ]
    events = pd.concat(parts, ignore_index=True)
    later = np.asarray([0, 20, 10, 0])[events["event_type"].to_numpy()]
    events["second"] = np.maximum(events["second"] + later, calendar.first_second)
    events = events[events["second"] < calendar.end_second]
    events = events.sort_values(["second", "customer", "event_type", "visit"], ignore_index=True)
    events["month"] = calendar.months_at(events["second"].to_numpy())
    events["event"] = np.arange(len(events))
    return events[
        ["event", "customer", "second", "month", "event_type", "product", "visit", "dwell"]
    ]


def behaviour_truth(
    calendar: ShopCalendar, events: pd.DataFrame, first_customer: int
) -> pd.DataFrame:
    """What each customer of a block did up to the last date.

    Returns:
        customer_number, event_count, view_count, cart_count, fav_count, active_days and
        dwell_seconds (all within TRUTH_WINDOW_DAYS up to the last date) and last_event_day (days
        since 1970); of customers with an event.
    """
    day = events["second"] // DAY_SECONDS
    last_day = (calendar.last_date - _EPOCH).days
    known = events.assign(day=day)
    last = known.groupby("customer")["day"].max()
    recent = known[known["day"] > last_day - TRUTH_WINDOW_DAYS]
    counts = {
        name: recent[recent["event_type"] == code].groupby("customer").size()
        for code, name in enumerate(_TRUTH_COUNTS)
    }
    table = pd.DataFrame(
        {
            "event_count": recent.groupby("customer").size(),
            **counts,
            "active_days": recent.groupby("customer")["day"].nunique(),
            "dwell_seconds": recent.groupby("customer")["dwell"].sum(),
        },
        index=last.index,
    )
    table = table.fillna(0).astype(np.int64).assign(last_event_day=last)
    table.insert(0, "customer_number", table.index + first_customer)
    return table.reset_index(drop=True)


def _looking_around(
    rng: np.random.Generator, calendar: ShopCalendar, catalogue: Catalogue, habits: Habits
) -> pd.DataFrame:
    """One row per view of the visits that lead to no order."""
    is_planted = habits.group >= len(DRAWN_GROUPS)
    shape = np.where(is_planted, _PLANTED_SHAPE, _DRAWN_SHAPE)
    rate = _of_group(habits, "visits") * rng.gamma(shape, 1.0 / shape)
    visits = rng.poisson(rate * (habits.leave - habits.arrival))
    customer = np.repeat(np.arange(len(visits)), visits)
    span = (habits.leave - habits.arrival)[customer]
    start = calendar.moments(rng, habits.arrival[customer] + rng.random(len(customer)) * span)
    depth = 1 + rng.poisson(_of_group(habits, "views")[customer] - 1.0)
    visit = np.repeat(np.arange(len(customer)), depth)
    who = customer[visit]
    place = np.arange(len(visit)) - np.repeat(np.cumsum(depth) - depth, depth)
    return pd.DataFrame(
        {
            "customer": who,
            "second": start[visit]
            + place * _PACE_SECONDS
            + rng.integers(0, _PACE_SECONDS // 2, len(visit)),
            "product": catalogue.pick(rng, len(visit)),
            "visit": visit,
            "dwell": _dwell(rng, habits, who),
            "is_cart": rng.random(len(visit)) < _of_group(habits, "cart")[who],
            "is_fav": rng.random(len(visit)) < _of_group(habits, "fav")[who],
        }
    )


def _dwell(rng: np.random.Generator, habits: Habits, customer: IntArray) -> IntArray:
    """Whole seconds, at least 1."""
    middle = _of_group(habits, "dwell")[customer]
    seconds = middle * rng.lognormal(0.0, _DWELL_SPREAD, len(customer))
    return np.maximum(np.round(seconds), 1).astype(np.int64)


def _of_group(habits: Habits, name: str) -> FloatArray:
    """A figure of each customer's group; shape (customers,)."""
    return np.asarray([getattr(interest, name) for interest in _INTERESTS])[habits.group]
