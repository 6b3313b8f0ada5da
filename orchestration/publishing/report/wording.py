"""Numbers, months and dates in the words of the readings.

Belongs here: how a value is written in a sentence. Does not belong here: the sentences.
"""

from datetime import date
from decimal import Decimal
from typing import TypeAlias

from orchestration.publishing.report.exhibits import Words, words

Number: TypeAlias = int | float | Decimal

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip

NO_VALUE = "–"


def count(value: Number | None) -> str:
    """A whole number with thousands separated: 12,345."""
    return NO_VALUE if value is None else f"{value:,.0f}"


def money(value: Number | None) -> str:
    """An amount; cents only below a thousand: 1,234,568 or 12.34."""
    if value is None:
        return NO_VALUE
    return f"{value:,.2f}" if -1_000 < value < 1_000 else f"{value:,.0f}"


def percent(value: Number | None, digits: int = 1) -> str:
    """A share of 0 to 1 as a percentage: 12.3%."""
    return NO_VALUE if value is None else f"{value:.{digits}%}"


def fixed(value: Number | None, digits: int = 2) -> str:
    """A number with a fixed number of digits: 1.25."""
    return NO_VALUE if value is None else f"{value:,.{digits}f}"


def month(value: date) -> Words:
    """A month: November 2011, 2011年11月."""
    return words(f"{_MONTHS[value.month - 1]} {value.year}", f"{value.year}年{value.month}月")


def day(value: date) -> str:
    """A date as it stands in every table: 2011-11-30."""
    return value.isoformat()


def compared(value: Number | None, english: str, chinese: str) -> Words:
    """A change against something: ``, 12.3% above October``; nothing where none is known.

    Args:
        value: the change, 0.123 for 12.3 % more.
        english: what it is compared with, in English.
        chinese: the same in Chinese.
    """
    if value is None:
        return words("", "")
    if -0.0005 < value < 0.0005:
        return words(f", level with {english}", f"，与{chinese}持平")
    by = percent(value if value > 0 else -value)
    if value > 0:
        return words(f", {by} above {english}", f"，比{chinese}高 {by}")
    return words(f", {by} below {english}", f"，比{chinese}低 {by}")


def signed(value: Number | None) -> str:
    """A change with its sign: +12.3%, -4.0%."""
    return NO_VALUE if value is None else f"{value:+.1%}"
