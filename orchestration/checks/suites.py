"""Suites of expectations: what a YAML file of them may say, and reading it.

A suite is about the tables of one schema:

    schema: core
    description: What every shop's orders look like.
    tables:
      fct_orders:
        - name: orders_have_plausible_line_counts
          expectation: expect_column_values_to_be_between
          arguments: {column: line_count, min_value: 1, max_value: 10000}
          where: not is_fully_cancelled
          severity: warning
          meaning: An order of more than 10,000 lines is two orders, or none.

Belongs here: finding, reading and judging suite files by themselves. Does not belong here: what an
expectation means (expectation_types.py) and judging tables (expectations.py).
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from orchestration.checks.expectation_types import EXPECTATION_TYPES, Arguments, ExpectationType
from orchestration.errors import CustomerValueError
from orchestration.landing.expressions import ExpressionError, columns_read
from orchestration.landing.yaml_lines import Place, YamlDocument, read_yaml_mapping

SHIPPED_SUITES_DIR = Path(__file__).resolve().parent / "suites"
_SUFFIXES = (".yml", ".yaml")
_HELP = "Correct that line; docs/checks.md describes every key."

Severity = Literal["error", "warning"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Entry(_Strict):
    """An expectation as it is written."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    expectation: str
    arguments: dict[str, Any]
    where: str | None = None
    severity: Severity
    meaning: str = Field(min_length=1)

    @field_validator("expectation")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in EXPECTATION_TYPES:
            close = difflib.get_close_matches(value, EXPECTATION_TYPES, n=1, cutoff=0.4)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(
                f"there is no expectation {value!r}{hint} (known: {', '.join(EXPECTATION_TYPES)})"
            )
        return value

    @field_validator("where")
    @classmethod
    def _one_condition(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                columns_read(value)
            except ExpressionError as error:
                raise ValueError(f"the condition cannot be used: {error}") from error
        return value


class _Suite(_Strict):
    layer: str = Field(alias="schema")
    description: str = Field(min_length=1)
    tables: dict[str, tuple[_Entry, ...]]


@dataclass(frozen=True)
class Expectation:
    """One expectation on one table.

    ``where`` is an SQL condition that selects the rows it is about; ``source`` names file and line.
    """

    schema: str
    table: str
    name: str
    kind: ExpectationType
    arguments: Arguments
    where: str | None
    severity: Severity
    meaning: str
    source: str

    @property
    def check_id(self) -> str:
        """The same in every run, and unlike any id of dbt's."""
        return f"expectation.{self.schema}.{self.table}.{self.name}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads, those of its condition included."""
        read = columns_read(self.where) if self.where else ()
        return tuple(dict.fromkeys([*self.arguments.columns, *read]))

    @property
    def expected(self) -> str:
        """What must hold, in words: the meaning, and the exact condition."""
        condition = self.kind.expected(self.arguments)
        rows = f" where {self.where}" if self.where else ""
        return f"{self.meaning} ({condition}{rows})"


def load_suites(
    own_dir: Path | None, tables: Mapping[str, Collection[str]]
) -> tuple[Expectation, ...]:
    """Read the shipped suites and a shop's own, ordered by schema, table and file.

    Args:
        own_dir: folder with the shop's own suites; they stand beside the shipped ones.
        tables: tables that may be named, by schema.

    Raises:
        CustomerValueError: a file is wrong; names file, line and key, and what is wrong with it.
    """
    paths = _paths_in(SHIPPED_SUITES_DIR)
    if own_dir is not None:
        if not own_dir.expanduser().is_dir():
            raise CustomerValueError(
                f"The folder of expectations {own_dir} does not exist.",
                "Create it, or leave the setting expectations_dir out.",
            )
        paths += _paths_in(own_dir.expanduser().resolve())
    found: dict[str, Expectation] = {}
    for path in paths:
        for expectation in read_suite(path, tables):
            earlier = found.setdefault(expectation.check_id, expectation)
            if earlier is not expectation:
                raise CustomerValueError(
                    f"{expectation.source}: {expectation.schema}.{expectation.table} has an "
                    f"expectation {expectation.name!r} already, from {earlier.source}.",
                    "Give it another name.",
                )
    order = {schema: index for index, schema in enumerate(tables)}
    return tuple(
        sorted(found.values(), key=lambda one: (order[one.schema], one.table, one.check_id))
    )


def read_suite(path: Path, tables: Mapping[str, Collection[str]]) -> list[Expectation]:
    """Read one suite file; arguments as for ``load_suites``."""
    document = read_yaml_mapping(path, "suite", "schema, description and tables")
    try:
        suite = _Suite.model_validate(document.values)
    except ValidationError as error:
        raise _readable(error, path, document, ()) from error
    _assert_tables(suite, path, document, tables)
    return list(_expectations(suite, path, document))


def _expectations(suite: _Suite, path: Path, document: YamlDocument) -> Iterator[Expectation]:
    for table, entries in suite.tables.items():
        for number, entry in enumerate(entries):
            place: Place = ("tables", table, number)
            kind = EXPECTATION_TYPES[entry.expectation]
            try:
                arguments = kind.arguments.model_validate(entry.arguments)
            except ValidationError as error:
                raise _readable(error, path, document, (*place, "arguments")) from error
            yield Expectation(
                schema=suite.layer,
                table=table,
                name=entry.name,
                kind=kind,
                arguments=arguments,
                where=entry.where,
                severity=entry.severity,
                meaning=entry.meaning.strip(),
                source=f"{path}, line {document.line_of(place)}",
            )


def _assert_tables(
    suite: _Suite, path: Path, document: YamlDocument, tables: Mapping[str, Collection[str]]
) -> None:
    known = tables.get(suite.layer)
    if known is None:
        raise CustomerValueError(
            f"{path}, line {document.line_of(('schema',))}, schema: there is no schema "
            f"{suite.layer!r}; known: {', '.join(tables)}.",
            _HELP,
        )
    for table in suite.tables:
        if table not in known:
            raise CustomerValueError(
                f"{path}, line {document.line_of(('tables', table))}, tables.{table}: there is no "
                f"table {suite.layer}.{table}; known: {', '.join(sorted(known))}.",
                _HELP,
            )


def _paths_in(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix in _SUFFIXES and not path.name.startswith(".")
    ]


def _readable(
    error: ValidationError, path: Path, document: YamlDocument, inside: Place
) -> CustomerValueError:
    problems = error.errors(include_url=False)
    first = problems[0]
    place = document.place_of((*inside, *first["loc"]))
    key = ".".join(str(part) for part in place) or "the suite"
    said = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    if first["type"] == "missing":
        said = f"the key {first['loc'][-1]!r} is missing"
    elif first["type"] == "extra_forbidden":
        said = "there is no such key here"
    others = f" ({len(problems) - 1} more after this one.)" if len(problems) > 1 else ""
    return CustomerValueError(
        f"{path}, line {document.line_of(place)}, {key}: {said}.{others}", _HELP
    )
