"""Measure the pipeline beside hand-written SQL and a pandas script; print a Markdown report.

Belongs here: the command line and the report. Does not belong here: what is measured
(``scenarios.py``). See README.md in this folder.
"""

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
from comparing import TableResult
from measuring import CommandFailedError, Repeated
from scenarios import Bench, Grown, OneMoreDay, SideBySide, Source, Timed, say

from orchestration.demo import generate_demo_shop, read_demo_truth

HERE = Path(__file__).resolve().parent
SCENARIOS = (
    "side-by-side",
    "nothing-new",
    "one-more-day",
    "limited-memory",
    "growth",
    "many-files",
)
#: How much smaller the small shop of `growth` is.
_GROWTH = 10


def main() -> int:
    """Run the chosen scenarios; the exit status is 1 when outputs differ or a command fails."""
    arguments = _parse()
    bench = Bench(
        arguments.work_dir.resolve(),
        arguments.pipeline,
        arguments.basis,
        arguments.repeats,
        arguments.repeats if arguments.baseline_repeats is None else arguments.baseline_repeats,
    )
    bench.work.mkdir(parents=True, exist_ok=True)
    lines, is_equal = [*_machine(bench)], True
    try:
        for source in _sources(arguments, bench):
            for part, part_is_equal in _measure_source(bench, source, arguments):
                lines += part
                is_equal &= part_is_equal
        chosen = arguments.only or SCENARIOS
        if arguments.demo_customers and "growth" in chosen:
            shops = [_demo(bench, size) for size in _growth_sizes(arguments.demo_customers)]
            lines += _growth_report(bench.growth(*shops))
    except CommandFailedError as error:
        say(str(error))
        return 1
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    return 0 if is_equal else 1


def _measure_source(
    bench: Bench, source: Source, arguments: argparse.Namespace
) -> Iterator[tuple[list[str], bool]]:
    chosen = arguments.only or list(SCENARIOS)
    if "side-by-side" in chosen or "nothing-new" in chosen:
        result = bench.side_by_side(source)
        is_equal = all(table.is_equal for tables in result.tables.values() for table in tables)
        yield _side_by_side_report(result), is_equal
    if "nothing-new" in chosen:
        yield _single_report(f"{source.name}: nothing new", bench.nothing_new(source)), True
    if "one-more-day" in chosen:
        yield _one_more_day_report(source, bench.one_more_day(source)), True
    if "limited-memory" in chosen:
        limited = bench.limited_memory(source, arguments.memory_limit)
        yield _memory_report(source, limited, arguments.memory_limit), True
    if "many-files" in chosen and source.profile == "uci_online_retail":
        count, many, one = bench.many_files_and_one(source)
        extra = (many.wall_seconds - one.wall_seconds) / max(count - 1, 1)
        lines = [f"## {source.name}: {count} files and one", "", *_table_head()]
        lines += [_row(f"{count} files", many), _row("1 file, the same rows", one)]
        lines += ["", f"A file more costs {extra * 1000:.0f} ms.", ""]
        yield lines, True


def _sources(arguments: argparse.Namespace, bench: Bench) -> Iterator[Source]:
    if arguments.uci:
        yield Source("uci", arguments.uci.resolve(), "uci_online_retail")
    shop = arguments.demo_shop
    if arguments.demo_customers:
        yield _demo(bench, arguments.demo_customers)
    elif shop:
        yield Source("demo", shop.resolve() / "landing" / "canonical", "canonical")


