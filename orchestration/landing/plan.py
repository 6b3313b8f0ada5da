"""The plan: which files a load would read, by comparing the landing folder with the ledger.

Belongs here: that comparison, hashing included. Does not belong here: reading records, writing.
"""

import hashlib
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.landing.files import LandingFile, LandingFolder, find_landing_files
from orchestration.landing.ledger import (
    HELD,
    LedgerRow,
    has_unsettled_rows,
    read_landing_root,
    read_ledger,
)
from orchestration.settings import Settings

_CHUNK_BYTES = 4 * 1024 * 1024

Step = Literal["load", "replace", "unchanged", "duplicate_content", "failed"]


@dataclass(frozen=True)
class PlannedFile:
    """What a load would do with one file.

    ``held`` is the ledger row of this path whose rows stand in raw, ``noted`` that of an earlier
    failure or duplicate. ``problem`` says why the file cannot be read (step failed); ``twin`` is
    the path of the file with the same content (step duplicate_content).
    """

    file: LandingFile
    step: Step
    sha256: str | None = None
    held: LedgerRow | None = None
    noted: LedgerRow | None = None
    problem: str | None = None
    twin: str | None = None


@dataclass(frozen=True)
class LandingPlan:
    """What a load would do: one entry per file and dataset, sorted by path.

    ``gone`` are files whose rows stay, ``forgotten`` those that gave none and are no longer there.
    ``is_interrupted`` says that an earlier load ended before its rejects were settled.
    """

    folder: LandingFolder
    files: tuple[PlannedFile, ...]
    gone: tuple[LedgerRow, ...]
    known_root: Path | None
    is_interrupted: bool = False
    forgotten: tuple[LedgerRow, ...] = ()

    @property
    def to_load(self) -> tuple[PlannedFile, ...]:
        """Files that a load would read: new, changed, or failed before."""
        return tuple(planned for planned in self.files if planned.step in ("load", "replace"))

    @property
    def is_up_to_date(self) -> bool:
        """Whether a load would find nothing to read, and no file newly gone or failing."""
        return not (
            self.is_interrupted
            or self.to_load
            or self.forgotten
            or any(planned.step == "failed" for planned in self.files)
            or any(planned.step == "duplicate_content" and planned.held for planned in self.files)
            or any(row.status != "gone" for row in self.gone)
            or any(planned.held and planned.held.status == "gone" for planned in self.files)
        )


def plan_landing(
    con: duckdb.DuckDBPyConnection, settings: Settings, datasets: Collection[str] | None = None
) -> LandingPlan:
    """Return what a load would do; reads no file beyond hashing new and touched ones.

    Raises:
        CustomerValueError: there is no landing folder, no file in it, no profile for it, or this
            warehouse was filled from another folder.
    """
    folder = find_landing_files(settings)
    ledger = read_ledger(con)
    root = read_landing_root(con)
    if not folder.files and (root != folder.root or not ledger):
        raise CustomerValueError(
            f"There is no file to read in {folder.root}: {folder.describe_patterns()}"
            f"{_name_some(folder.ignored_files)}.",
            "Put files there, name another folder with --landing or another profile with "
            "--profile.",
        )
    wanted = set(datasets) if datasets is not None else None
    files = [file for file in folder.files if wanted is None or file.dataset in wanted]
    rows = [row for row in ledger if wanted is None or row.dataset in wanted]
    planned = _plan_files(files, rows)
    if root is not None and root != folder.root:
        _refuse_foreign_folder(root, folder, planned, rows)
    present = {(file.relative_path, file.dataset) for file in files}
    absent = [row for row in rows if (row.path, row.dataset) not in present]
    return LandingPlan(
        folder,
        tuple(planned),
        gone=tuple(row for row in absent if row.status in HELD),
        known_root=root,
        is_interrupted=bool(ledger) and has_unsettled_rows(con),
        forgotten=tuple(row for row in absent if row.status not in HELD),
    )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _plan_files(files: Iterable[LandingFile], ledger: Iterable[LedgerRow]) -> list[PlannedFile]:
    held = {(row.path, row.dataset): row for row in ledger if row.status in HELD}
    noted = {(row.path, row.dataset): row for row in ledger if row.status not in HELD}
    examined = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = []
        for file in files:
            key = (file.relative_path, file.dataset)
            jobs.append((file, held.get(key), noted.get(key)))
        hashes = pool.map(lambda job: _hash_where_needed(*job), jobs)
        examined = [
            (file, own, note, sha256, problem)
            for (file, own, note), (sha256, problem) in zip(jobs, hashes, strict=True)
        ]
    # Content that stays in raw whatever this load does: of unchanged and of gone files.
    paths = {(file.relative_path, file.dataset) for file, *_ in examined}
    owners = {(row.dataset, row.sha256): row.path for key, row in held.items() if key not in paths}
    for file, own, _, sha256, _ in examined:
        if own and own.sha256 == sha256 and own.reading_key == file.reading_key:
            owners[file.dataset, sha256] = file.relative_path
    planned = []
    for file, own, note, sha256, problem in examined:
        step: Step
        owner = owners.setdefault((file.dataset, sha256), file.relative_path) if sha256 else None
        if problem is not None:
            step = "failed"
        elif owner != file.relative_path:
            step = "duplicate_content"
        elif own is None:
            step = "load"
        elif own.sha256 == sha256 and own.reading_key == file.reading_key:
            step = "unchanged"
        else:
            step = "replace"
        twin = owner if step == "duplicate_content" else None
        planned.append(PlannedFile(file, step, sha256, own, note, problem, twin))
    return planned


def _hash_where_needed(
    file: LandingFile, own: LedgerRow | None, note: LedgerRow | None
) -> tuple[str | None, str | None]:
    """Return the file's hash (from the ledger when size and time are the same) or its problem."""
    for row in (own, note):
        if (
            row is not None
            and row.sha256 is not None
            and (row.size_bytes, row.modified_at) == (file.size_bytes, file.modified_at)
        ):
            return row.sha256, None
    try:
        return hash_file(file.path), None
    except OSError as error:
        return None, (
            f"The file cannot be read ({error.strerror or error}). Check that it exists, that it "
            "is a file, and that you may read it."
        )


def _refuse_foreign_folder(
    root: Path, folder: LandingFolder, planned: Iterable[PlannedFile], ledger: Iterable[LedgerRow]
) -> None:
    """Tell a folder that was moved, most of which is known, from another shop's."""
    loaded = {(row.path, row.sha256) for row in ledger if row.status == "loaded"}
    known = loaded & {(one.file.relative_path, one.sha256) for one in planned}
    is_new = any(one.step in ("load", "replace") for one in planned)
    if loaded and is_new and 2 * len(known) <= len(loaded):
        raise CustomerValueError(
            f"This warehouse was filled from {root}, and of its {len(loaded)} files "
            f"{len(known) or 'none'} {'are' if len(known) > 1 else 'is'} in {folder.root}.",
            "Use another --data-dir for another folder, so that their orders do not mix.",
        )


def _name_some(names: Collection[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(list(names)[:5])
    return f" (not read: {shown}{', ...' if len(names) > 5 else ''})"
