"""Measure the pipeline beside a plain pandas script and print a Markdown report.

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
from measuring import CommandFailedError, Repeated
from scenarios import Bench, SideBySide, Source, say

from orchestration.demo import generate_demo_shop, read_demo_truth

HERE = Path(__file__).resolve().parent
SCENARIOS = ("side-by-side", "nothing-new", "one-more-day", "many-files")


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
            for part, part_is_equal in _measure_source(bench, source, arguments.only):
                lines += part
                is_equal &= part_is_equal
    except CommandFailedError as error:
        say(str(error))
        return 1
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    return 0 if is_equal else 1


def _measure_source(
    bench: Bench, source: Source, only: list[str] | None
) -> Iterator[tuple[list[str], bool]]:
    chosen = only or list(SCENARIOS)
    if "side-by-side" in chosen or "nothing-new" in chosen:
        result = bench.side_by_side(source)
        yield _side_by_side_report(result), all(table.is_equal for table in result.tables)
    if "nothing-new" in chosen:
        yield _single_report("Nothing new", bench.nothing_new(source)), True
    if "one-more-day" in chosen:
        yield _single_report("One more day", bench.one_more_day(source)), True
    if "many-files" in chosen and source.profile == "uci_online_retail":
        count, many, one = bench.many_files_and_one(source)
        extra = (many.wall_seconds - one.wall_seconds) / max(count - 1, 1)
        lines = _table_head()
        lines += [_row(f"{count} files", many), _row("1 file, the same rows", one)]
        lines += ["", f"A file more costs {extra * 1000:.0f} ms.", ""]
        yield lines, True


def _sources(arguments: argparse.Namespace, bench: Bench) -> Iterator[Source]:
    if arguments.uci:
        yield Source("uci", arguments.uci.resolve(), "uci_online_retail")
    shop = arguments.demo_shop
    if arguments.demo_customers:
        shop = bench.work / f"shop-{arguments.demo_customers}"
        if read_demo_truth(shop) is None:
            generate_demo_shop(shop, customers=arguments.demo_customers, progress=say)
    if shop:
        yield Source("demo", shop.resolve() / "landing" / "canonical", "canonical")


def _machine(bench: Bench) -> Iterator[str]:
    memory = psutil.virtual_memory().total / 2**30
    yield (
        f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, "
        f"basis {bench.basis}; medians of {bench.repeats} runs of the pipeline and "
        f"{bench.baseline_repeats} of the baseline, in turns; load average before "
        f"{os.getloadavg()[0]:.1f}."
    )
    yield ""


def _side_by_side_report(result: SideBySide) -> list[str]:
    lines = [f"## {result.source.name}: {result.rows:,} rows", "", *_table_head()]
    lines += [_row("pipeline", result.ours), _row("pipeline, one order", result.ours_start_up)]
    if result.theirs is None or result.theirs_start_up is None:
        return [*lines, ""]
    theirs, theirs_start = result.theirs, result.theirs_start_up
    lines += [_row("pandas script", theirs), _row("pandas script, one order", theirs_start), ""]
    our_work = result.ours.wall_seconds - result.ours_start_up.wall_seconds
    their_work = theirs.wall_seconds - theirs_start.wall_seconds
    lines += [
        "| the pandas script needs, as a multiple of the pipeline | |",
        "|---|---|",
        f"| wall time | {theirs.wall_seconds / result.ours.wall_seconds:.1f} |",
        f"| wall time without start-up ({their_work:.1f} s, {our_work:.1f} s) "
        f"| {their_work / our_work:.1f} |",
        f"| peak memory | {theirs.peak_bytes / result.ours.peak_bytes:.1f} |",
        "",
        "| table | rows | only on one side | different | equal |",
        "|---|---|---|---|---|",
    ]
    for table in result.tables:
        verdict = "yes" if table.is_equal else "NO"
        lines.append(
            f"| {table.name} | {table.rows:,} | {table.unpaired} | {table.different} | {verdict} |"
        )
    return [*lines, ""]


def _single_report(title: str, repeated: Repeated) -> list[str]:
    return [*_table_head(), _row(title, repeated), ""]


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
        "--baseline-repeats", type=int, help="as --repeats; 0 leaves the baseline out"
    )
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
