"""The planted shop in landing files, for tests that go through whole runs.

It is clustered and judged by expectations, which other shops of tests leave out, as the libraries
for both take seconds to import.

Belongs here: writing its files and copying what was built from them. Does not belong here:
assertions.
"""

import shutil
from pathlib import Path

import pandas as pd

from orchestration.settings import Settings
from tests.building import Builder, Built
from tests.clustered_shops import END, FREQUENT, GONE, SOMETIMES, Group

#: An expectation of the shop's own, which its customers break.
OWN_SUITE = """\
schema: core
description: What this shop expects.
tables:
  dim_customers:
    - name: customers_come_once
      expectation: expect_column_values_to_be_between
      arguments: {column: order_count, max_value: 1}
      severity: warning
      meaning: Customers of this shop do not come back.
"""
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

    def write() -> str:
        write_orders(build.folder / "clustered-landing", "first", FREQUENT, SOMETIMES, GONE)
        suites = build.folder / "clustered-suites"
        suites.mkdir(exist_ok=True)
        (suites / "own.yml").write_text(OWN_SUITE, encoding="utf-8")
        return ""

    build.once("clustered-files", write)
    return build(
        landing_dir=build.folder / "clustered-landing",
        clustering=True,
        cluster_max_k=5,
        expectations=True,
        expectations_dir=build.folder / "clustered-suites",
    )


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
