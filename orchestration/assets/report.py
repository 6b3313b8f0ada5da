"""The report as an asset.

Belongs here: the step that makes the report after the marts are published, and its metadata. Does
not belong here: what the report shows and how it is written (``publishing/report``).
"""

import dagster as dg

from orchestration.assets.published import MARTS_KEY
from orchestration.assets.report_previews import report_previews
from orchestration.failures import readable_failures
from orchestration.layers import OWNER
from orchestration.progress import Reporter
from orchestration.publishing.report.write import Report, write_report
from orchestration.settings import Settings

REPORT_KEY = dg.AssetKey(["published", "report"])


def build_report_asset(settings: Settings, reporter: Reporter) -> dg.AssetsDefinition:
    """The asset that makes the report.

    Args:
        settings: the published marts and the file to write.
        reporter: told when it is done.
    """

    @dg.asset(
        key=REPORT_KEY,
        deps=[MARTS_KEY],
        group_name="published",
        kinds={"html"},
        owners=[OWNER],
    )
    def report() -> dg.MaterializeResult:
        """One HTML page with charts of the published tables, to be opened and mailed as it is."""
        with readable_failures():
            reporter.now("Making the report")
            written = write_report(settings.marts_path, settings.report_path)
            size = f"{written.size_bytes / 1e6:,.1f} MB"
            reporter.done(f"report of {written.charts} charts, {size}")
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(written.path)),
                "size_bytes": written.size_bytes,
                "charts": written.charts,
                "seconds": round(written.seconds, 3),
                "readings": dg.MetadataValue.md(_as_list(written)),
                **{
                    name: dg.MetadataValue.md(picture)
                    for name, picture in report_previews(written.shown).items()
                },
            }
        )

    return report


def _as_list(written: Report) -> str:
    """What the charts say, as the UI shows it beside the run."""
    return "\n".join(f"- {reading['en']}" for reading in written.readings.values())
