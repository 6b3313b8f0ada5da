"""The demo shop's calendar: its days, its seasons and when in a day people buy.

Belongs here: turning a position in the shop's time into a moment. Does not belong here: who buys
or what is bought.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

DAY_SECONDS = 86_400
_DAYS_PER_MONTH = 30.4375
_EPOCH = date(1970, 1, 1)

#: Demand by calendar month, January first: quiet after Christmas, a peak before it.
_MONTH_WEIGHTS = (0.82, 0.80, 0.90, 0.95, 1.00, 0.96, 0.90, 0.86, 1.00, 1.10, 1.42, 1.55)
#: Demand by weekday, Monday first.
_WEEKDAY_WEIGHTS = (1.12, 1.06, 1.00, 1.00, 0.94, 0.78, 1.10)
#: Demand by hour of the day, midnight first.
_HOUR_WEIGHTS = (1, 1, 0, 0, 0, 1, 2, 4, 6, 8, 10, 11, 12, 11, 9, 8, 8, 8, 9, 11, 13, 12, 7, 3)


@dataclass(frozen=True)
class ShopCalendar:
    """Days of the shop, numbered from 0, and the demand that has gone by at the start of each.

    Demand is measured in average months: a customer who buys twice in an average month places
    ``2 * (demand at b - demand at a)`` orders between the days ``a`` and ``b``.
    """

    first_month: date
    months: int
    last_date: date
    #: Index of the month of each day; shape (days,).
    month_of_day: IntArray
    #: Demand gone by at the start of each day and at the end of the last; shape (days + 1,).
    demand: FloatArray

    @property
    def day_count(self) -> int:
        """Number of days with data."""
        return len(self.month_of_day)

    @property
    def first_second(self) -> int:
        """Start of the first day, seconds since 1970 UTC."""
        return (self.first_month - _EPOCH).days * DAY_SECONDS

    @property
    def end_second(self) -> int:
        """End of the last day (exclusive), seconds since 1970 UTC."""
        return self.first_second + self.day_count * DAY_SECONDS

    def month_start(self, month: int) -> date:
        """First day of month ``month`` (0 is the first month)."""
        return add_months(self.first_month, month)

    def month_name(self, month: int) -> str:
        """Month ``month`` as ``YYYY-MM``."""
        return f"{self.month_start(month):%Y-%m}"

    def months_at(self, seconds: IntArray) -> IntArray:
        """Month index of each moment; moments must lie inside the calendar."""
        return self.month_of_day[(seconds - self.first_second) // DAY_SECONDS]

    def moments(self, rng: np.random.Generator, demand: FloatArray) -> IntArray:
        """A moment on the day on which the given demand is reached, in seconds since 1970 UTC."""
        day = np.searchsorted(self.demand, demand, side="right") - 1
        day = np.clip(day, 0, self.day_count - 1)
        weights = np.cumsum(np.asarray(_HOUR_WEIGHTS, dtype=np.float64))
        hour = np.searchsorted(weights / weights[-1], rng.random(len(demand)), side="right")
        second = rng.integers(0, 3600, len(demand))
        return self.first_second + day * DAY_SECONDS + hour * 3600 + second


def make_calendar(first_month: date, months: int, last_day: int | None) -> ShopCalendar:
    """The calendar of ``months`` months from ``first_month``.

    Args:
        first_month: any day of the first month.
        months: how many months have data, at least 1.
        last_day: day of the last month on which the data ends, capped at the month's last day;
            None ends with the month.
    """
    start = first_month.replace(day=1)
    month_end = add_months(start, months) - timedelta(days=1)
    last_date = (
        month_end if last_day is None else month_end.replace(day=min(last_day, month_end.day))
    )
    days = [start + timedelta(days=day) for day in range((last_date - start).days + 1)]
    month_of_day = np.asarray(
        [(day.year - start.year) * 12 + day.month - start.month for day in days], dtype=np.int64
    )
    weights = np.asarray(
        [_MONTH_WEIGHTS[day.month - 1] * _WEEKDAY_WEIGHTS[day.weekday()] for day in days]
    )
    mean = np.mean(_MONTH_WEIGHTS) * np.mean(_WEEKDAY_WEIGHTS) * _DAYS_PER_MONTH
    demand = np.concatenate([[0.0], np.cumsum(weights / mean)])
    return ShopCalendar(start, months, last_date, month_of_day, demand)


def add_months(day: date, months: int) -> date:
    """First day of the month ``months`` after the month of ``day``."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)
