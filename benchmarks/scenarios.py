"""What is measured: landing folders made ready, and the commands run on them.

Belongs here: preparing inputs and one function per scenario. Does not belong here: measuring
(``measuring.py``), comparing (``comparing.py``) and printing (``run.py``).
"""

import csv
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
from comparing import TableResult, compare_outputs
from measuring import Measurement, Repeated, measure

BASELINE = Path(__file__).resolve().parent / "pandas_baseline.py"
_ONE_ORDER = {
    "uci_online_retail": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        "536365,22423,CAKE STAND,2,2010-12-01 08:26:00,12.75,17850.0,United Kingdom",
    ),
    "canonical": (
        "order_id,line_number,customer_id,product_id,product_name,ordered_at,quantity,unit_price,"
        "discount_amount,status,channel,platform,country",
        "1,1,7,22423,CAKE STAND,2023-01-01 08:26:00,2,12.75,,completed,app,ios,United Kingdom",
    ),
}


@dataclass(frozen=True)
class Source:
    """Order files to measure with."""

    name: str
    landing: Path
    profile: str


@dataclass(frozen=True)
class SideBySide:
    """Pipeline and baseline on the same files; the baseline may be left out."""

    source: Source
    rows: int
    ours: Repeated
    ours_start_up: Repeated
    theirs: Repeated | None
    theirs_start_up: Repeated | None
    tables: tuple[TableResult, ...]


@dataclass(frozen=True)
class Bench:
    """Where to work, how to start the pipeline and how often to repeat."""

    work: Path
    pipeline: str
    basis: str
    repeats: int
    baseline_repeats: int

    def side_by_side(self, source: Source) -> SideBySide:
        """Everything from nothing, in turns, and the comparison of the last outputs."""
        one_order = self._one_order(source.profile)
        data, out = self.data_dir(source), self.work / f"baseline-{source.name}"
        ours, ours_small, theirs, theirs_small = [], [], [], []
        for turn in range(max(self.repeats, self.baseline_repeats)):
            if turn < self.repeats:
                ours_small.append(self.run_pipeline(one_order, self.work / "data-one-order"))
                ours.append(self.run_pipeline(source, data))
            if turn < self.baseline_repeats:
                theirs_small.append(self.run_baseline(one_order, self.work / "baseline-one-order"))
                theirs.append(self.run_baseline(source, out))
        return SideBySide(
            source,
            count_rows(source),
            Repeated(tuple(ours)),
            Repeated(tuple(ours_small)),
            Repeated(tuple(theirs)) if theirs else None,
            Repeated(tuple(theirs_small)) if theirs else None,
            tuple(compare_outputs(data / "marts.duckdb", out)) if theirs else (),
        )

    def nothing_new(self, source: Source) -> Repeated:
        """The pipeline again on files that ``side_by_side`` has loaded."""
        say(f"{source.name}: nothing new")
        command = self._pipeline_command(source, self.data_dir(source))
        return Repeated(tuple(measure(command) for _ in range(self.repeats)))

    def one_more_day(self, source: Source) -> Repeated:
        """The pipeline after one file with one more day has come; the other files are loaded."""
        say(f"{source.name}: one more day")
        landing = self.work / f"landing-{source.name}-day"
        grown = Source(source.name, landing, source.profile)
        data = self.work / f"data-{source.name}-day"
        runs = []
        for _ in range(self.repeats):
            new_file = _landing_before_the_last_day(source, landing, self.work / "last-day.csv")
            self.run_pipeline(grown, data)
            new_file.replace(landing / f"order_lines_{new_file.name}")
            runs.append(measure(self._pipeline_command(grown, data)))
        return Repeated(tuple(runs))

    def many_files_and_one(self, source: Source) -> tuple[int, Repeated, Repeated]:
        """Number of files, the pipeline on them, the pipeline on one file with the same rows."""
        files = sorted(source.landing.rglob("*.csv"))
        folder = self.work / f"landing-{source.name}-one-file"
        folder.mkdir(parents=True, exist_ok=True)
        _concatenate(files, folder / "all.csv")
        one = Source(f"{source.name}-one-file", folder, source.profile)
        many_runs, one_runs = [], []
        for _ in range(self.repeats):
            many_runs.append(self.run_pipeline(source, self.work / f"data-{source.name}-many"))
            one_runs.append(self.run_pipeline(one, self.work / f"data-{one.name}"))
        return len(files), Repeated(tuple(many_runs)), Repeated(tuple(one_runs))

    def run_pipeline(self, source: Source, data: Path) -> Measurement:
        """The pipeline from nothing."""
        say(f"{source.name}: pipeline")
        shutil.rmtree(data, ignore_errors=True)
        return measure(self._pipeline_command(source, data))

    def run_baseline(self, source: Source, out: Path) -> Measurement:
        """The pandas script."""
        say(f"{source.name}: baseline")
        shutil.rmtree(out, ignore_errors=True)
        arguments = ["--landing", str(source.landing), "--profile", source.profile]
        arguments += ["--basis", self.basis, "--out", str(out)]
        return measure([sys.executable, str(BASELINE), *arguments])

    def data_dir(self, source: Source) -> Path:
        """Folder of the warehouse that ``side_by_side`` fills."""
        return self.work / f"data-{source.name}"

    def _pipeline_command(self, source: Source, data: Path) -> list[str]:
        arguments = ["--landing", str(source.landing), "--profile", source.profile]
        arguments += ["--basis", self.basis, "--data-dir", str(data)]
        return [self.pipeline, "run", *arguments]

    def _one_order(self, profile: str) -> Source:
        """A shop with a single order: what a run costs before there is any work."""
        folder = self.work / f"landing-one-order-{profile}"
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(_ONE_ORDER[profile]) + "\n"
        (folder / "order_lines_one.csv").write_text(text, encoding="utf-8")
        return Source("one order", folder, profile)


