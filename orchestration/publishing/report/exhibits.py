"""What the report is made of: words in two languages, rows, exhibits and sections.

Belongs here: the records that describe a chart or table before any data is read. Does not belong
here: a particular chart (``sections/``) and the page (``page.py``).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

#: Languages of the report, the first one shown where a reader has stated no preference.
LANGUAGES = ("en", "zh")

#: The same words in every language of ``LANGUAGES``.
Words = Mapping[str, str]

#: A Plotly figure (``data``, ``layout``) whose words are ``Words`` and whose colours are names of
#: ``palette.py``; ``palette.resolved`` makes it plain Plotly.
Figure = dict[str, Any]

_READ_TABLE = re.compile(r"\b(?:from|join)\s+([a-z]\w*\.[a-z]\w*)", re.IGNORECASE)


def words(en: str, zh: str) -> dict[str, str]:
    """The same words in English and Chinese."""
    return {"en": en, "zh": zh}


NOTHING = words(
    "There is nothing to show: the published table has no rows for this.",
    "暂无可显示的内容：已发布的表中没有相应的行。",
)


@dataclass(frozen=True)
class Rows:
    """What a query returns: column names and records, in the order of the query."""

    columns: tuple[str, ...]
    records: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]]) -> "Rows":
        """Rows from records that all have the same keys."""
        columns = tuple(records[0]) if records else ()
        return cls(columns, tuple(tuple(record[name] for name in columns) for record in records))

    def __len__(self) -> int:
        return len(self.records)

    def column(self, name: str) -> list[Any]:
        """Values of a column as a figure takes them: numbers, text, ISO dates, None."""
        index = self.columns.index(name)
        return [plotted(record[index]) for record in self.records]

    def dicts(self) -> list[dict[str, Any]]:
        """Records by column name, values as they were read."""
        return [dict(zip(self.columns, record, strict=True)) for record in self.records]

    def where(self, **equal: Any) -> "Rows":
        """The rows in which every named column has the given value."""
        picked = [(self.columns.index(name), value) for name, value in equal.items()]
        kept = [row for row in self.records if all(row[at] == value for at, value in picked)]
        return Rows(self.columns, tuple(kept))


@dataclass(frozen=True)
class Card:
    """One figure set in large type."""

    label: Words
    value: Words
    note: Words


@dataclass(frozen=True)
class Exhibit:
    """One chart, table or row of cards with everything that is said about it.

    Attributes:
        id: unique in the report; letters, digits and dashes.
        title: heading.
        sql: one statement on published tables, ordered; its rows are what is drawn and shown.
        reading: one sentence that the rows say; called only when there are rows.
        definition: what the words of the exhibit mean.
        figure: draws the rows; None: the rows are shown as a table, or as cards.
        cards: the rows as figures in large type.
        empty: said in place of the chart when there are no rows.
        scheme: the scoring scheme that it is about; None: none.
        max_rows: most rows that ``sql`` returns; more is an error, so that the page stays small.
    """

    id: str
    title: Words
    sql: str
    reading: Callable[[Rows], Words]
    definition: Words
    figure: Callable[[Rows], Figure] | None = None
    cards: Callable[[Rows], list[Card]] | None = None
    empty: Words = field(default_factory=lambda: NOTHING)
    scheme: str | None = None
    max_rows: int = 1_000

    @property
    def tables(self) -> tuple[str, ...]:
        """Published tables that the SQL reads, as ``schema.table``."""
        return tuple(sorted({name.lower() for name in _READ_TABLE.findall(self.sql)}))


@dataclass(frozen=True)
class Section:
    """Exhibits under one heading."""

    id: str
    title: Words
    exhibits: tuple[Exhibit, ...]


def plotted(value: Any) -> Any:
    """A value as Plotly and JSON take it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
