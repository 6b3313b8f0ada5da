"""A full disk, said in words.

Belongs here: telling it from other errors, and the way out. Does not belong here: what is written.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.errors import CustomerValueError
from orchestration.settings import Settings

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
        if not is_disk_full(error):
            raise
        problem = error.problem if isinstance(error, CustomerValueError) else None
        raise CustomerValueError(
            problem or f"No space left on the disk of {settings.resolved_data_dir}.",
            "Free some space or choose another --data-dir, then run again. The last publication "
            "is untouched.",
        ) from error


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
