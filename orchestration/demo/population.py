"""Who shops: how much, where, and the moments of their orders.

Belongs here: the hidden traits of customers and the moments of their orders. Does not belong
here: how often and from when to when they shop (``habits``), and what is in an order.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from orchestration.demo.calendar import DAY_SECONDS, FloatArray, IntArray, ShopCalendar
from orchestration.demo.habits import Habits

COUNTRIES = (
    "United Kingdom",
    "Germany",
    "France",
    "EIRE",
    "Spain",
    "Netherlands",
    "Belgium",
    "Portugal",
)
_COUNTRY_SHARES = (0.82, 0.045, 0.04, 0.035, 0.02, 0.02, 0.01, 0.01)
REGIONS = ("North", "East", "South", "West", "Midlands", "Scotland", "Wales", "Abroad")
CHANNELS = ("website", "app", "marketplace", "store")
_CHANNEL_SHARES = (0.46, 0.27, 0.17, 0.10)
PLATFORMS = ("desktop", "mobile web", "ios", "android", "")

_GUEST_ORDER_SHARE = 0.06


@dataclass(frozen=True)
class Population:
    """Traits of one block of customers; every array has one element per customer."""

    #: Number of the first customer of the block; ids are consecutive from there.
    first_customer: int
    #: Factor on what a customer spends, 1 in the middle.
    spend: FloatArray
    country: IntArray
    channel: IntArray


def draw_population(rng: np.random.Generator, first_customer: int, count: int) -> Population:
    """Spend, country and favourite channel of ``count`` customers."""
    return Population(
        first_customer,
        rng.lognormal(0.0, 0.65, count),
        _choose(rng, _COUNTRY_SHARES, count),
        _choose(rng, _CHANNEL_SHARES, count),
    )


def draw_orders(
    rng: np.random.Generator, calendar: ShopCalendar, people: Population, habits: Habits
) -> pd.DataFrame:
    """One row per order of the block, in time order, guests among them.

    Returns:
        columns customer (position in the block, -1 for a guest), second, spend, country, channel,
        platform.
    """
    count = len(people.spend)
    full = calendar.demand[-1]
    arrival, leave = habits.arrival, habits.leave
    later = rng.poisson(habits.later_orders)

    first = np.flatnonzero(habits.has_first_order)
    again = np.repeat(np.arange(count), later)
    place = arrival[again] + rng.random(len(again)) * (leave - arrival)[again]
    customer = np.concatenate([first, again])
    demand = np.concatenate([arrival[first], place])

    guests = int(np.ceil(_GUEST_ORDER_SHARE * len(customer))) if len(customer) > 1 else 0
    demand = np.concatenate([demand, rng.random(guests) * full])
    is_guest = np.arange(len(demand)) >= len(customer)
    customer = np.concatenate([customer, np.full(guests, -1, dtype=np.int64)])
    channel = np.where(
        is_guest | (rng.random(len(demand)) < 0.25),
        _choose(rng, _CHANNEL_SHARES, len(demand)),
        people.channel[customer],
    )
    orders = pd.DataFrame(
        {
            "customer": customer,
            "second": calendar.moments(rng, demand),
            "spend": np.where(is_guest, 0.8, (people.spend * habits.spend)[customer]),
            "country": np.where(
                is_guest, _choose(rng, _COUNTRY_SHARES, len(demand)), people.country[customer]
            ),
            "channel": channel,
            "platform": _platforms(rng, channel),
        }
    )
    return orders.sort_values(["second", "customer"], kind="stable", ignore_index=True)


def draw_registrations(
    rng: np.random.Generator, calendar: ShopCalendar, people: Population, orders: pd.DataFrame
) -> pd.DataFrame:
    """One row per customer of the block: who they are in customers.csv.

    Returns:
        columns customer_number, registered_second (never after the first order), region,
        has_phone.
    """
    count = len(people.spend)
    known = orders[orders["customer"] >= 0]
    latest = np.full(count, calendar.end_second - 1, dtype=np.int64)
    firsts = known.groupby("customer")["second"].min()
    latest[firsts.index.to_numpy()] = firsts.to_numpy()
    back = (rng.exponential(40.0, count) * (rng.random(count) < 0.4) * DAY_SECONDS).astype(np.int64)
    never = np.ones(count, dtype=bool)
    never[firsts.index.to_numpy()] = False
    span = calendar.end_second - calendar.first_second
    back = np.where(never, rng.integers(0, int(span * 1.2), count), back)
    return pd.DataFrame(
        {
            "customer_number": people.first_customer + np.arange(count),
            "registered_second": latest - back - 60,
            "region": np.where(
                people.country == 0, rng.integers(0, len(REGIONS) - 1, count), len(REGIONS) - 1
            ),
            "has_phone": rng.random(count) < 0.7,
        }
    )


def _choose(rng: np.random.Generator, shares: tuple[float, ...], count: int) -> IntArray:
    limits = np.cumsum(np.asarray(shares))
    return np.searchsorted(limits / limits[-1], rng.random(count), side="right").astype(np.int64)


def _platforms(rng: np.random.Generator, channel: IntArray) -> IntArray:
    web = rng.integers(0, 2, len(channel))
    app = rng.integers(2, 4, len(channel))
    return np.select([channel == 1, channel == 3], [app, np.int64(4)], web)
