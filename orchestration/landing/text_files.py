"""Text files as DuckDB can read them: plain UTF-8 with one kind of line ending.

Belongs here: decompressing, transcoding, and finding out what a parallel reader must know about
the text. Does not belong here: columns and records.
"""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from orchestration.errors import CustomerValueError
from orchestration.landing.profile import is_gzip_name

_CHUNK_BYTES = 4 * 1024 * 1024
_UTF8_NAMES = frozenset({"utf-8", "ascii", "utf-8-sig"})
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class PlainText:
    """A text file that DuckDB can read as it is: the file itself or a copy in the scratch folder.

    ``has_quoted_newlines`` may be true without need (a stray quote looks like it), never false
    against the truth: only without them may a file be cut into pieces that are read in parallel.
    Without them and with an even number of quotes, none is left open at the end either.
    """

    path: Path
    has_quoted_newlines: bool
    may_be_unclosed: bool
    is_copy: bool


def make_plain(path: Path, encoding: str | None, quote: str, scratch: Path) -> PlainText:
    """Read a text file once and, where DuckDB could not read it as it is, write a plain copy.

    Raises:
        CustomerValueError: the file is cut short, not in its encoding, or not compressed as
            its name says.
        OSError: the file cannot be read or the copy cannot be written.
    """
    chosen = encoding_of(path, encoding)
    needs_copy = is_gzip_name(path.name) or chosen not in _UTF8_NAMES
    scan = _LineScan(quote)
    if not needs_copy:
        for chunk in _raw_chunks(path):
            scan.feed(chunk)
        if not scan.has_mixed_line_ends:
            return scan.describe(path, is_copy=False)
    copy = scratch_path(path, scratch, ".txt")
    scan = _LineScan(quote)
    with copy.open("wb") as target:
        for chunk in _utf8_chunks(path, chosen):
            scan.feed(chunk)
            target.write(chunk)
    if scan.has_mixed_line_ends:
        copy = _with_plain_line_ends(copy)
    return scan.describe(copy, is_copy=True)


def scratch_path(path: Path, scratch: Path, suffix: str) -> Path:
    """Return where a readable copy of a file goes."""
    return scratch / f"{hashlib.sha256(str(path).encode()).hexdigest()[:16]}{suffix}"


def read_start(path: Path, encoding: str | None, size: int = 1 << 20) -> str:
    """Return the first characters of a text file, decompressed and decoded."""
    chosen = encoding_of(path, encoding)
    decoder = codecs.getincrementaldecoder(chosen)(errors="replace")
    text = decoder.decode(first_bytes(path, size))
    return text.removeprefix("\ufeff")


def first_bytes(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, decompressed when its name ends in .gz."""
    with _open(path) as source:
        try:
            return source.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _broken_gzip(path, error) from error


def encoding_of(path: Path, encoding: str | None) -> str:
    """Return the encoding to read with: the profile's, else what a byte order mark says."""
    if encoding is not None:
        return encoding
    start = first_bytes(path, 4)
    for mark, name in _BOMS:
        if start.startswith(mark):
            return name
    return "utf-8"


class _LineScan:
    """Looks through the bytes of a text for what a parallel CSV reader must know."""

    def __init__(self, quote: str) -> None:
        self._quote = quote.encode()
        self._is_inside = False
        self._last = b""
        self._returns = self._pairs = self._feeds = 0
        self.has_quoted_newlines = False

    @property
    def has_mixed_line_ends(self) -> bool:
        """Whether lines end in more than one way (also true for newlines inside quotes)."""
        kinds = (
            self._pairs > 0,
            self._feeds > self._pairs,
            self._returns > self._pairs,
        )
        return sum(kinds) > 1

    def feed(self, chunk: bytes) -> None:
        """Take the next piece of the text."""
        self._feeds += chunk.count(b"\n")
        if b"\r" in chunk:
            self._returns += chunk.count(b"\r")
            self._pairs += chunk.count(b"\r\n")
        if self._last == b"\r" and chunk.startswith(b"\n"):
            self._pairs += 1
        self._last = chunk[-1:]
        if self._quote:
            self._follow_quotes(chunk)

    def describe(self, path: Path, *, is_copy: bool) -> PlainText:
        """Return what was found, for the file in which the text can be read."""
        may_be_unclosed = self._is_inside or self.has_quoted_newlines
        return PlainText(path, self.has_quoted_newlines, may_be_unclosed, is_copy)

    def _follow_quotes(self, chunk: bytes) -> None:
        if self.has_quoted_newlines:
            self._is_inside ^= bool(chunk.count(self._quote) & 1)
            return
        if self._quote not in chunk:
            self.has_quoted_newlines = self._is_inside and (b"\n" in chunk or b"\r" in chunk)
            return
        data = np.frombuffer(chunk, dtype=np.uint8)
        quotes = np.flatnonzero(data == self._quote[0])
        newlines = np.flatnonzero((data == 10) | (data == 13))
        before = np.searchsorted(quotes, newlines) + int(self._is_inside)
        self.has_quoted_newlines = bool((before & 1).any())
        self._is_inside = bool((len(quotes) + int(self._is_inside)) & 1)


def _open(path: Path) -> BinaryIO:
    if is_gzip_name(path.name):
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def _raw_chunks(path: Path) -> Iterator[bytes]:
    with _open(path) as source:
        try:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise _broken_gzip(path, error) from error


def _utf8_chunks(path: Path, encoding: str) -> Iterator[bytes]:
    if encoding in _UTF8_NAMES:
        yield from _raw_chunks(path)
        return
    # Bytes that the encoding does not know stay as they are: DuckDB then sets that line aside.
    wide = encoding.startswith(("utf-16", "utf-32"))
    errors = "strict" if wide else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors=errors)
    line = 1
    try:
        for chunk in _raw_chunks(path):
            text = decoder.decode(chunk)
            line += text.count("\n")
            yield text.removeprefix("\ufeff").encode("utf-8", "surrogateescape")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")
    except UnicodeError as error:
        raise CustomerValueError(
            f"The file is not {encoding}: a character after line {line} cannot be read.",
            "Correct `encoding` in the profile, or send the file again: it may be cut short.",
        ) from error


def _with_plain_line_ends(path: Path) -> Path:
    target = path.with_suffix(".lines")
    with path.open("rb") as source, target.open("wb") as plain:
        held = b""
        while chunk := source.read(_CHUNK_BYTES):
            chunk = held + chunk
            held = chunk[-1:] if chunk.endswith(b"\r") else b""
            chunk = chunk[: len(chunk) - len(held)]
            plain.write(chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
        plain.write(held.replace(b"\r", b"\n"))
    path.unlink()
    return target


def _broken_gzip(path: Path, error: Exception) -> CustomerValueError:
    if isinstance(error, gzip.BadGzipFile) and "Not a gzipped" in str(error):
        return CustomerValueError(
            "The file's name ends in .gz but it is not compressed with gzip.",
            f"Rename it to {path.name[:-3]}.",
        )
    return CustomerValueError(
        "The compressed file is damaged or cut short.", "Copy or download it again."
    )
