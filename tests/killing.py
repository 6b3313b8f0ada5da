"""Killing a run in the middle, and reading the publication all the while.

Belongs here: starting and killing the command, and the reader. Does not belong here: assertions on
what is left.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from orchestration.settings import PROJECT_ROOT, Settings

_PATIENCE_SECONDS = 240


def run_and_kill(settings: Settings, is_time: Callable[[str], bool]) -> str:
    """Start ``customer-value run`` and end it with SIGKILL as soon as the time has come.

    Args:
        settings: of the run.
        is_time: asked again and again with what the run has printed to standard error so far.

    Returns:
        what it printed before it was killed.

    Raises:
        AssertionError: it came to its end, or the time never came.
    """
    output = settings.resolved_data_dir.parent / "killed.txt"
    with output.open("wb") as stream:
        process = _start(settings, stream)
        try:
            give_up = time.monotonic() + _PATIENCE_SECONDS
            while not is_time(output.read_text()) and time.monotonic() < give_up:
                if process.poll() is not None:
                    raise AssertionError(f"it ended before it was killed: {output.read_text()}")
                time.sleep(0.005)
        finally:
            process.kill()
            process.wait()
    if process.returncode != -signal.SIGKILL:
        raise AssertionError(f"it ended before it was killed: {output.read_text()}")
    return output.read_text()


def seconds_of_a_run(settings: Settings) -> float:
    """How long such a run takes when nobody kills it, from the start of its process."""
    started = time.monotonic()
    process = _start(settings, subprocess.DEVNULL)
    if process.wait(_PATIENCE_SECONDS) != 0:
        raise AssertionError("the run that was to be measured has failed")
    return time.monotonic() - started


def _start(settings: Settings, stderr: Any) -> "subprocess.Popen[bytes]":
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CUSTOMER_VALUE_")
    }
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "run"],
        env=environment | settings.as_environment(),
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


class Reader:
    """Opens the published marts and adds them up, over and over, as an analyst would.

    Args:
        marts: the published file.
        seconds: between two looks.
    """

    def __init__(self, marts: Path, seconds: float = 0.05) -> None:
        self._marts = marts
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self.errors: list[str] = []
        self.seen: set[tuple[Any, ...]] = set()
        self.reads = 0

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self.seen.add(totals(self._marts))
                self.reads += 1
                if self.reads % 10 == 0:
                    self.errors += unreconciled(self._marts)
            except (duckdb.Error, OSError) as error:
                self.errors.append(str(error))


def unreconciled(marts: Path) -> list[str]:
    """What does not add up in a publication: differences it reports, and sums it does not."""
    with duckdb.connect(str(marts), read_only=True) as con:
        return [
            f"{metric} differs by {difference}"
            for metric, difference in con.execute(
                """
                select metric, difference from quality.rpt_reconciliation where difference <> 0
                union all
                select 'gross revenue of orders and months', orders.revenue - months.revenue
                from (select sum(gross_revenue) as revenue from core.fct_orders) as orders
                cross join (select sum(gross_revenue) as revenue from sales.rpt_sales_by_month)
                    as months
                where orders.revenue <> months.revenue
                union all
                select 'net revenue of months and kinds', months.revenue - kinds.revenue
                from (select sum(net_revenue) as revenue from sales.rpt_sales_by_month) as months
                cross join (select sum(net_revenue) as revenue from sales.rpt_sales_by_line_kind)
                    as kinds
                where months.revenue <> kinds.revenue
                """
            ).fetchall()
        ]


def totals(marts: Path) -> tuple[Any, ...]:
    """A few figures that tell two publications apart."""
    with duckdb.connect(str(marts), read_only=True) as con:
        return con.execute(
            "select count(*), sum(gross_revenue), sum(net_revenue), "
            "(select count(*) from lifecycle.fct_customer_months) from core.fct_orders"
        ).fetchall()[0]
