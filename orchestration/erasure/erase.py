"""Erasing customers: from the ids to the proof, and finishing an erasure that was killed.

Belongs here: the order of steps. Does not belong here: the steps (``databases.py``, ``files.py``)
and what is printed (``cli.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.disk import explained_disk_errors
from orchestration.erasure.databases import (
    publications,
    remove_unfinished,
    rewrite_publication,
    rewrite_warehouse,
)
from orchestration.erasure.files import (
    landing_folder,
    purge_dagster,
    removable_files,
    remove_files_that_hold,
)
from orchestration.erasure.journal import (
    Journal,
    ensure_key,
    hashes_of,
    read_journal,
    remove_journal,
    write_journal,
    write_list,
)
from orchestration.erasure.proof import Search, files_that_hold, search_everything
from orchestration.erasure.records import known_customers, records_of
from orchestration.errors import CustomerValueError
from orchestration.landing.ledger import ensure_raw_tables
from orchestration.landing.suppression import Erased, Suppression, derived_pseudonym
from orchestration.landing.suppression import read_suppression as read_list
from orchestration.progress import Reporter
from orchestration.publishing.marts import remove_unpublished
from orchestration.settings import Settings
from orchestration.warehouse import clear_temp, connect_warehouse, warehouse_lock

_PURPOSE = "erasing customers"


@dataclass(frozen=True)
class Erasure:
    """What an erasure did.

    ``pseudonyms`` are in the order of the ids asked for. ``landing_files`` are files of others that
    still hold an id: they are not ours to change.
    """

    pseudonyms: tuple[str, ...]
    searches: tuple[Search, ...]
    landing_files: tuple[Path, ...]

    @property
    def is_proved(self) -> bool:
        """Whether nothing was found."""
        return not any(search.found for search in self.searches)


def erase(
    settings: Settings, customer_ids: Sequence[str], reason: str, reporter: Reporter
) -> Erasure:
    """Take customers out of every table, file and publication, for good, and prove it.

    A customer who is erased already is searched for again.

    Args:
        settings: the data folder.
        customer_ids: ids as the tables have them.
        reason: kept in the list of erased customers.
        reporter: told of every step.

    Raises:
        CustomerValueError: another process works on the data folder; an id is not known; the
            reason names somebody. Nothing is changed then.
    """
    wanted = tuple(dict.fromkeys(one.strip() for one in customer_ids if one.strip()))
    if not wanted:
        raise CustomerValueError("No customer is named.", "Give one id or more.")
    if any(customer_id in reason for customer_id in wanted):
        raise CustomerValueError(
            "The reason names a customer, and it is kept.", "Word it without the id."
        )
    with explained_disk_errors(settings), warehouse_lock(settings, _PURPOSE):
        finish_interrupted(settings, reporter)
        journal = _plan(settings, wanted, reason)
        reporter.now("Erasing")
        write_journal(settings, journal)
        _carry_out(settings, journal, reporter)
        searches = _prove(settings, journal, reporter)
        remove_journal(settings)
        reporter.now("Searching the landing folder")
        landing_files = files_that_hold(landing_folder(settings), journal.customer_ids)
    listed = {one.digest: one.pseudonym for one in journal.suppression.customers}
    names = tuple(listed[journal.suppression.digest("customer", one)] for one in wanted)
    return Erasure(names, searches, landing_files)


def finish_interrupted(settings: Settings, reporter: Reporter) -> None:
    """Finish an erasure that was killed; call while holding the warehouse lock.

    Raises:
        CustomerValueError: something is found afterwards; says where.
    """
    journal = read_journal(settings)
    if journal is None:
        return
    reporter.now("Finishing an erasure that was interrupted")
    _carry_out(settings, journal, reporter)
    searches = _prove(settings, journal, reporter)
    remove_journal(settings)
    assert_nothing_found(searches)
    reporter.done("an erasure that was interrupted is finished, and nothing was found afterwards")


def assert_nothing_found(searches: Sequence[Search]) -> None:
    """Refuse an erasure after which something is found.

    Raises:
        CustomerValueError: says where.
    """
    found = [place for search in searches for place in search.found]
    if found:
        raise CustomerValueError(
            f"An erased customer is still found in {', '.join(found[:5])}"
            f"{f' and {len(found) - 5} more places' if len(found) > 5 else ''}.",
            "A name of a file or a column that is not known to hold ids is the usual reason: "
            "rename or remove it in the landing files, and erase the customer again.",
        )


def _plan(settings: Settings, wanted: Sequence[str], reason: str) -> Journal:
    """Find the customers and their records, and work out the list as it will be."""
    current = read_list(settings)
    suppression = current or Suppression(ensure_key(settings))
    listed = {one.digest for one in suppression.customers}
    with connect_warehouse(settings, _PURPOSE, wait_seconds=0) as con:
        ensure_raw_tables(con)
        paths = publications(settings)
        known = known_customers(con, paths, wanted)
        new = [one for one in wanted if suppression.digest("customer", one) not in listed]
        unknown = [one for one in new if one not in known]
        if unknown:
            raise CustomerValueError(
                f"No customer {unknown[0]!r} is known in {settings.resolved_data_dir}"
                f"{f', nor {len(unknown) - 1} more of those named' if len(unknown) > 1 else ''}; "
                "nothing was erased.",
                "Write the id as core.dim_customers shows it, and name the right data folder with "
                "--data-dir.",
            )
        hashes = list(hashes_of(wanted))
        for customer_id in new:
            suppression = _with_customer(con, paths, suppression, customer_id, reason)
        found = [records_of(con, paths, customer_id) for customer_id in wanted]
    hashes += [one for records in found for one in records.identifiers]
    ids = [one for records in found for one in (*records.orders, *records.sends)]
    return Journal(
        suppression, tuple(wanted), tuple(dict.fromkeys(hashes)), tuple(dict.fromkeys(ids))
    )


def _with_customer(
    con: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    suppression: Suppression,
    customer_id: str,
    reason: str,
) -> Suppression:
    """The list with one more customer, under the next number.

    Orders are numbered in the order of their ids, so that ties that are broken by id stay broken
    alike, and every figure stays what it was.
    """
    name = f"erased-{len(suppression.customers) + 1:06d}"
    found = records_of(con, paths, customer_id)
    listed = {one.digest for one in suppression.records}
    records: list[Erased] = []
    for kind, values in (("order", found.orders), ("send", found.sends)):
        mark = "" if kind == "order" else "c"
        for number, value in enumerate(values, start=1):
            records.append(Erased(suppression.digest(kind, value), f"{name}-{mark}{number:06d}"))
    for kind, value in found.corrected:
        pseudonym = derived_pseudonym(suppression, kind, value, name)
        records.append(Erased(suppression.digest(kind, value), pseudonym))
    erased_on = datetime.now(UTC).date().isoformat()
    return Suppression(
        suppression.key,
        (*suppression.customers, Erased(suppression.digest("customer", customer_id), name)),
        (*suppression.records, *(one for one in records if one.digest not in listed)),
        (*suppression.details, {"pseudonym": name, "erased_on": erased_on, "reason": reason}),
    )


def _carry_out(settings: Settings, journal: Journal, reporter: Reporter) -> None:
    """Every step; each can be done again from the start."""
    clear_temp(settings)
    remove_unfinished(settings)
    remove_unpublished(settings)
    write_list(settings, journal.suppression)
    reporter.now("Writing the warehouse anew")
    rewrite_warehouse(settings, journal.suppression)
    for path in publications(settings):
        reporter.now(f"Writing {path.name} anew")
        rewrite_publication(settings, path, journal.suppression)
    reporter.now("Searching logs, reports and Dagster's storage")
    removed = remove_files_that_hold(removable_files(settings), journal.needles)
    removed += purge_dagster(settings, journal.needles)
    clear_temp(settings)
    reporter.done(
        f"warehouse and {len(publications(settings))} publication(s) written anew, "
        f"{len(removed)} other file(s) removed or purged"
    )


def _prove(settings: Settings, journal: Journal, reporter: Reporter) -> tuple[Search, ...]:
    reporter.now("Searching everything")
    return search_everything(settings, journal.needles, journal.records)