def count_rows(source: Source) -> int:
    """Rows of order lines in the files of a source."""
    pattern = "order_lines*.csv" if source.profile == "canonical" else "*.csv"
    total = 0
    with duckdb.connect() as con:
        for file in sorted(source.landing.rglob(pattern)):
            query = f"select count(*) from read_csv('{file}', all_varchar = true, header = true)"
            total += con.execute(query).fetchall()[0][0]
    return total


def say(text: str) -> None:
    """Progress, beside the report."""
    print(text, file=sys.stderr, flush=True)


def _landing_before_the_last_day(source: Source, landing: Path, new_file: Path) -> Path:
    """Copy a source without its last day; that day's rows become ``new_file``.

    Day files: the last file is held back. Other files: all are kept and a day of new orders after
    the last one is made from the rows of the last.
    """
    shutil.rmtree(landing, ignore_errors=True)
    landing.mkdir(parents=True)
    files = sorted(source.landing.rglob("*.csv"))
    if source.profile != "canonical":
        held_back = files.pop()
        shutil.copyfile(held_back, new_file)
    else:
        last = max(source.landing.rglob("order_lines_[0-9]*.csv"))
        _write_next_day(last, new_file)
    for file in files:
        try:
            os.link(file, landing / file.name)
        except OSError:
            shutil.copyfile(file, landing / file.name)
    return new_file


def _write_next_day(last: Path, new_file: Path) -> None:
    """The sale rows of the last day in a file, a day later and under new order ids."""
    with duckdb.connect() as con:
        con.execute(f"""
            create table rows as
            select * from read_csv('{last}', all_varchar = true, header = true)
            where
                try_cast(ordered_at as timestamp) between '1990-01-01' and '2099-12-31'
                and try_cast(quantity as bigint) > 0
                and order_id is not null
                and line_number::bigint < 500
        """)
        con.execute(f"""
            copy (
                select * replace (
                    'N' || order_id as order_id,
                    (ordered_at::timestamp + interval 1 day)::varchar as ordered_at
                )
                from rows
                where ordered_at::date = (select max(ordered_at::date) from rows)
                order by order_id, line_number::bigint
            ) to '{new_file}' (format csv, header)
        """)


def _concatenate(files: list[Path], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for position, file in enumerate(files):
            with file.open(encoding="utf-8", newline="") as rows:
                reader = csv.reader(rows)
                header = next(reader)
                if position == 0:
                    writer.writerow(header)
                writer.writerows(reader)
