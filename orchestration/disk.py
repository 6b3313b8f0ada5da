"""A full disk, said in words.

Belongs here: telling it from other errors, and the way out. Does not belong here: what is written.
"""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.errors import CustomerValueError
from orchestration.settings import Settings

_LEAST_BYTES = 500_000
#: As the operating system, DuckDB and SQLite say it.
_SIGNS = ("no space left", "disk is full", "out of disk", "disk full")


@contextmanager
def explained_disk_errors(settings: Settings) -> Iterator[None]:
    """Turn whatever error a full disk shows itself by into one that says what to do.

    Raises:
        CustomerValueError: the disk of the data folder is full.
    """
    try:
        yield
    except Exception as error:
        if not (is_disk_full(error) or has_no_space(settings)):
            raise
        problem = error.problem if isinstance(error, CustomerValueError) else None
        raise CustomerValueError(
            problem or f"No space left on the disk of {settings.resolved_data_dir}.",
            "Free some space or choose another --data-dir, then run again. The last publication "
            "is untouched.",
        ) from error


def has_no_space(settings: Settings) -> bool:
    """Whether next to nothing is left of a disk that a run writes to, whatever an error says.

    SQLite, for one, speaks of an input or output error where its journal finds no room.
    """
    folders = (settings.resolved_data_dir, settings.resolved_home_dir)
    return any(
        shutil.disk_usage(folder).free < _LEAST_BYTES for folder in folders if folder.exists()
    )


def is_disk_full(error: BaseException) -> bool:
    """Whether an error, or what caused it, comes from a disk without space."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return True
        if any(sign in str(cause).lower() for sign in _SIGNS):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
