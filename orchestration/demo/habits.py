"""How customers shop: from when to when and how often; the groups that the truth names.

Belongs here: the hidden habits that orders are drawn from, and planted groups of customers who
differ in them. Does not belong here: the moments of the orders (``population``).

Without planted groups a customer's rate and life are drawn from smooth distributions, and the
groups are the kinds that the draw knows: ``prospect`` (never buys), ``one_time``, ``departed``
(stopped before the end) and ``continuing``. A customer of any kind may still have no order.

Planted groups are five kinds of customers with a clear distance between them, each with the same
habits but for chance: what a clustering ought to find again.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.demo.calendar import FloatArray, IntArray, ShopCalendar
from orchestration.demo.matching import BoolArray

_PROSPECT_SHARE = 0.07
_ESTABLISHED_SHARE = 0.25
_ONE_TIME_SHARE = 0.36
_MEAN_LIFE_MONTHS = 15.0
#: Rates of a planted group are gamma with this shape: a standard deviation of a quarter.
_RATE_SHAPE = 16.0


@dataclass(frozen=True)
class PlantedGroup:
    """One kind of customer; times are parts of the shop's time."""

    name: str
    share: float
    #: The first order falls between these.
    arrives: tuple[float, float]
    #: No order after this.
    leaves: float
    #: Orders per average month after the first one.
    rate: float
    #: Factor on what an order is worth.
    spend: float


PLANTED_GROUPS = (
    PlantedGroup("core", 0.10, (0.0, 0.2), 1.0, 4.0, 5.0),
    PlantedGroup("regular", 0.30, (0.0, 0.3), 1.0, 0.6, 1.0),
    PlantedGroup("win_back", 0.17, (0.0, 0.1), 0.5, 0.8, 1.8),
    PlantedGroup("newcomer", 0.15, (0.94, 0.999), 1.0, 0.0, 0.7),
    PlantedGroup("one_time", 0.28, (0.1, 0.6), 1.0, 0.0, 0.6),
)
DRAWN_GROUPS = ("prospect", "one_time", "departed", "continuing")
#: All groups by their code: those that are drawn anyway, then the planted ones.
GROUP_NAMES = (*DRAWN_GROUPS, *(f"planted_{group.name}" for group in PLANTED_GROUPS))


@dataclass(frozen=True)
class Habits:
    """Of one block of customers; every array has one element per customer."""

    #: Whether a first order falls on the arrival.
    has_first_order: BoolArray
    #: In average months of demand since the first day.
    arrival: FloatArray
    leave: FloatArray
    #: Orders expected between arrival and leave, after the first one.
    later_orders: FloatArray
    #: Factor on what an order is worth.
    spend: FloatArray
    #: Place in GROUP_NAMES.
    group: IntArray


def draw_habits(
    rng: np.random.Generator, calendar: ShopCalendar, first_customer: int, count: int
) -> Habits:
    """Habits of ``count`` customers from ``first_customer`` on.

    A customer first buys when they arrive, then at a rate of their own (gamma) until they drop out
    (exponential); about a third buy once only, some never. Established customers bought before
    the data begins. The very first customer of a shop always buys.
    """
    full = calendar.demand[-1]
    is_buyer = rng.random(count) >= _PROSPECT_SHARE
    is_buyer[0] |= first_customer == 0
    is_established = rng.random(count) < _ESTABLISHED_SHARE
    is_established[0] &= first_customer != 0
    arrival = np.where(is_established, 0.0, rng.random(count) * full)
    life = rng.exponential(_MEAN_LIFE_MONTHS, count) * rng.gamma(2.0, 0.5, count)
    leave = np.minimum(arrival + life, full)
    rate = rng.gamma(1.1, 0.54, count)
    is_one_time = rng.random(count) < _ONE_TIME_SHARE
    expected = np.where(is_buyer & ~is_one_time, rate * (leave - arrival), 0.0)
    group = np.select([~is_buyer, is_one_time, leave < full], [0, 1, 2], 3).astype(np.int64)
    return Habits(is_buyer & ~is_established, arrival, leave, expected, np.ones(count), group)


def draw_planted_habits(
    rng: np.random.Generator, calendar: ShopCalendar, drawn_spend: FloatArray
) -> Habits:
    """Habits of customers who fall into PLANTED_GROUPS; all of them buy.

    Args:
        drawn_spend: the customers' own factors on what they spend, whose spread is halved.
    """
    count = len(drawn_spend)
    limits = np.cumsum([group.share for group in PLANTED_GROUPS])
    place = np.searchsorted(limits / limits[-1], rng.random(count), side="right")

    def by_group(values: list[float]) -> FloatArray:
        return np.asarray(values)[place]

    full = calendar.demand[-1]
    earliest = by_group([group.arrives[0] for group in PLANTED_GROUPS])
    latest = by_group([group.arrives[1] for group in PLANTED_GROUPS])
    arrival = full * (earliest + (latest - earliest) * rng.random(count))
    leave = np.maximum(full * by_group([group.leaves for group in PLANTED_GROUPS]), arrival)
    rate = by_group([group.rate for group in PLANTED_GROUPS])
    rate = rate * rng.gamma(_RATE_SHAPE, 1.0 / _RATE_SHAPE, count)
    spend = by_group([group.spend for group in PLANTED_GROUPS]) / np.sqrt(drawn_spend)
    return Habits(
        np.ones(count, dtype=bool),
        arrival,
        leave,
        rate * (leave - arrival),
        spend,
        len(DRAWN_GROUPS) + place.astype(np.int64),
    )


def group_frame(first_customer: int, habits: Habits) -> pd.DataFrame:
    """customer_number and customer_group of one block."""
    names = np.asarray(GROUP_NAMES, dtype=object)
    numbers = first_customer + np.arange(len(habits.group))
    return pd.DataFrame({"customer_number": numbers, "customer_group": names[habits.group]})
