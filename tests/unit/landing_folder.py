"""A landing folder and a warehouse in memory, for tests of the landing package."""

from pathlib import Path
from typing import Any

import duckdb

from orchestration.landing.load import load_landing
from orchestration.landing.report import FileReport, LoadReport
from orchestration.settings import Settings

HEADER = "order_id,product_id,ordered_at,quantity,unit_price,customer_id,product_name"
GOOD_LINE = "1001,P1,2024-03-01 10:00:00,2,9.90,C1,Cup"


class LandingFolder:
    """Files to load with one profile, and the connection they are loaded into."""

    def __init__(self, tmp_path: Path, profile: str | None = "canonical") -> None:
        self.root = tmp_path / "files"
        self.root.mkdir()
        self.settings = Settings(
            landing_dir=self.root, profile=profile, data_dir=tmp_path / "warehouse"
        )
        self.con = duckdb.connect(":memory:", config={"threads": "2"})
        self.con.execute("set preserve_insertion_order = false")

    def write(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        """Write one file; text keeps its line ends."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def write_lines(self, name: str, *lines: str, header: str = HEADER) -> Path:
        """Write a CSV file of the header and some lines."""
        return self.write(name, "\n".join([header, *lines]) + "\n")

    def load(self, **changes: Any) -> LoadReport:
        """Load the folder, with some settings changed."""
        return load_landing(self.con, self.settings.model_copy(update=changes))

    def report(self, name: str, load: LoadReport | None = None) -> FileReport:
        """Load the folder (or take that load) and return the report of one file."""
        found = [file for file in (load or self.load()).files if file.path == name]
        assert len(found) == 1, f"{name} is reported {len(found)} times"
        return found[0]

    def rows(self, columns: str, table: str = "order_lines") -> list[tuple[Any, ...]]:
        """Return some columns of a raw table, sorted by all of them."""
        return self.con.execute(f"select {columns} from raw.{table} order by all").fetchall()

    def rejects(self) -> list[tuple[Any, ...]]:
        """Return path, row number, column, value and reason of every rejected row."""
        return self.con.execute(
            "select path, row_number, column_name, value, reason from raw.rejected_rows "
            "order by path, row_number"
        ).fetchall()


def order_line(**changes: str) -> str:
    """Return a good CSV line of ``HEADER`` with some values changed."""
    values = dict(zip(HEADER.split(","), GOOD_LINE.split(","), strict=True))
    values.update(changes)
    return ",".join(values.values())
