"""A small demo shop, a copy of it that lacks one file, and that after the file has come.

Each is built once, for tests that run again.

Belongs here: making and copying them. Does not belong here: assertions.
"""

import contextlib
import shutil
import uuid
from pathlib import Path

from orchestration.settings import Settings
from tests.building import Builder, Built, run_command

CUSTOMERS = 1_000
#: The file that the short shop lacks; it lies in the middle of the shop's 24 months.
LATE_FILE = "canonical/order_lines_2023-11.csv"


def small_shop(build: Builder) -> Built:
    """The shop with all its files, events among them, loaded and published in one run."""
    return build(demo_customers=CUSTOMERS, demo_events=True)


def short_shop(build: Builder) -> Built:
    """The same shop without ``LATE_FILE``."""
    landing = build.folder / "short-landing"
    if not landing.exists():
        aside = build.folder / f"short-landing-{uuid.uuid4().hex}"
        shutil.copytree(small_shop(build).settings.resolved_landing_dir, aside)
        (aside / LATE_FILE).unlink()
        # Another process may have been quicker; the folders are the same.
        with contextlib.suppress(OSError):
            aside.rename(landing)
    return build(landing_dir=landing)


def grown_shop(build: Builder) -> Built:
    """A copy of the short shop in which ``LATE_FILE`` has arrived and a second run has followed.

    No change is too much to be built incrementally. ``output`` is what the run said of its steps.
    """
    folder = build.folder / "grown"
    settings = _copied_settings(folder).model_copy(update={"incremental_max_share": 1000})

    def run() -> str:
        # What a run that failed has left.
        shutil.rmtree(folder, ignore_errors=True)
        copy_of(short_shop(build), folder)
        add_late_file(build, settings)
        return run_command(["run"], settings).stderr

    return Built(settings, build.once("grown", run))


def copy_of(built: Built, folder: Path) -> Settings:
    """Settings of a copy of warehouse, publication and landing folder, with a home of its own."""
    settings = _copied_settings(folder)
    shutil.copytree(built.settings.resolved_landing_dir, settings.resolved_landing_dir)
    without_landing = shutil.ignore_patterns("landing")
    shutil.copytree(
        built.settings.resolved_data_dir, settings.resolved_data_dir, ignore=without_landing
    )
    return settings


def add_late_file(build: Builder, settings: Settings) -> Path:
    """Put the missing file into the landing folder of a copy of the short shop."""
    source = small_shop(build).settings.resolved_landing_dir / LATE_FILE
    return Path(shutil.copy2(source, settings.resolved_landing_dir / LATE_FILE))


def _copied_settings(folder: Path) -> Settings:
    return Settings(
        data_dir=folder / "data", home_dir=folder / "home", landing_dir=folder / "landing"
    )
