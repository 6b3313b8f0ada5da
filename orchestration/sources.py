"""Making sure that there is something to read: the demo shop, when no landing folder is named.

Belongs here: whether the demo shop is there and whole. Does not belong here: how it is generated.
"""

from orchestration.progress import Reporter
from orchestration.settings import Settings


def is_demo_missing(settings: Settings) -> bool:
    """Whether the demo shop is wanted and not there, or was left incomplete."""
    # The generator writes this file last.
    return settings.is_demo and not (settings.resolved_data_dir / "truth" / "summary.json").exists()


def ensure_demo_shop(settings: Settings, reporter: Reporter) -> None:
    """Generate the demo shop where it is wanted and missing."""
    if not is_demo_missing(settings):
        return
    from orchestration.demo import generate_demo_shop

    reporter.now("No landing folder is named: generating the demo shop")
    truth = generate_demo_shop(settings.resolved_data_dir, progress=reporter.now)
    reporter.done(
        f"demo shop generated in {settings.resolved_landing_dir} "
        f"({truth.customers:,} customers, {truth.months} months)"
    )
