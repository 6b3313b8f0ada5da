"""One landing file opened: its columns, and how it can share a scan with files like it.

Belongs here: what a file must have before it is read. Does not belong here: each format's reading
(readers), typing (casting).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.errors import CustomerValueError
from orchestration.landing.contract import Column
from orchestration.landing.files import LandingFile
from orchestration.landing.profile import Source

#: Names of helper columns in a scan; no header yields them, since names are made unique.
FILE_INDEX = "~file_index"
LINE = "~line"


@dataclass(frozen=True)
class Header:
    """Source columns of a file: unique names in file order, and those the file has twice."""

    columns: tuple[str, ...]
    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OpenedFile:
    """A file whose header is known.

    ``layout`` is equal for files that one scan can read together. ``later_columns`` may turn up
    in later records although the first ones lack them (JSON lines). ``skipped_lines`` counts the
    blank lines before a header.
    """

    file: LandingFile
    header: Header
    layout: Hashable
    read_path: Path
    later_columns: tuple[str, ...] = ()
    delimiter: str = ","
    skipped_lines: int = 0
    has_quoted_newlines: bool = False
    copies: tuple[Path, ...] = field(default=())


def make_header(names: Sequence[str | None]) -> Header:
    """Return source columns from header cells: stripped, never empty, unique in any case."""
    columns: list[str] = []
    seen: set[str] = {FILE_INDEX, LINE}
    repeated: set[str] = set()
    for number, name in enumerate(names, start=1):
        plain = (name or "").strip().strip("\ufeff") or f"column{number}"
        unique, copy = plain, 1
        while unique.casefold() in seen:
            copy += 1
            unique = f"{plain} ({copy})"
        if copy > 1:
            repeated.add(plain.casefold())
        seen.add(unique.casefold())
        columns.append(unique)
    return Header(tuple(columns), frozenset(repeated))


def choose_sources(opened: OpenedFile) -> dict[str, Source | None]:
    """Return, for each contract column, the source that the file can serve; None when none can.

    Raises:
        CustomerValueError: a mandatory column has no source in the file, or a column that is
            needed stands twice in the header.
    """
    known = {name.casefold() for name in opened.header.columns}
    later = known | {name.casefold() for name in opened.later_columns}
    chosen: dict[str, Source | None] = {}
    missing: list[Column] = []
    for column in opened.file.entry.contract.columns:
        options = opened.file.entry.sources.get(column.name, ())
        usable = [option for option in options if _reads_only(option, known)]
        if not usable and not column.required:
            usable = [option for option in options if _reads_only(option, later)]
        chosen[column.name] = usable[0] if usable else None
        if usable:
            _refuse_repeated(usable[0], column, opened)
        elif column.required:
            missing.append(column)
    if missing:
        raise _missing_columns(missing, opened)
    return chosen


def absent_columns(opened: OpenedFile, chosen: dict[str, Source | None]) -> tuple[str, ...]:
    """Return optional contract columns that the profile names but the file does not have."""
    named = opened.file.entry.columns
    return tuple(name for name, source in chosen.items() if source is None and name in named)


def _reads_only(source: Source, known: set[str]) -> bool:
    return all(name.casefold() in known for name in source.reads)


def _refuse_repeated(source: Source, column: Column, opened: OpenedFile) -> None:
    for name in source.reads:
        if name.casefold() in opened.header.repeated:
            raise CustomerValueError(
                f"The column {name!r}, which gives {column.name}, stands more than once in the "
                "header.",
                "Rename the columns in the file so that each name stands once.",
            )


def _missing_columns(missing: Sequence[Column], opened: OpenedFile) -> CustomerValueError:
    wanted = []
    for column in missing:
        options = opened.file.entry.sources.get(column.name, ())
        names = [f"{name!r}" for option in options for name in option.reads]
        wanted.append(f"{column.name} (from {' or '.join(names)})" if names else column.name)
    found = ", ".join(repr(name) for name in opened.header.columns[:20]) or "none"
    return CustomerValueError(
        f"The file lacks the mandatory column{'s' if len(missing) > 1 else ''} "
        f"{', '.join(wanted)} of {opened.file.dataset}; its columns are: {found}.",
        "Add the column to the file, or name the right one under `columns` in the profile "
        f"{opened.file.profile.name}; a single long column name means a wrong `delimiter`.",
    )
