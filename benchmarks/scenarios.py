"""What is measured: landing folders made ready, and the commands run on them.

Belongs here: preparing inputs and one function per scenario. Does not belong here: measuring
(``measuring.py``), comparing (``comparing.py``) and printing (``run.py``).
"""

import csv
import os
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import duckdb
from comparing import TableResult, compare_outputs, compare_published
from measuring import Measurement, Repeated, measure

_HERE = Path(__file__).resolve().parent
_SCRIPTS = {"hand_written": _HERE / "hand_written.py", "pandas": _HERE / "pandas_baseline.py"}
_MARTS = "marts.duckdb"
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


class Contender(StrEnum):
    """What makes the tables; the value names its folders of work."""

    PIPELINE = "pipeline"
    HAND_WRITTEN = "hand_written"
    PANDAS = "pandas"

    @property
    def label(self) -> str:
        """Words for a report."""
        return {
            "pipeline": "pipeline",
            "hand_written": "hand-written SQL",
            "pandas": "pandas script",
        }[self.value]


@dataclass(frozen=True)
class Timed:
    """A contender's runs on a source, and on a shop with one order (what starting costs)."""

    contender: Contender
    whole: Repeated
    start_up: Repeated

    @property
    def work_wall_seconds(self) -> float:
        """Wall time without start-up."""
        return self.whole.wall_seconds - self.start_up.wall_seconds

    @property
    def work_cpu_seconds(self) -> float:
        """Processor time without start-up."""
        return self.whole.cpu_seconds - self.start_up.cpu_seconds


@dataclass(frozen=True)
class SideBySide:
    """All contenders on the same files; pipeline first, the others may be left out."""

    source: Source
    rows: int
    timed: tuple[Timed, ...]
    #: Comparisons of the pipeline's tables with those of the other contenders.
    tables: dict[Contender, tuple[TableResult, ...]]


@dataclass(frozen=True)
class OneMoreDay:
    """The pipeline after one more day: what is new, and everything anew from the same files."""

    incremental: Repeated
    full_refresh: Repeated
    start_up: Repeated


@dataclass(frozen=True)
class Grown:
    """A contender on a small and on a large shop."""

    small_rows: int
    large_rows: int
    small: Timed
    large: Timed


