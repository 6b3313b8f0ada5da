"""The expectations that a suite may hold: their arguments, and what each means in SQL.

Great Expectations judges frames by an expectation's name and arguments. The same expectation in SQL
serves tables that are too large for a frame, and finds the rows that break it.

Belongs here: what an expectation of a type says. Does not belong here: reading suites (suites.py)
and judging tables (expectations.py).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestration.landing.expressions import quote_name, quote_text

Value = bool | int | float | date | str


class Arguments(BaseModel):
    """Arguments of an expectation, named as Great Expectations names them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are looked at."""
        return ()

    @property
    def least_share(self) -> float:
        """Share of the judged rows, 0 to 1, that must keep the expectation."""
        return 1.0


class _OfColumn(Arguments):
    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are looked at."""
        return (self.column,)


class _Mostly(Arguments):
    mostly: float = Field(default=1.0, gt=0, le=1)

    @property
    def least_share(self) -> float:
        """Share of the judged rows that must keep the expectation."""
        return self.mostly


class _Limits(Arguments):
    """One limit or two; inclusive unless they are said to be strict."""

    min_value: int | float | date | None = None
    max_value: int | float | date | None = None
    strict_min: bool = False
    strict_max: bool = False

    @model_validator(mode="after")
    def _some_limit(self) -> "_Limits":
        low, high = self.min_value, self.max_value
        if low is None and high is None:
            raise ValueError("give min_value, max_value or both")
        if low is not None and high is not None:
            if isinstance(low, date) and isinstance(high, date):
                is_empty = low > high
            elif isinstance(low, date) or isinstance(high, date):
                raise ValueError("min_value and max_value are of different kinds")
            else:
                is_empty = low > high
            if is_empty:
                raise ValueError("min_value is larger than max_value")
        return self

    def within(self, expression: str) -> str:
        """SQL condition that an expression lies within the limits."""
        parts = []
        if self.min_value is not None:
            parts.append(f"{expression} {'>' if self.strict_min else '>='} {_sql(self.min_value)}")
        if self.max_value is not None:
            parts.append(f"{expression} {'<' if self.strict_max else '<='} {_sql(self.max_value)}")
        return " and ".join(parts)

    def in_words(self) -> str:
        """The limits as a person reads them."""
        parts = []
        if self.min_value is not None:
            parts.append(f"{'above' if self.strict_min else 'at least'} {self.min_value}")
        if self.max_value is not None:
            parts.append(f"{'below' if self.strict_max else 'at most'} {self.max_value}")
        return " and ".join(parts)


class ColumnBetween(_OfColumn, _Mostly, _Limits):
    """Each value of a column lies within limits."""


class AggregateBetween(_OfColumn, _Limits):
    """One figure of a column lies within limits."""


class RowCount(_Limits):
    """The number of rows lies within limits."""

    strict_min: Literal[False] = False
    strict_max: Literal[False] = False


class ColumnMostly(_OfColumn, _Mostly):
    """A condition on each value of a column."""


class ColumnAlone(_OfColumn):
    """A condition on a column as a whole."""


class ColumnInSet(_OfColumn, _Mostly):
    """Each value of a column is one of a set, or none of it."""

    value_set: tuple[Value, ...] = Field(min_length=1)


class ColumnHoldsSet(_OfColumn):
    """A column has each value of a set somewhere."""

    value_set: tuple[Value, ...] = Field(min_length=1)


class ColumnRegex(_OfColumn, _Mostly):
    """Each value of a column matches a regular expression somewhere, or does nowhere."""

    regex: str = Field(min_length=1)


class Pair(_Mostly):
    """Of each row one column is larger than the other; rows that lack one are not judged."""

    larger: str = Field(alias="column_A")
    smaller: str = Field(alias="column_B")
    or_equal: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are looked at."""
        return (self.larger, self.smaller)


class ColumnList(Arguments):
    """Several columns together."""

    column_list: tuple[str, ...] = Field(min_length=2)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are looked at."""
        return self.column_list


class TableColumns(Arguments):
    """Names of the table's columns."""

    column_set: tuple[str, ...] = Field(min_length=1)
    exact_match: bool = True


@dataclass(frozen=True)
class RowRule:
    """Each judged row keeps a condition: both in SQL, of the arguments."""

    judged: Callable[[Any], str]
    kept: Callable[[Any], str]

    def broken(self, arguments: Arguments) -> str:
        """SQL condition of a row that is judged and does not keep the rule."""
        return f"({self.judged(arguments)}) and not coalesce({self.kept(arguments)}, false)"


@dataclass(frozen=True)
class FigureRule:
    """One figure of the table, an SQL aggregate, lies within the limits of the arguments."""

    figure: Callable[[Any], str]


@dataclass(frozen=True)
class UniqueRule:
    """No two rows share the values of the columns; rows without any value are left out."""


@dataclass(frozen=True)
class SetRule:
    """The table's columns, or the values of a column, hold a set."""

    #: SQL aggregate: how many of the set are missing; None: it is about the columns' names.
    missing: Callable[[Any], str] | None = None


Rule = RowRule | FigureRule | UniqueRule | SetRule


