"""Profiles: how somebody's files become the contract's columns, as written in YAML.

Belongs here: what a profile may say, and what is checked of it by itself. Does not belong here:
where profiles are found and how their errors read (profile_store), reading data files (readers).
"""

import codecs
import difflib
import fnmatch
import hashlib
import json
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from orchestration.landing.contract import CONTRACT, Dataset
from orchestration.landing.expressions import ExpressionError, source_columns
from orchestration.landing.timestamps import format_problem

Format = Literal["csv", "parquet", "xlsx", "jsonl", "fixed_width"]

#: Raise when typing or judging of values changes, so that files already loaded are read anew.
READING_VERSION = 3

_FORMAT_BY_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".ods": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
#: Formats that may be compressed with gzip (``.gz``).
_TEXT_FORMATS = frozenset({"csv", "jsonl", "fixed_width"})


def is_gzip_name(name: str) -> bool:
    """Whether the file's name says that it is compressed with gzip."""
    return name.lower().endswith(".gz")


def format_of_name(name: str) -> Format | None:
    """Return the format that a file's extension stands for; None for any other extension."""
    lowered = name.lower().removesuffix(".gz")
    found = _FORMAT_BY_SUFFIX.get(PurePosixPath(lowered).suffix)
    if found is not None and is_gzip_name(name) and found not in _TEXT_FORMATS:
        return None
    return found


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Source(_Strict):
    """One way to get a contract column: a source column by name, or an expression over some.

    Of an identifier ``holds`` says whether the values are plain, to be hashed, or hashes already.
    """

    column: str | None = None
    expression: str | None = None
    holds: Literal["plain", "hashed"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_plain_name(cls, value: Any) -> Any:
        return value if isinstance(value, dict | Source) else {"column": value}

    @model_validator(mode="after")
    def _usable(self) -> "Source":
        if (self.column is None) == (self.expression is None):
            raise ValueError("give either the name of a source column or {expression: ...}")
        if self.expression is not None:
            try:
                source_columns(self.expression)
            except ExpressionError as error:
                raise ValueError(f"the expression cannot be used: {error}") from error
        return self

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Source columns that a file must have for this source to be usable."""
        if self.expression is not None:
            return source_columns(self.expression)
        return (self.column or "",)


#: One source or several; the first one whose columns the file has is taken.
Sources = Annotated[tuple[Source, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class FixedField(_Strict):
    """One field of a fixed-width line; the first character of a line has number 1."""

    name: str
    start: int = Field(ge=1)
    length: int = Field(ge=1)


class DateRange(_Strict):
    """Timestamps of the profile's files lie in [first, before)."""

    first: date = date(1990, 1, 1)
    before: date = date(2100, 1, 1)

    @model_validator(mode="after")
    def _in_order(self) -> "DateRange":
        if self.first >= self.before:
            raise ValueError("`first` must be earlier than `before`")
        return self


class FileEntry(_Strict):
    """Which files of the folder feed one dataset, and how they are read."""

    pattern: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    dataset: str
    format: Format | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    header: bool | None = None
    column_names: tuple[str, ...] = ()
    sheet: str | None = None
    fixed_fields: tuple[FixedField, ...] = ()
    whitespace_fields: tuple[str, ...] = ()
    columns: dict[str, Sources] = Field(default_factory=dict)

    @field_validator("dataset")
    @classmethod
    def _known_dataset(cls, value: str) -> str:
        if value not in CONTRACT:
            raise ValueError(f"unknown dataset {value!r}; {_did_you_mean(value, CONTRACT)}")
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        try:
            return codecs.lookup(value).name if value is not None else None
        except LookupError as error:
            raise ValueError(
                f"unknown encoding {value!r}; examples: utf-8, latin-1, cp1252, gb18030, utf-16"
            ) from error

    @field_validator("delimiter", "quote")
    @classmethod
    def _one_character(cls, value: str | None, info: Any) -> str | None:
        if value is None or (info.field_name == "quote" and value == ""):
            return value
        if len(value) != 1 or ord(value) > 127 or value in "\r\n":
            raise ValueError(f"{info.field_name} must be one plain character, not {value!r}")
        return value

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: dict[str, Any], info: Any) -> dict[str, Any]:
        dataset = CONTRACT.get(info.data.get("dataset", ""))
        for name in value:
            if dataset is not None and name not in dataset.column_names:
                raise ValueError(
                    f"{dataset.name} has no column {name!r}; "
                    f"{_did_you_mean(name, dataset.column_names)}"
                )
        return value

    @field_validator("columns")
    @classmethod
    def _known_identifiers(cls, value: dict[str, Any], info: Any) -> dict[str, Any]:
        dataset = CONTRACT.get(info.data.get("dataset", ""))
        for column in dataset.columns if dataset else ():
            said = [source.holds for source in value.get(column.name, ())]
            if column.identifier and None in said:
                raise ValueError(
                    f"{column.name} needs {{column: ..., holds: plain}} for values that are to be "
                    "hashed, or {column: ..., holds: hashed} for hashes"
                )
            if not column.identifier and said != [None] * len(said):
                raise ValueError(f"`holds` is for email_hash and phone_hash, not for {column.name}")
        return value

    @model_validator(mode="after")
    def _complete(self) -> "FileEntry":
        if self.columns:
            missing = [
                column.name
                for column in self.contract.columns
                if column.required and column.name not in self.columns
            ]
            if missing:
                raise ValueError(
                    f"`columns` does not say where the mandatory column {missing[0]} of "
                    f"{self.dataset} comes from"
                )
        if self.format == "fixed_width" and not (self.fixed_fields or self.whitespace_fields):
            raise ValueError("format fixed_width needs `fixed_fields` or `whitespace_fields`")
        if self.fixed_fields and self.whitespace_fields:
            raise ValueError("give `fixed_fields` or `whitespace_fields`, not both")
        return self

    @property
    def contract(self) -> Dataset:
        """The dataset that the files feed."""
        return CONTRACT[self.dataset]

    @cached_property
    def sources(self) -> dict[str, tuple[Source, ...]]:
        """Where each contract column comes from; without ``columns``: a column of its name."""
        if self.columns:
            return dict(self.columns)
        return {
            column.name: (
                Source(column=column.name, holds="hashed" if column.identifier else None),
            )
            for column in self.contract.columns
        }

    @property
    def has_plain_identifiers(self) -> bool:
        """Whether plain e-mail addresses or phone numbers are read, to be hashed."""
        return any(source.holds == "plain" for some in self.sources.values() for source in some)

    @property
    def has_header(self) -> bool:
        """Whether the first line names the columns; by default not in fixed-width files."""
        return self.format != "fixed_width" if self.header is None else self.header

    def matches(self, relative_path: str) -> bool:
        """Whether a file belongs to this entry, by its path below the landing folder."""
        path = relative_path.lower()
        name = path.rsplit("/", 1)[-1]
        for pattern in (pattern.lower() for pattern in self.pattern):
            if "/" not in pattern:
                if fnmatch.fnmatchcase(name, pattern):
                    return True
            elif fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"*/{pattern}"):
                return True
        return False

    def format_of(self, name: str) -> Format | None:
        """Format of a file: what the profile says, else what the extension stands for."""
        return self.format or format_of_name(name)


class Profile(_Strict):
    """A whole profile."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    timestamp_formats: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)] = ()
    timezone: str = "UTC"
    valid_dates: DateRange = DateRange()
    phone_country_code: str | None = Field(default=None, pattern=r"^[1-9][0-9]{0,2}$")
    files: tuple[FileEntry, ...] = Field(min_length=1)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"unknown time zone {value!r}; use an IANA name such as Europe/London"
            ) from error
        return value

    @field_validator("timestamp_formats")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            problem = format_problem(text)
            if problem:
                raise ValueError(f"timestamp format {text!r}: {problem}")
        return value

    def reading_key(self, entry: FileEntry) -> str:
        """Hash of everything that decides what a file of this entry turns into."""
        said = {
            "version": READING_VERSION,
            "entry": entry.model_dump(mode="json", exclude={"pattern"}),
            "profile": self.model_dump(mode="json", exclude={"files", "description"}),
            "dataset": repr(entry.contract),
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _did_you_mean(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"it has: {', '.join(known)}"
