"""A copy of the ledger outside the warehouse: which files it knows, for those who may not open it.

The warehouse belongs to the run that is under way. Whoever wants to know whether anything is new
(sensor, schedule, ``status``) reads this small file instead; each load writes it anew. When it is
lost, one run finds nothing new and writes it again.

Belongs here: writing and reading it, and telling files that it does not know. Does not belong here:
what follows from that (``sensing.py``).
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.fingerprint import input_digest
from orchestration.landing.files import LandingFile, LandingFolder
from orchestration.landing.ledger import read_ledger

_EPOCH = datetime(1970, 1, 1)

#: Path, dataset, size in bytes, time of change in microseconds, key of how it is read.
FileState = tuple[str, str, int, int, str]


@dataclass(frozen=True)
class LedgerCopy:
    """What the warehouse knew after its last load.

    ``input_digest`` is that of the fingerprint; ``written_at`` tells one load from the next;
    ``failed`` are (path, reason) of files that could not be loaded.
    """

    input_digest: str
    written_at: datetime
    files: frozenset[FileState]
    failed: tuple[tuple[str, str], ...]


def write_ledger_copy(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the copy, put in place at once.

    Args:
        con: the warehouse, with its raw tables and no transaction open.
        path: where the copy stands.
    """
    rows = read_ledger(con)
    text = json.dumps(
        {
            "input_digest": input_digest(con),
            "written_at": datetime.now(UTC).isoformat(),
            "files": [
                [
                    row.path,
                    row.dataset,
                    row.size_bytes,
                    _microseconds(row.modified_at),
                    row.reading_key or "",
                ]
                for row in rows
            ],
            "failed": [[row.path, row.error or ""] for row in rows if row.status == "failed"],
        }
    )
    aside = path.with_name(f"{path.name}.new")
    # Where it cannot be written, the earlier copy makes a sensor ask for a run too many.
    with suppress(OSError):
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)


def read_ledger_copy(path: Path) -> LedgerCopy | None:
    """The copy; None when there is none, or none that can be read."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return LedgerCopy(
            input_digest=told["input_digest"],
            written_at=datetime.fromisoformat(told["written_at"]),
            files=frozenset((row[0], row[1], row[2], row[3], row[4]) for row in told["files"]),
            failed=tuple((row[0], row[1]) for row in told["failed"]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def unknown_files(folder: LandingFolder, known: LedgerCopy | None) -> dict[str, FileState]:
    """Files that no load has seen as they are now, by path and dataset, in the folder's order."""
    files = known.files if known else frozenset()
    return {
        f"{state[0]}|{state[1]}": state for state in _states(folder.files) if state not in files
    }


def _states(files: tuple[LandingFile, ...]) -> Iterator[FileState]:
    reading_keys: dict[tuple[int, int], str] = {}
    for file in files:
        read_by = (id(file.profile), id(file.entry))
        if read_by not in reading_keys:
            reading_keys[read_by] = file.reading_key
        yield (
            file.relative_path,
            file.dataset,
            file.size_bytes,
            _microseconds(file.modified_at),
            reading_keys[read_by],
        )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
