"""The audience files as an asset.

Belongs here: the step and its metadata. Does not belong here: how the files are written
(``publishing/audiences.py``).
"""

import dagster as dg

from orchestration.assets.published import MARTS_KEY
from orchestration.failures import readable_failures
from orchestration.layers import OWNER
from orchestration.progress import Reporter
from orchestration.publishing.audiences import write_audiences
from orchestration.settings import Settings
from orchestration.warehouse import warehouse_lock

AUDIENCES_KEY = dg.AssetKey(["published", "audiences"])


def build_audience_assets(settings: Settings, reporter: Reporter) -> dg.AssetsDefinition:
    """The asset that writes the audiences of what is published.

    Args:
        settings: the publication and the folder to write to.
        reporter: told when it is done.
    """

    @dg.asset(
        key=AUDIENCES_KEY,
        deps=[MARTS_KEY],
        group_name="published",
        kinds={"csv"},
        owners=[OWNER],
        pool="warehouse",
    )
    def audiences() -> dg.MaterializeResult:
        """One file per scheme and segment with its customers at the as-of date, and a manifest."""
        if not settings.audiences:
            return dg.MaterializeResult(metadata={"written": False})
        with readable_failures(), warehouse_lock(settings, "writing the audiences", 60):
            reporter.now("Writing the audiences")
            written = write_audiences(settings)
        reporter.done(f"wrote the customers of {len(written.customers)} segments as files")
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(written.folder)),
                "files": len(written.customers),
                "customers": dg.MetadataValue.json(
                    {
                        f"{scheme}/{segment}": customers
                        for (scheme, segment), customers in written.customers.items()
                    }
                ),
            }
        )

    return audiences
