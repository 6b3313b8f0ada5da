"""What a load or a plan found, as plain data for whoever shows it.

Belongs here: the result types. Does not belong here: producing them.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from orchestration.landing.rejects import RejectExample

Action = Literal[
    "loaded", "replaced", "unchanged", "failed", "duplicate_content", "gone", "waiting"
]


@dataclass(frozen=True)
class FileReport:
    """What became of one file and dataset.

    ``error`` says why a file failed or was not loaded, and what to do. ``rejects`` are the first
    rejected record per column and reason, the commonest first (only for files read in this load).
    ``absent_columns`` are optional contract columns that the profile names and the file lacks.
    """

    path: str
    dataset: str
    profile: str
    action: Action
    rows_read: int = 0
    rows_kept: int = 0
    rows_rejected: int = 0
    money_read: Decimal | None = None
    money_kept: Decimal | None = None
    money_rejected: Decimal | None = None
    error: str | None = None
    rejects: tuple[RejectExample, ...] = ()
    absent_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadReport:
    """What a load did: one report per file and dataset, sorted by path.

    ``recovered_rows`` counts rejected records that an interrupted earlier load had left behind.
    """

    files: tuple[FileReport, ...]
    ignored_files: tuple[str, ...] = ()
    recovered_rows: int = 0

    @property
    def failed(self) -> tuple[FileReport, ...]:
        """Files of which nothing was taken; each says why."""
        return self._with("failed")

    @property
    def waiting(self) -> tuple[str, ...]:
        """Paths of files that are still being written and were left for a later load."""
        return tuple(dict.fromkeys(file.path for file in self._with("waiting")))

    @property
    def gone(self) -> tuple[str, ...]:
        """Paths of files that were loaded earlier and are not there any more; their rows stay."""
        return tuple(dict.fromkeys(file.path for file in self._with("gone")))

    @property
    def loaded_count(self) -> int:
        """Files newly loaded or replaced by this load."""
        return len(self._with("loaded", "replaced"))

    @property
    def unchanged_count(self) -> int:
        """Files that were loaded earlier and have not changed."""
        return len(self._with("unchanged"))

    @property
    def rows_kept(self) -> int:
        """Rows that this load put into raw tables."""
        return sum(file.rows_kept for file in self._with("loaded", "replaced"))

    @property
    def rows_rejected(self) -> int:
        """Records that this load set aside in raw.rejected_rows."""
        return sum(file.rows_rejected for file in self._with("loaded", "replaced"))

    @property
    def is_changed(self) -> bool:
        """Whether raw data differs from before the load."""
        return self.loaded_count > 0 or self.recovered_rows > 0

    def _with(self, *actions: Action) -> tuple[FileReport, ...]:
        return tuple(file for file in self.files if file.action in actions)