def _growth_sizes(customers: int) -> tuple[int, int]:
    return max(1, customers // _GROWTH), customers


def _demo(bench: Bench, customers: int) -> Source:
    """A demo shop of that size; made once and kept."""
    shop = bench.work / f"shop-{customers}"
    if read_demo_truth(shop) is None:
        generate_demo_shop(shop, customers=customers, progress=say)
    return Source(f"demo-{customers}", shop.resolve() / "landing" / "canonical", "canonical")


def _machine(bench: Bench) -> Iterator[str]:
    memory = psutil.virtual_memory().total / 2**30
    yield (
        f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, "
        f"basis {bench.basis}; medians of {bench.repeats} runs, {bench.baseline_repeats} of the "
        f"pandas script, in turns; load average before "
        f"{os.getloadavg()[0]:.1f}."
    )
    yield ""


def _side_by_side_report(result: SideBySide) -> list[str]:
    lines = [f"## {result.source.name}: {result.rows:,} rows", "", *_timed_rows(result.timed)]
    if len(result.timed) > 1:
        lines += ["", *_ratios(result.timed)]
    for other, tables in result.tables.items():
        lines += ["", f"The pipeline's tables and those of the {other.label}:", ""]
        lines += _comparison_rows(tables)
    return [*lines, ""]


def _timed_rows(timed: tuple[Timed, ...], suffix: str = "") -> list[str]:
    lines = _table_head()
    for each in timed:
        title = each.contender.label + suffix
        lines += [_row(title, each.whole), _row(f"{title}, one order", each.start_up)]
    return lines


def _ratios(timed: tuple[Timed, ...]) -> list[str]:
    ours, *others = timed
    titles = " | ".join(other.contender.label for other in others)
    rows = {
        "wall time": [
            _ratio(other.whole.wall_seconds, ours.whole.wall_seconds) for other in others
        ],
        "wall time without start-up": [
            _ratio(other.work_wall_seconds, ours.work_wall_seconds) for other in others
        ],
        "CPU time": [_ratio(other.whole.cpu_seconds, ours.whole.cpu_seconds) for other in others],
        "CPU time without start-up": [
            _ratio(other.work_cpu_seconds, ours.work_cpu_seconds) for other in others
        ],
        "peak memory": [_ratio(other.whole.peak_bytes, ours.whole.peak_bytes) for other in others],
    }
    lines = [f"| as a multiple of the pipeline | {titles} |", "|---" * (len(others) + 1) + "|"]
    for name, ratios in rows.items():
        lines.append(f"| {name} | {' | '.join(ratios)} |")
    return lines


def _ratio(part: float, whole: float, digits: int = 2) -> str:
    """A quotient of times; none where nothing is left without start-up, as on a tiny shop."""
    return f"{part / whole:.{digits}f}" if part > 0 and whole > 0 else "-"


def _comparison_rows(tables: tuple[TableResult, ...]) -> list[str]:
    lines = ["| table | rows | only on one side | different | equal |", "|---|---|---|---|---|"]
    for table in tables:
        verdict = "yes" if table.is_equal else "NO"
        lines.append(
            f"| {table.name} | {table.rows:,} | {table.unpaired} | {table.different} | {verdict} |"
        )
    return lines


def _one_more_day_report(source: Source, result: OneMoreDay) -> list[str]:
    new, full, start = result.incremental, result.full_refresh, result.start_up
    lines = [f"## {source.name}: one more day", "", *_table_head()]
    lines += [_row("one more day", new), _row("everything anew", full)]
    lines += [_row("one order (start-up)", start), ""]
    wall = _ratio(new.wall_seconds, full.wall_seconds, 3)
    cpu = _ratio(new.cpu_seconds, full.cpu_seconds, 3)
    work_wall = _ratio(
        new.wall_seconds - start.wall_seconds, full.wall_seconds - start.wall_seconds, 3
    )
    work_cpu = _ratio(new.cpu_seconds - start.cpu_seconds, full.cpu_seconds - start.cpu_seconds, 3)
    return [
        *lines,
        "| one more day, as a part of everything anew | wall time | CPU time |",
        "|---|---|---|",
        f"| whole | {wall} | {cpu} |",
        f"| without start-up | {work_wall} | {work_cpu} |",
        "",
    ]


def _memory_report(source: Source, timed: tuple[Timed, ...], limit: str) -> list[str]:
    return [
        f"## {source.name}: with memory_limit {limit}",
        "",
        *_timed_rows(timed, f", {limit}"),
        "",
    ]


def _growth_report(grown: tuple[Grown, ...]) -> list[str]:
    small_rows, large_rows = grown[0].small_rows, grown[0].large_rows
    factor = large_rows / small_rows
    lines = [f"## Growth from {small_rows:,} to {large_rows:,} rows", "", *_table_head()]
    for each in grown:
        title = each.small.contender.label
        lines += [_row(f"{title}, {small_rows:,}", each.small.whole)]
        lines += [_row(f"{title}, {large_rows:,}", each.large.whole)]
    lines += [
        "",
        "Time and memory per row in the large shop, as a multiple of the small one (1: linear); "
        "time without start-up.",
        "",
        "| | wall time | CPU time | peak memory |",
        "|---|---|---|---|",
    ]
    for each in grown:
        small, large = each.small, each.large
        wall = _ratio(large.work_wall_seconds, small.work_wall_seconds * factor)
        cpu = _ratio(large.work_cpu_seconds, small.work_cpu_seconds * factor)
        memory = _ratio(large.whole.peak_bytes, small.whole.peak_bytes * factor)
        title = each.small.contender.label
        lines.append(f"| {title} | {wall} | {cpu} | {memory} |")
    return [*lines, ""]


def _single_report(title: str, repeated: Repeated) -> list[str]:
    return [f"## {title}", "", *_table_head(), _row(title, repeated), ""]


def _table_head() -> list[str]:
    return ["| run | wall s | from-to | CPU s | peak memory GB |", "|---|---|---|---|---|"]


def _row(name: str, repeated: Repeated) -> str:
    return (
        f"| {name} | {repeated.wall_seconds:.1f} | {repeated.spread} "
        f"| {repeated.cpu_seconds:.1f} | {repeated.peak_bytes / 2**30:.2f} |"
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uci", type=Path, help="folder with the day files of Online Retail")
    shop = parser.add_mutually_exclusive_group()
    shop.add_argument("--demo-customers", type=int, help="make a demo shop of this size")
    shop.add_argument("--demo-shop", type=Path, help="a demo shop that is there already")
    parser.add_argument("--basis", choices=["net", "gross"], default="net")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--baseline-repeats", type=int, help="as --repeats; 0 leaves the pandas script out"
    )
    parser.add_argument("--memory-limit", default="4GB", help="of the scenario limited-memory")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="may be repeated")
    parser.add_argument("--work-dir", type=Path, default=HERE / "work")
    parser.add_argument("--output", type=Path, help="also write the report to this file")
    beside = Path(sys.executable).with_name("customer-value")
    parser.add_argument(
        "--pipeline", default=str(beside) if beside.exists() else shutil.which("customer-value")
    )
    arguments = parser.parse_args()
    if not (arguments.uci or arguments.demo_customers or arguments.demo_shop):
        parser.error("name something to measure: --uci, --demo-customers or --demo-shop")
    if not arguments.pipeline:
        parser.error("customer-value is not installed; see the README")
    if arguments.repeats < 1:
        parser.error("--repeats must be at least 1")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