@dataclass(frozen=True)
class Bench:
    """Where to work, how to start the pipeline and how often to repeat.

    ``baseline_repeats`` is for the pandas script, which is left out when it is 0.
    """

    work: Path
    pipeline: str
    basis: str
    repeats: int
    baseline_repeats: int

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """Whoever takes part."""
        return tuple(each for each in Contender if self._repeats(each))

    def side_by_side(self, source: Source) -> SideBySide:
        """Everything from nothing, in turns, and the comparison of the last outputs."""
        timed = self.time(source, self.contenders)
        marts = self.out_dir(Contender.PIPELINE, source) / _MARTS
        tables: dict[Contender, tuple[TableResult, ...]] = {}
        for each in timed[1:]:
            contender = each.contender
            say(f"{source.name}: comparing with {contender.label}")
            other = self.out_dir(contender, source)
            tables[contender] = tuple(
                compare_outputs(marts, other)
                if contender is Contender.PANDAS
                else compare_published(marts, other / _MARTS)
            )
        return SideBySide(source, count_rows(source), timed, tables)

    def time(
        self, source: Source, contenders: tuple[Contender, ...], memory_limit: str | None = None
    ) -> tuple[Timed, ...]:
        """Everything from nothing, the contenders in turns."""
        one_order = self._one_order(source.profile)
        whole: dict[Contender, list[Measurement]] = {each: [] for each in contenders}
        small: dict[Contender, list[Measurement]] = {each: [] for each in contenders}
        for turn in range(max(self._repeats(each) for each in contenders)):
            for each in contenders:
                if turn < self._repeats(each):
                    small[each].append(self.run(each, one_order, memory_limit))
                    whole[each].append(self.run(each, source, memory_limit))
        return tuple(
            Timed(each, Repeated(tuple(whole[each])), Repeated(tuple(small[each])))
            for each in contenders
        )

    def limited_memory(self, source: Source, memory_limit: str) -> tuple[Timed, ...]:
        """The two that run in DuckDB, with less memory than they would take."""
        both = tuple(each for each in self.contenders if each is not Contender.PANDAS)
        return self.time(source, both, memory_limit)

    def growth(self, small: Source, large: Source) -> tuple[Grown, ...]:
        """Each contender on two shops of different size."""
        rows = count_rows(small), count_rows(large)
        pairs = zip(
            self.time(small, self.contenders), self.time(large, self.contenders), strict=True
        )
        return tuple(Grown(*rows, *pair) for pair in pairs)

    def nothing_new(self, source: Source) -> Repeated:
        """The pipeline again on files that ``side_by_side`` has loaded."""
        say(f"{source.name}: nothing new")
        command = self._pipeline_command(source, self.out_dir(Contender.PIPELINE, source))
        return Repeated(tuple(measure(command) for _ in range(self.repeats)))

    def one_more_day(self, source: Source) -> OneMoreDay:
        """The pipeline after one file with one more day has come; the other files are loaded.

        Beside it everything anew from the same files, which is what a day would cost without
        incremental runs.
        """
        landing = self.work / f"landing-{source.name}-day"
        grown = Source(f"{source.name}-day", landing, source.profile)
        one_order = self._one_order(source.profile)
        command = self._pipeline_command(grown, self.out_dir(Contender.PIPELINE, grown))
        incremental, full, start_up = [], [], []
        for _ in range(self.repeats):
            new_file = _landing_before_the_last_day(source, landing, self.work / "last-day.csv")
            self.run(Contender.PIPELINE, grown)
            new_file.replace(landing / f"order_lines_{new_file.name}")
            say(f"{source.name}: one more day")
            incremental.append(measure(command))
            say(f"{source.name}: full refresh")
            full.append(measure([*command, "--full-refresh"]))
            start_up.append(self.run(Contender.PIPELINE, one_order))
        return OneMoreDay(
            Repeated(tuple(incremental)), Repeated(tuple(full)), Repeated(tuple(start_up))
        )

    def many_files_and_one(self, source: Source) -> tuple[int, Repeated, Repeated]:
        """Number of files, the pipeline on them, the pipeline on one file with the same rows."""
        files = sorted(source.landing.rglob("*.csv"))
        folder = self.work / f"landing-{source.name}-one-file"
        folder.mkdir(parents=True, exist_ok=True)
        _concatenate(files, folder / "all.csv")
        one = Source(f"{source.name}-one-file", folder, source.profile)
        many_runs, one_runs = [], []
        for _ in range(self.repeats):
            many_runs.append(self.run(Contender.PIPELINE, source))
            one_runs.append(self.run(Contender.PIPELINE, one))
        return len(files), Repeated(tuple(many_runs)), Repeated(tuple(one_runs))

    def run(
        self, contender: Contender, source: Source, memory_limit: str | None = None
    ) -> Measurement:
        """A contender from nothing, in a process of its own."""
        say(f"{source.name}: {contender.label}")
        out = self.out_dir(contender, source)
        shutil.rmtree(out, ignore_errors=True)
        if contender is Contender.PIPELINE:
            command = self._pipeline_command(source, out)
        else:
            command = [sys.executable, str(_SCRIPTS[contender]), *self._input_options(source)]
            command += ["--out", str(out)]
        return measure([*command, *(["--memory-limit", memory_limit] if memory_limit else [])])

    def out_dir(self, contender: Contender, source: Source) -> Path:
        """Folder that a contender writes to."""
        return self.work / f"{contender}-{source.name}"

    def _repeats(self, contender: Contender) -> int:
        return self.baseline_repeats if contender is Contender.PANDAS else self.repeats

    def _input_options(self, source: Source) -> list[str]:
        return [
            *("--landing", str(source.landing)),
            *("--profile", source.profile),
            *("--basis", self.basis),
        ]

    def _pipeline_command(self, source: Source, data: Path) -> list[str]:
        return [self.pipeline, "run", *self._input_options(source), "--data-dir", str(data)]

    def _one_order(self, profile: str) -> Source:
        """A shop with a single order: what a run costs before there is any work."""
        folder = self.work / f"landing-one-order-{profile}"
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(_ONE_ORDER[profile]) + "\n"
        (folder / "order_lines_one.csv").write_text(text, encoding="utf-8")
        return Source("one-order", folder, profile)


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
