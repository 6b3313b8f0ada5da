"""The same data as one file per day, as Parquet and as a workbook gives the same publication."""

from pathlib import Path

import pytest

from tests.building import Builder, Built
from tests.published_tables import differences

PROFILE = "uci_online_retail"


@pytest.mark.parametrize(
    ("feed", "files"),
    [("by-day", 305), pytest.param("Online Retail.xlsx", 1, marks=pytest.mark.soak)],
)
def test_published_tables_do_not_depend_on_the_feed(
    build: Builder, uci_net: Built, uci_dir: Path, feed: str, files: int
) -> None:
    built = build(landing_dir=uci_dir / feed, profile=PROFILE)
    assert built.warehouse(
        "select count(*), sum(rows_read), sum(rows_rejected) from raw.loaded_files "
        "where status = 'loaded'"
    ) == [(files, 541_909, 2)]
    assert differences(built.marts_path, uci_net.marts_path, are_files_equal=False) == []
