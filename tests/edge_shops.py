"""Small landing folders, loaded for real and built by the compiled models, with all their checks.

Belongs here: from the text of files to tables, and a publication that the summary can read. Does
not belong here: shops and expectations.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.landing.load import load_landing
from orchestration.landing.report import LoadReport
from orchestration.settings import Settings
from orchestration.warehouse import MARTS
from tests.compiled_models import compiled_checks, dated_warehouse

ORDER_LINES = "order_id,line_number,product_id,ordered_at,quantity,unit_price,customer_id,status"
CUSTOMERS = "customer_id,registered_at"

#: They compare with the publication before, of which a compiled build knows nothing.
_RESTATEMENTS = ("rpt_restatements", "int_restatement_causes")

#: They warn of what is unlike the days and months before, which these shops are on purpose.
_DRIFT = "rpt_drift"


def line(
    order_id: str,
    day: str,
    customer_id: str = "C1",
    price: str = "10",
    quantity: int = 1,
    product_id: str = "P1",
    status: str = "",
) -> str:
    """One order line as it stands in a file; a negative quantity is a cancellation."""
    status = status or ("cancellation" if quantity < 0 else "")
    return f"{order_id},1,{product_id},{day} 12:00:00,{quantity},{price},{customer_id},{status}"


def write_files(folder: Path, files: Mapping[str, list[str]]) -> None:
    """Write files of order lines and of customers; their names begin with the dataset's."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        header = CUSTOMERS if name.startswith("customers") else ORDER_LINES
        (folder / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


class EdgeShop:
    """A landing folder and the warehouse that is built from it."""

    def __init__(self, folder: Path, variant: str = "net") -> None:
        self.variant = variant
        self.settings = Settings(
            landing_dir=folder / "landing", profile="canonical", data_dir=folder / "data"
        )
        self.warehouse = dated_warehouse(variant)
        self.targets = tuple(
            model.name
            for model in self.warehouse.models.values()
            if model.name not in _RESTATEMENTS
        )

    def build(
        self, *order_lines: str, customers: list[str] | None = None, as_of: str | None = None
    ) -> LoadReport:
        """Land files of these lines in place of what was there, and build every table."""
        files = {"order_lines.csv": list(order_lines)} if order_lines else {}
        if customers:
            files["customers.csv"] = customers
        write_files(self.settings.resolved_landing_dir, files)
        report = load_landing(self.warehouse.con, self.settings)
        self.warehouse.con.execute("delete from main.as_of")
        if as_of is not None:
            self.warehouse.con.execute(
                "insert into main.as_of values (?)", [date.fromisoformat(as_of)]
            )
        self.warehouse.build({}, self.targets)
        return report

    def failed_checks(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every data test of the project that finds rows, with the first of them."""
        found = {}
        for check in compiled_checks(self.variant):
            is_drift = _DRIFT in check.sql and check.name.startswith("assert_")
            if not is_drift and not any(name in check.sql for name in _RESTATEMENTS):
                rows = self.warehouse.con.execute(check.sql).fetchmany(3)
                if rows:
                    found[check.name] = rows
        return found

    def rows(self, table: str, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of a published table in the order of their columns."""
        return self.warehouse.con.execute(
            f"select {columns} from {self.warehouse.models[table].relation} where {where} "
            "order by all"
        ).fetchall()

    def publish(self) -> Path:
        """The tables in a file, as the summary reads them."""
        path = self.settings.resolved_data_dir / "marts.duckdb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        con = self.warehouse.con
        con.execute(f"attach '{path}' as published")
        for model in self.warehouse.models.values():
            if model.name in self.targets and model.relation.startswith(f'"{MARTS}"'):
                con.execute(f"create schema if not exists published.{model.schema}")
                con.execute(
                    f"create table published.{model.schema}.{model.name} as from {model.relation}"
                )
        con.execute("create schema published.meta")
        con.execute("create table published.meta.input_files as from raw.loaded_files")
        con.execute("detach published")
        return path
