"""Putting an earlier publication back.

Belongs here: the order of the steps. Does not belong here: the files (``publishing/kept.py``).
"""

from orchestration.build_record import forget_build
from orchestration.publishing.kept import KeptPublication, choose_kept, restore_publication
from orchestration.settings import Settings
from orchestration.warehouse import connect_warehouse, warehouse_lock


def restore(settings: Settings, number: int | None = None) -> KeptPublication:
    """Make an earlier publication the published one; the one it replaces is kept.

    The next run builds upon it: what the warehouse has loaded since is published again.

    Args:
        settings: the warehouse and its publications.
        number: number of the publication; None: the latest of those before the present one.

    Raises:
        CustomerValueError: there is none of that number.
        WarehouseInUseError: a run is under way.
    """
    with warehouse_lock(settings, "restoring a publication"):
        chosen = choose_kept(settings, number)
        if settings.warehouse_path.exists():
            # Its record speaks of tables that will not stand beside those that are restored.
            with connect_warehouse(settings, "forgetting the last build") as con:
                forget_build(con)
        restore_publication(settings, chosen)
    return chosen