@dataclass(frozen=True)
class ExpectationType:
    """An expectation by its name: arguments, meaning in SQL, and wording."""

    name: str
    arguments: type[Arguments]
    rule: Rule
    words: Callable[[Any], str]

    def expected(self, arguments: Arguments) -> str:
        """What must hold, in words."""
        text = self.words(arguments)
        share = arguments.least_share
        return text if share == 1 else f"{text}, for at least {share:.10g} of the rows"


def _sql(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return f"date {quote_text(value.isoformat())}"
    return quote_text(value) if isinstance(value, str) else repr(value)


def _sql_list(values: Iterable[Value]) -> str:
    return ", ".join(_sql(value) for value in values)


def _has_value(arguments: Any) -> str:
    return " and ".join(f"{quote_name(column)} is not null" for column in arguments.columns)


def _words_list(values: Iterable[Value]) -> str:
    return ", ".join(str(value) for value in values)


def _row(
    name: str,
    arguments: type[Arguments],
    kept: Callable[[Any], str],
    words: Callable[[Any], str],
    judged: Callable[[Any], str] = _has_value,
) -> ExpectationType:
    return ExpectationType(f"expect_column_{name}", arguments, RowRule(judged, kept), words)


def _figure(name: str, word: str, figure: str) -> ExpectationType:
    """A figure of a column; ``{}`` in the SQL stands for the column."""
    return ExpectationType(
        f"expect_column_{name}_to_be_between",
        AggregateBetween,
        FigureRule(lambda a: figure.format(quote_name(a.column))),
        lambda a: f"{word} of {a.column} is {a.in_words()}",
    )


_ALL = (
    _row(
        "values_to_be_between",
        ColumnBetween,
        lambda a: a.within(quote_name(a.column)),
        lambda a: f"{a.column} is {a.in_words()}",
    ),
    _row(
        "value_lengths_to_be_between",
        ColumnBetween,
        lambda a: a.within(f"length({quote_name(a.column)})"),
        lambda a: f"length of {a.column} is {a.in_words()}",
    ),
    _row(
        "values_to_not_be_null",
        ColumnMostly,
        lambda a: f"{quote_name(a.column)} is not null",
        lambda a: f"{a.column} has a value",
        judged=lambda a: "true",
    ),
    _row(
        "values_to_be_in_set",
        ColumnInSet,
        lambda a: f"{quote_name(a.column)} in ({_sql_list(a.value_set)})",
        lambda a: f"{a.column} is one of {_words_list(a.value_set)}",
    ),
    _row(
        "values_to_not_be_in_set",
        ColumnInSet,
        lambda a: f"{quote_name(a.column)} not in ({_sql_list(a.value_set)})",
        lambda a: f"{a.column} is none of {_words_list(a.value_set)}",
    ),
    _row(
        "values_to_match_regex",
        ColumnRegex,
        lambda a: f"regexp_matches({quote_name(a.column)}, {quote_text(a.regex)})",
        lambda a: f"{a.column} matches {a.regex}",
    ),
    _row(
        "values_to_not_match_regex",
        ColumnRegex,
        lambda a: f"not regexp_matches({quote_name(a.column)}, {quote_text(a.regex)})",
        lambda a: f"{a.column} does not match {a.regex}",
    ),
    _row(
        "pair_values_a_to_be_greater_than_b",
        Pair,
        lambda a: f"{quote_name(a.larger)} {'>=' if a.or_equal else '>'} {quote_name(a.smaller)}",
        lambda a: f"{a.larger} is {'not below' if a.or_equal else 'above'} {a.smaller}",
    ),
    ExpectationType(
        "expect_column_values_to_be_unique",
        ColumnAlone,
        UniqueRule(),
        lambda a: f"no value of {a.column} occurs twice",
    ),
    ExpectationType(
        "expect_compound_columns_to_be_unique",
        ColumnList,
        UniqueRule(),
        lambda a: f"{_words_list(a.column_list)} together do not occur twice",
    ),
    _figure("mean", "mean", "avg({})"),
    _figure("median", "median", "median({})"),
    _figure("sum", "sum", "sum({})"),
    _figure("min", "least value", "min({})"),
    _figure("max", "largest value", "max({})"),
    _figure("unique_value_count", "number of different values", "count(distinct {})"),
    ExpectationType(
        "expect_table_row_count_to_be_between",
        RowCount,
        FigureRule(lambda a: "count(*)"),
        lambda a: f"number of rows is {a.in_words()}",
    ),
    ExpectationType(
        "expect_column_distinct_values_to_contain_set",
        ColumnHoldsSet,
        SetRule(
            lambda a: (
                f"{len(set(a.value_set))} - count(distinct {quote_name(a.column)}) filter "
                f"(where {quote_name(a.column)} in ({_sql_list(a.value_set)}))"
            )
        ),
        lambda a: f"{a.column} has each of {_words_list(a.value_set)}",
    ),
    ExpectationType(
        "expect_table_columns_to_match_set",
        TableColumns,
        SetRule(),
        lambda a: f"columns are{'' if a.exact_match else ' at least'} {_words_list(a.column_set)}",
    ),
)

#: Every type that a suite may name.
EXPECTATION_TYPES: dict[str, ExpectationType] = {kind.name: kind for kind in _ALL}
