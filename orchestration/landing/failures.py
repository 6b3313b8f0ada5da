"""Failures of a load: which are about one file, and which about the machine everything runs on.

Belongs here: telling them apart and wording them. Does not belong here: what happens next (load).
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.errors import CustomerValueError
from orchestration.settings import Settings

#: What opening or reading one file may raise.
FILE_ERRORS = (CustomerValueError, OSError, ValueError, duckdb.Error)

_MACHINE_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})
_MACHINE_WORDS = (
    "no space left",
    "could not write",
    "failed to write",
    "disk quota",
    "temp directory",
    "temp_directory",
    "read-only file system",
    "database has been invalidated",
)


def is_about_the_machine(error: BaseException) -> bool:
    """Whether an error would hit every file alike: full disk, no memory, a broken warehouse."""
    if isinstance(error, OSError) and error.errno in _MACHINE_ERRNO:
        return True
    if isinstance(error, duckdb.OutOfMemoryException | duckdb.FatalException):
        return True
    return isinstance(error, OSError | duckdb.Error) and any(
        word in str(error).lower() for word in _MACHINE_WORDS
    )


def describe_problem(error: BaseException, withholds_values: bool = False) -> str:
    """Return what is wrong with a file and what to do, in words for a person.

    ``withholds_values`` leaves out what the engine says, since it may repeat a value of the file.
    """
    if isinstance(error, CustomerValueError):
        return str(error)
    if isinstance(error, OSError):
        return (
            f"The file cannot be read ({error.strerror or error}). Check that it exists, that it "
            "is a file, and that you may read it."
        )
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if withholds_values:
        said = type(error).__name__
    return (
        f"The file cannot be read: {said.rstrip('.')}. It may be damaged or not what its name "
        "says: send it again, or correct how the profile reads it."
    )


@contextmanager
def readable_machine_failures(settings: Settings) -> Iterator[None]:
    """Turn failures of the machine into errors with a way out."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if isinstance(error, duckdb.Error) and not is_about_the_machine(error):
            raise
        said = str(error).strip().splitlines()[0].rstrip(".")
        if isinstance(error, duckdb.OutOfMemoryException):
            raise CustomerValueError(
                f"There is not enough memory or scratch space to load the files ({said}).",
                "Give DuckDB more with --memory-limit, or name a scratch folder with more room "
                f"with --temp-dir (now {settings.resolved_temp_dir}).",
            ) from error
        raise CustomerValueError(
            f"The files could not be loaded because of the disk ({said}); what was not loaded "
            "completely was taken back.",
            f"Make room in {settings.resolved_data_dir} and {settings.resolved_temp_dir}, or name "
            "other folders with --data-dir and --temp-dir, then run again.",
        ) from error
