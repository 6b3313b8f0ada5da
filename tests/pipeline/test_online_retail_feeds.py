"""The same data as one file per day, as Parquet and as a workbook gives the same publication.

That the raw rows are the same is tested more often (tests/unit/test_landing_real_data.py).
"""

from pathlib import Path

import pytest

from tests.building import Builder, Built
from tests.published_tables import differences

PROFILE = "uci_online_retail"


@pytest.mark.soak
@pytest.mark.parametrize(("feed", "files"), [("by-day", 305), ("Online Retail.xlsx", 1)])
def test_published_tables_do_not_depend_on_the_feed(
    build: Builder, uci_net: Built, uci_dir: Path, feed: str, files: int
) -> None:
    built = build(landing_dir=uci_dir / feed, profile=PROFILE)
    assert built.warehouse(
        "select count(*), sum(rows_read), sum(rows_rejected) from raw.loaded_files "
        "where status = 'loaded'"
    ) == [(files, 541_909, 2)]
    assert differences(built.marts_path, uci_net.marts_path, are_files_equal=False) == []
