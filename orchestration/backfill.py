"""Months of the published history that are computed anew in one run, whatever has changed.

A backfill treats the orders of these months as though their files had come again: everything that
can be seen in these months or follows from them is computed from the raw rows. The result is that
of a full build. Month ends that RFM no longer looks back at are taken in by looking back further.

Belongs here: which months, and the settings that reach them. Does not belong here: the run itself
(``refresh.py``) and what is touched (``changes.py``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from orchestration.errors import CustomerValueError
from orchestration.publishing.kept import published_manifest
from orchestration.settings import Settings

#: Run tag: months to compute anew, such as 2011-01..2011-06.
BACKFILL_TAG = "customer_value/backfill"

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Months:
    """Whole months: first day of the first one, last day of the last one."""

    first_day: date
    last_day: date

    def __str__(self) -> str:
        return f"{self.first_day:%Y-%m}..{self.last_day:%Y-%m}"

    @classmethod
    def parse(cls, first: str, last: str) -> "Months":
        """Months from the texts of the first and the last, such as 2011-01.

        Raises:
            CustomerValueError: a text is no month, or the last comes before the first.
        """
        first_day, last_month = _first_day(first), _first_day(last)
        if last_month < first_day:
            raise CustomerValueError(
                f"The month {last} comes before {first}.", "Name the earlier one with --from."
            )
        return cls(first_day, _next_month(last_month) - timedelta(days=1))

    @classmethod
    def of_run(cls, tags: Mapping[str, str]) -> "Months | None":
        """Months that a run's tags ask for; None when they ask for none.

        Raises:
            CustomerValueError: the tag does not name months.
        """
        text = tags.get(BACKFILL_TAG)
        if text is None:
            return None
        first, _, last = text.partition("..")
        return cls.parse(first, last or first)


def reaching_back(settings: Settings, months: Months) -> Settings:
    """The settings, with RFM looking back at least to the first of the months.

    Raises:
        CustomerValueError: nothing is published yet, or the months lie outside the data.
    """
    published = published_manifest(settings)
    if published is None or published.as_of_date is None:
        raise CustomerValueError(
            "Nothing is published yet, so that there is nothing to compute anew.",
            "Run `customer-value run` first.",
        )
    as_of = published.as_of_date
    if months.first_day > as_of:
        raise CustomerValueError(
            f"The months {months} lie after {as_of}, up to which the data goes.",
            "Name earlier months.",
        )
    needed = (as_of.year - months.first_day.year) * 12 + as_of.month - months.first_day.month
    if _next_month(as_of.replace(day=1)) - timedelta(days=1) == as_of:
        needed += 1
    if not settings.rfm_snapshot_months or settings.rfm_snapshot_months >= needed:
        return settings
    return Settings(**{**settings.model_dump(), "rfm_snapshot_months": needed})


def _first_day(text: str) -> date:
    found = _MONTH.fullmatch(text.strip())
    if found is None:
        raise CustomerValueError(
            f"{text!r} is no month.", "Write months as year and month, such as 2011-01."
        )
    return date(int(found[1]), int(found[2]), 1)


def _next_month(first_day: date) -> date:
    return (first_day + timedelta(days=31)).replace(day=1)
