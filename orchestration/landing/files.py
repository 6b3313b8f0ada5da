"""The landing folder: which files are there, and which profile and dataset each belongs to.

Belongs here: walking and matching. Does not belong here: what is in a file, what is loaded.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration.errors import CustomerValueError
from orchestration.landing.profile import FileEntry, Format, Profile
from orchestration.landing.profile_store import load_profile, profile_paths
from orchestration.settings import Settings

_UNFINISHED_SUFFIXES = (".tmp", ".part", ".partial", ".crdownload")


@dataclass(frozen=True)
class LandingFile:
    """One file that feeds one dataset.

    ``path`` is the file itself, ``relative_path`` its name below the landing folder (posix).
    ``modified_at`` is UTC without a time zone, to the microsecond. A file that cannot be examined
    has size -1; reading it says why. ``salt_mark`` tells one salt of identifiers from another, for
    files whose plain identifiers are hashed.
    """

    path: Path
    relative_path: str
    profile: Profile
    entry: FileEntry
    size_bytes: int
    modified_at: datetime
    salt_mark: str = ""

    @property
    def dataset(self) -> str:
        """Name of the dataset that the file feeds."""
        return self.entry.dataset

    @property
    def format(self) -> Format:
        """Format that the file is read as."""
        return self.entry.format_of(self.path.name) or "csv"

    @property
    def reading_key(self) -> str:
        """Hash of how the file is read; another one means that it must be read anew."""
        key = self.profile.reading_key(self.entry)
        return (
            hashlib.sha256((key + self.salt_mark).encode()).hexdigest() if self.salt_mark else key
        )


@dataclass(frozen=True)
class LandingFolder:
    """What a landing folder holds: files to read, files that no pattern of a profile matches."""

    root: Path
    profiles: tuple[Profile, ...]
    files: tuple[LandingFile, ...]
    ignored_files: tuple[str, ...]

    def describe_patterns(self) -> str:
        """Return the patterns that are looked for, for messages."""
        return "; ".join(
            f"{profile.name} reads "
            + ", ".join(dict.fromkeys(p for entry in profile.files for p in entry.pattern))
            for profile in self.profiles
        )


def find_landing_files(settings: Settings) -> LandingFolder:
    """Return the files of the landing folder, sorted by path.

    Raises:
        CustomerValueError: the folder does not exist, or no profile is known for it.
    """
    folder = _find(settings)
    if settings.identity_salt is None:
        return folder
    salt = settings.identity_salt.get_secret_value().encode()
    mark = hmac.new(salt, b"identity_salt", hashlib.sha256).hexdigest()
    return replace(
        folder,
        files=tuple(
            replace(file, salt_mark=mark) if file.entry.has_plain_identifiers else file
            for file in folder.files
        ),
    )


def _find(settings: Settings) -> LandingFolder:
    root = settings.resolved_landing_dir
    if root.is_file():
        name = settings.profile or _profile_named(root.parent.name, settings, root)
        return _collect(root, [(load_profile(name, settings.profiles_dir), [root], root.parent)])
    if not root.is_dir():
        raise CustomerValueError(
            f"The landing folder {root} does not exist.",
            "Name an existing folder or file with --landing.",
        )
    if settings.profile:
        profile = load_profile(settings.profile, settings.profiles_dir)
        return _collect(root, [(profile, _walk(root), root)])
    known = profile_paths(settings.profiles_dir)
    if root.name in known:
        return _collect(root, [(load_profile(root.name, settings.profiles_dir), _walk(root), root)])
    named = sorted(child.name for child in root.iterdir() if child.is_dir() and child.name in known)
    if named:
        groups = [
            (load_profile(name, settings.profiles_dir), list(_walk(root / name)), root)
            for name in named
        ]
        taken = {path for _, paths, _ in groups for path in paths}
        others = [_relative(path, root) for path in _walk(root) if path not in taken]
        return _collect(root, groups, others)
    if settings.is_demo:
        return _collect(root, [(load_profile("canonical"), _walk(root), root)])
    name = _profile_named(root.name, settings, root)
    return _collect(root, [(load_profile(name, settings.profiles_dir), _walk(root), root)])


def describe_file(path: Path, root: Path, profile: Profile, entry: FileEntry) -> LandingFile:
    """Return a file with its size and time of change."""
    try:
        status = path.stat()
        size = status.st_size
        modified = datetime(1970, 1, 1) + timedelta(microseconds=status.st_mtime_ns // 1000)
    except OSError:
        size, modified = -1, datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
    return LandingFile(path, _relative(path, root), profile, entry, size, modified)


def _profile_named(name: str, settings: Settings, root: Path) -> str:
    known = profile_paths(settings.profiles_dir)
    if name in known:
        return name
    raise CustomerValueError(
        f"No profile is named for {root}.",
        f"Name one with --profile ({', '.join(known)}), or put the files into a folder that is "
        "named after the profile.",
    )


def _collect(
    root: Path,
    groups: Iterable[tuple[Profile, Iterable[Path], Path]],
    ignored: Iterable[str] = (),
) -> LandingFolder:
    files: list[LandingFile] = []
    left_over = list(ignored)
    profiles: list[Profile] = []
    for profile, paths, base in groups:
        profiles.append(profile)
        for path in paths:
            entries = _entries_of(profile, path, base)
            if root == path and not entries and len(profile.files) == 1:
                entries = [profile.files[0]]  # a single file that is named outright
            files.extend(describe_file(path, base, profile, entry) for entry in entries)
            if not entries:
                left_over.append(_relative(path, base))
    files.sort(key=lambda file: (file.relative_path, file.dataset))
    return LandingFolder(root, tuple(profiles), tuple(files), tuple(sorted(left_over)))


def _entries_of(profile: Profile, path: Path, base: Path) -> list[FileEntry]:
    """Entries that the file belongs to: for each dataset the first one that matches."""
    entries: dict[str, FileEntry] = {}
    for entry in profile.files:
        if entry.matches(_relative(path, base)) and entry.format_of(path.name) is not None:
            entries.setdefault(entry.dataset, entry)
    return list(entries.values())


def _relative(path: Path, base: Path) -> str:
    name = path.relative_to(base).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise CustomerValueError(
            f"The name of the file {name!a} in {base} is not text.", "Rename the file."
        ) from error
    return name


def _walk(root: Path) -> Iterator[Path]:
    """Yield every file below the folder that is neither hidden nor unfinished."""
    visited = set()
    for folder, names, files in os.walk(root, followlinks=True, onerror=_refuse_folder):
        visited.add(os.path.realpath(folder))
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".") and os.path.realpath(Path(folder) / name) not in visited
        )
        for name in sorted(files):
            path = Path(folder) / name
            is_unfinished = name.startswith((".", "~$")) or name.lower().endswith(
                _UNFINISHED_SUFFIXES
            )
            if not is_unfinished and not path.is_fifo():
                yield path


def _refuse_folder(error: OSError) -> None:
    raise CustomerValueError(
        f"The folder {error.filename} cannot be listed ({error.strerror or error}).",
        "Give read permission for it, or move it out of the landing folder.",
    ) from error
