"""Writing ``report.html`` beside the published marts.

Belongs here: reading the marts, collecting the files that go into the page, replacing the last
report at once. Does not belong here: what the page says.
"""

import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from orchestration.errors import CustomerValueError
from orchestration.publishing.report.catalogue import SECTIONS
from orchestration.publishing.report.contents import Shown, read_contents
from orchestration.publishing.report.exhibits import Words
from orchestration.publishing.report.page import FINGERPRINT, Assets, render
from orchestration.publishing.run_manifest import read_run_manifest
from orchestration.warehouse import connect_marts

#: The element with the fingerprint stands within so many characters from the start of a page.
_HEAD = 2_000


@dataclass(frozen=True)
class Report:
    """A written report: its file, size, charts drawn, what each says, and all that is shown."""

    path: Path
    size_bytes: int
    charts: int
    readings: dict[str, Words]
    shown: tuple[Shown, ...]
    seconds: float


def write_report(marts_path: Path, report_path: Path) -> Report:
    """Make the report of published marts; the last one stays until the new one is whole.

    Args:
        marts_path: the published marts.
        report_path: the file to write.

    Raises:
        CustomerValueError: nothing is published, a chart does not fit the tables, or the file
            cannot be written.
    """
    started = time.monotonic()
    with connect_marts(marts_path) as con:
        contents = read_contents(con, SECTIONS)
    page = render(contents, _assets())
    aside = report_path.with_name(f"{report_path.name}.building")
    try:
        report_path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(page, encoding="utf-8", newline="\n")
        aside.replace(report_path)
    except OSError as error:
        raise CustomerValueError(
            f"The report cannot be written to {report_path}: {error.strerror or error}.",
            "The marts are published and whole. Free some space, then `customer-value report`.",
        ) from error
    return Report(
        path=report_path,
        size_bytes=report_path.stat().st_size,
        charts=sum(shown.figure is not None for shown in contents.shown),
        readings={shown.exhibit.id: shown.reading for shown in contents.shown if len(shown.rows)},
        shown=tuple(contents.shown),
        seconds=time.monotonic() - started,
    )


def is_current(marts_path: Path, report_path: Path) -> bool:
    """Whether the report is there and was made from these very marts.

    Raises:
        CustomerValueError: nothing is published.
    """
    try:
        with report_path.open(encoding="utf-8") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    with connect_marts(marts_path) as con:
        manifest = read_run_manifest(con)
    return manifest is not None and f'"{FINGERPRINT}" content="{manifest.fingerprint}"' in head


def _assets() -> Assets:
    folder = Path(__file__).parent
    return Assets(
        plotly=_plotly_script(),
        script=(folder / "page.js").read_text(encoding="utf-8"),
        style=(folder / "page.css").read_text(encoding="utf-8"),
    )


def _plotly_script() -> str:
    """Plotly's own script as the Python package ships it, found without importing the package."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise CustomerValueError(
            "The report needs the package plotly, which is not installed.",
            "Set up .venv with `make .venv/.ready`; the marts are published and whole.",
        )
    return (Path(spec.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
