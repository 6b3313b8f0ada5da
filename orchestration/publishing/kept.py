"""Earlier publications: kept when another takes their place, and put back when asked for.

Each is a file ``publications/<number>.duckdb``: the very file that was published, under a second
name. Nothing is copied, and at every moment ``marts.duckdb`` is one whole publication.

Belongs here: keeping, listing and restoring. Does not belong here: what is published next: a run
that follows builds upon whatever stands published (``build_plan.py``).
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.publishing.run_manifest import RunManifest, read_run_manifest
from orchestration.settings import Settings
from orchestration.warehouse import connect_marts

_SUFFIX = ".duckdb"


@dataclass(frozen=True)
class KeptPublication:
    """One publication that can be put back."""

    number: int
    path: Path
    size_bytes: int
    manifest: RunManifest


def keep_published(settings: Settings) -> None:
    """Keep what is published under a second name, before another file takes its place.

    Of those kept the latest stay, as many as the settings say. Call it with the lock held.
    """
    manifest = published_manifest(settings)
    if manifest is not None and settings.keep_publications:
        _keep(settings, manifest.publication_number)
    for path in _files(settings)[settings.keep_publications :]:
        path.unlink(missing_ok=True)


def kept_publications(settings: Settings) -> list[KeptPublication]:
    """Publications that can be put back, the latest first; the one that is published is none."""
    published = published_manifest(settings)
    kept = []
    for path in _files(settings):
        manifest = _manifest_of(path)
        number = _number(path)
        if manifest is None or number is None:
            continue
        if published is None or number != published.publication_number:
            kept.append(KeptPublication(number, path, path.stat().st_size, manifest))
    return kept


def next_number(settings: Settings, last: int) -> int:
    """Number of the next publication: above the last one's and those that are kept."""
    return max([last, *(number for number in map(_number, _files(settings)) if number)]) + 1


def restore_publication(settings: Settings, chosen: KeptPublication) -> None:
    """Put a kept publication in place at once and keep the one that it replaces.

    Call it with the lock held. Killed in between, it leaves one of the two published, whole.
    """
    published = published_manifest(settings)
    if published is not None:
        _keep(settings, published.publication_number)
    aside = settings.marts_path.with_name("marts.restoring.duckdb")
    _second_name(chosen.path, aside)
    aside.replace(settings.marts_path)
    chosen.path.unlink(missing_ok=True)


def published_manifest(settings: Settings) -> RunManifest | None:
    """Manifest of what is published; None when nothing is, or an older form."""
    return _manifest_of(settings.marts_path) if settings.marts_path.exists() else None


def choose_kept(settings: Settings, number: int | None) -> KeptPublication:
    """The kept publication of a number, or the latest of those before the published one.

    Raises:
        CustomerValueError: there is none; says which there are.
    """
    kept = kept_publications(settings)
    published = published_manifest(settings)
    before = [one for one in kept if published is None or one.number < published.publication_number]
    chosen = [one for one in kept if one.number == number] if number is not None else before
    if chosen:
        return chosen[0]
    numbers = ", ".join(str(one.number) for one in kept)
    wanted = "earlier publication" if number is None else f"publication {number}"
    there = f"kept are {numbers}" if kept else "none is kept"
    raise CustomerValueError(
        f"There is no {wanted} to restore: {there}.",
        "Name one of these with --to."
        if kept
        else "CUSTOMER_VALUE_KEEP_PUBLICATIONS says how many are kept from now on.",
    )


def _keep(settings: Settings, number: int) -> None:
    settings.publications_dir.mkdir(parents=True, exist_ok=True)
    target = settings.publications_dir / f"{number}{_SUFFIX}"
    aside = target.with_suffix(".new")
    _second_name(settings.marts_path, aside)
    aside.replace(target)
    # A file that has both names already keeps them.
    aside.unlink(missing_ok=True)


def _second_name(source: Path, target: Path) -> None:
    """Give a file a second name; where the file system knows no second names, copy it."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _files(settings: Settings) -> list[Path]:
    """Files of kept publications, the latest first."""
    return sorted(_numbered(settings.publications_dir), key=lambda path: -(_number(path) or 0))


def _numbered(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if _number(path) is not None)


def _number(path: Path) -> int | None:
    is_ours = path.suffix == _SUFFIX and path.stem.isdecimal()
    return int(path.stem) if is_ours else None


def _manifest_of(path: Path) -> RunManifest | None:
    try:
        with connect_marts(path) as con:
            return read_run_manifest(con)
    except duckdb.Error:
        return None
