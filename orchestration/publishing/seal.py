"""The seal of a build: that nobody else has written to its file since it was recorded.

A dbt that is started by hand may find the warehouse free between two steps of a run, and write to
the file that the run goes on with or is about to publish. The record of the build would not know.

Belongs here: sealing the file that is built in, and looking at the seal. Does not belong here: how
the build ended (``build_record.py``).
"""

import json
from pathlib import Path

from orchestration.errors import CustomerValueError
from orchestration.settings import Settings


def seal_build(settings: Settings) -> None:
    """Note the state of the file that a build has just left; call it with the lock held."""
    _seal_path(settings).write_text(json.dumps(_state(settings.marts_build_path)))


def remove_seal(settings: Settings) -> None:
    """Remove the seal of a build that is removed or published."""
    _seal_path(settings).unlink(missing_ok=True)


def assert_sealed(settings: Settings) -> None:
    """Refuse a file that is not as its build has left it; call it before writing to the file.

    Raises:
        CustomerValueError: another program has written to it, or made it.
    """
    if not is_sealed(settings):
        raise broken_seal(settings)


def is_sealed(settings: Settings) -> bool:
    """Whether the file is as it was when it was sealed.

    Who asks with the file open has a lasting answer: no other program can write to it from then on.
    """
    try:
        sealed = json.loads(_seal_path(settings).read_text())
    except (OSError, ValueError):
        sealed = None
    return bool(sealed == _state(settings.marts_build_path))


def broken_seal(settings: Settings) -> CustomerValueError:
    """The error that says what became of the file, and the way out."""
    return CustomerValueError(
        f"Another program, such as a dbt started by hand, has written to "
        f"{settings.marts_build_path} since it was built: nothing is published, the last "
        "publication stays.",
        "Run again. Builds by hand go into a file of their own: see dbt_project/profiles.yml.",
    )


def _seal_path(settings: Settings) -> Path:
    return settings.marts_build_path.with_suffix(".seal")


def _state(path: Path) -> list[int] | None:
    """Size and time of change; None where there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return [status.st_size, status.st_mtime_ns]
