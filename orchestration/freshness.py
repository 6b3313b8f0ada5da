"""How old the publication is, and whether that is too old.

Belongs here: that one question, asked of the published file and the clock. Does not belong here:
whom to tell (``automation.py``) and how it is shown (``status.py``).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orchestration.publishing.run_manifest import read_run_manifest
from orchestration.settings import Settings
from orchestration.warehouse import connect_marts


@dataclass(frozen=True)
class Age:
    """Age of the publication that a run has made."""

    run_id: str
    published_at: datetime
    age: timedelta
    is_fresh: bool


def publication_age(settings: Settings, now: datetime | None = None) -> Age | None:
    """Age of what is published; None when nothing is.

    Args:
        settings: the published file, and the age from which it is out of date.
        now: the present in UTC, without a time zone; None: by the clock.
    """
    if not settings.marts_path.exists():
        return None
    with connect_marts(settings.marts_path) as con:
        manifest = read_run_manifest(con)
    if manifest is None:
        return None
    present = now or datetime.now(UTC).replace(tzinfo=None)
    age = present - manifest.published_at
    return Age(
        manifest.run_id,
        manifest.published_at,
        age,
        is_fresh=age < timedelta(hours=settings.freshness_hours),
    )


def describe_age(age: Age, settings: Settings) -> str:
    """One sentence: how old, and what that means."""
    hours = age.age.total_seconds() / 3600
    verdict = "up to date" if age.is_fresh else "out of date"
    return (
        f"Published {hours:,.1f} hours ago, at {age.published_at} UTC: {verdict}, as the limit is "
        f"{settings.freshness_hours:g} hours."
    )
