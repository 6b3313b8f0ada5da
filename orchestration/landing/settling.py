"""Files that are still being written: told by their age, and by a second look after reading.

A load that a person starts takes every file that stays the same while it is read. One that starts
by itself also leaves alone what was changed moments ago, since nobody has said that it is whole.

Belongs here: those two rules and what is said of such files. Does not belong here: when a run is
started for files that have settled (``orchestration/sensing.py``).
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from orchestration.errors import CustomerValueError
from orchestration.landing.files import LandingFile, describe_file
from orchestration.landing.plan import LandingPlan, PlannedFile
from orchestration.landing.report import FileReport

_STILL_WRITTEN = "It is still being written; a later run loads it once it stays as it is."


class FilesChangedError(Exception):
    """Files changed while they were read, so that what was read of them may be half of it."""

    def __init__(self, files: Sequence[PlannedFile]) -> None:
        self.files = tuple(files)
        super().__init__(", ".join(planned.file.relative_path for planned in files))


def has_changed(file: LandingFile) -> bool:
    """Whether a file's size or time differ from when it was listed; not when it is gone."""
    now = describe_file(file.path, file.path.parent, file.profile, file.entry)
    if now.size_bytes < 0:
        return False
    return (now.size_bytes, now.modified_at) != (file.size_bytes, file.modified_at)


def assert_unchanged(files: Sequence[PlannedFile]) -> None:
    """Look at files again after they were read.

    Raises:
        FilesChangedError: names those that are not what they were when they were listed.
    """
    changed = [planned for planned in files if has_changed(planned.file)]
    if changed:
        raise FilesChangedError(changed)


def set_unsettled_aside(
    plan: LandingPlan, settle_seconds: float
) -> tuple[LandingPlan, list[FileReport]]:
    """Take files that were changed less than ``settle_seconds`` ago out of a plan.

    A time of change in the future, by another clock, says nothing of a file's age unless it is
    that close to now.

    Returns:
        the plan without them, and a report for each.

    Raises:
        CustomerValueError: there would be nothing else, now or from earlier loads.
    """
    if settle_seconds <= 0:
        return plan, []
    now = datetime(1970, 1, 1) + timedelta(seconds=time.time())
    unsettled = [
        planned
        for planned in plan.files
        if planned.step != "unchanged"
        and abs((now - planned.file.modified_at).total_seconds()) < settle_seconds
    ]
    is_all = len(unsettled) == len(plan.files) > 0 and not plan.gone
    if is_all and not any(planned.held for planned in unsettled):
        raise CustomerValueError(
            f"Every file in {plan.folder.root} is still being written.",
            f"Nothing is to be done: files are loaded {settle_seconds:g} seconds after they were "
            "last changed.",
        )
    keys = {(planned.file.relative_path, planned.file.dataset) for planned in unsettled}
    settled = tuple(
        planned
        for planned in plan.files
        if (planned.file.relative_path, planned.file.dataset) not in keys
    )
    return replace(plan, files=settled), [report_waiting(planned) for planned in unsettled]


def report_waiting(planned: PlannedFile) -> FileReport:
    """The report of a file that is left for a later run; rows of its earlier content stay."""
    file = planned.file
    return FileReport(
        file.relative_path, file.dataset, file.profile.name, "waiting", error=_STILL_WRITTEN
    )
