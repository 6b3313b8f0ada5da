"""The planted shop in landing files, for tests that go through whole runs.

Belongs here: writing its files and copying what was built from them. Does not belong here:
assertions.
"""

import shutil
from pathlib import Path

import pandas as pd

from orchestration.settings import Settings
from tests.building import Builder, Built
from tests.clustered_shops import END, FREQUENT, GONE, SOMETIMES, Group

#: An order of great value by half of those who buy sometimes.
SINCE = Group("S", 35, 1, 900.0, 70, 40)


def write_orders(landing: Path, name: str, *groups: Group) -> None:
    """Write one file of order lines; its name keeps the orders apart from those of others."""
    folder = landing / "canonical"
    folder.mkdir(parents=True, exist_ok=True)
    lines = pd.DataFrame([line for group in groups for line in group.lines(END)])
    lines["order_id"] = name + "-" + lines["order_id"]
    lines.to_csv(folder / f"order_lines_{name}.csv", index=False)


def clustered_shop(build: Builder) -> Built:
    """The planted shop, run once."""
    landing = build.folder / "clustered-landing"
    if not landing.exists():
        aside = build.folder / "clustered-landing-aside"
        write_orders(aside, "first", FREQUENT, SOMETIMES, GONE)
        aside.rename(landing)
    return build(landing_dir=landing, clustering=True, cluster_max_k=5)


def copy_with_more_orders(built: Built, folder: Path) -> Settings:
    """A copy of it, with a home of its own, in whose landing folder ``SINCE`` has arrived."""
    settings = Settings(
        **{
            **built.settings.model_dump(),
            "landing_dir": folder / "landing",
            "data_dir": folder / "data",
            "home_dir": folder / "home",
        }
    )
    shutil.copytree(built.settings.resolved_landing_dir, settings.resolved_landing_dir)
    shutil.copytree(built.settings.resolved_data_dir, settings.resolved_data_dir)
    write_orders(settings.resolved_landing_dir, "since", SINCE)
    return settings
