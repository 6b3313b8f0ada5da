"""What the sensor and the schedule decide: whether there is anything to run for.

Neither opens the warehouse, which belongs to the run that may be under way: they compare the
landing folder with the copy of the ledger, and the publication with settings and code.

Belongs here: decisions, as functions of what was seen. Does not belong here: sensors and schedules
themselves (``automation.py``) and which files a load leaves alone (``landing/settling.py``).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.fingerprint import code_digest, settings_digest
from orchestration.landing.files import find_landing_files
from orchestration.ledger_copy import FileState, read_ledger_copy, unknown_files
from orchestration.publishing.run_manifest import read_run_manifest
from orchestration.settings import Settings
from orchestration.warehouse import connect_marts

#: Files that the cursor holds at most. Of more that come at once the first are waited for; a run
#: loads whatever has settled by then.
MAX_FILES_SEEN = 5_000
_DIGITS = 16


@dataclass(frozen=True)
class Tick:
    """What one look at the landing folder leads to.

    ``run_key`` is None where no run is asked for; ``reason`` says why or why not, for people.
    """

    run_key: str | None
    reason: str
    cursor: str


def judge(
    cursor: str | None,
    unknown: Mapping[str, FileState],
    last_load: str,
    is_run_waiting: bool,
) -> Tick:
    """Decide whether to ask for a run.

    A file that is new or changed has settled when the look before found it the same. All that
    have settled are asked for at once, unless a run that has not loaded yet will take them anyway.
    What was asked for is asked for again only when a load has happened since and left it out, so
    that a file which fails, or a run which does, is not tried over and over.

    Args:
        cursor: what the look before left; None at the first.
        unknown: files that no load has seen as they are, in a fixed order.
        last_load: tells the last load from those before it.
        is_run_waiting: whether a run is queued, or has begun and not loaded yet.
    """
    seen, asked = _read_cursor(cursor)
    states = [_digest(state) for state in unknown.values()][:MAX_FILES_SEEN]
    settled = [state for state in states if state in seen]
    if not states:
        return Tick(None, "Nothing new in the landing folder.", _cursor([], asked))
    if not settled:
        reason = f"{_count(len(states))} new or changed; waiting until the next look finds no more."
        return Tick(None, reason, _cursor(states, asked))
    if is_run_waiting:
        reason = f"{_count(len(settled))} settled; the run that is waiting will load them."
        return Tick(None, reason, _cursor(states, asked))
    # The load tells a file that changes back to what it was from the first time it was so.
    wanted = _digest([last_load, *sorted(settled)])
    if wanted == asked:
        reason = f"{_count(len(settled))} asked for already; see the last run."
        return Tick(None, reason, _cursor(states, asked))
    return Tick(wanted, f"{_count(len(settled))} settled.", _cursor(states, wanted))


def look(settings: Settings, cursor: str | None, is_run_waiting: bool) -> Tick:
    """Look at the landing folder and decide.

    Raises:
        CustomerValueError: there is no landing folder, or no profile for it.
    """
    known = read_ledger_copy(settings.ledger_copy_path)
    unknown = unknown_files(find_landing_files(settings), known)
    return judge(cursor, unknown, known.written_at.isoformat() if known else "", is_run_waiting)


def why_refresh(settings: Settings) -> str | None:
    """Why a refresh would publish something else than what is published; None when it would not.

    Raises:
        CustomerValueError: there is no landing folder, or no profile for it.
    """
    known = read_ledger_copy(settings.ledger_copy_path)
    if not settings.marts_path.exists():
        return "nothing is published yet"
    if known is None:
        return "it is not known what was loaded"
    if unknown_files(find_landing_files(settings), known):
        return "files are new or changed"
    with connect_marts(settings.marts_path) as con:
        manifest = read_run_manifest(con)
    if manifest is None:
        return "the publication is of an older form"
    if manifest.input_digest != known.input_digest:
        return "what was loaded is not published"
    if manifest.settings_digest != settings_digest(settings):
        return "settings have changed"
    if manifest.code_digest != code_digest():
        return "models, lookup tables or code have changed"
    return None


def _read_cursor(cursor: str | None) -> tuple[frozenset[str], str]:
    """Digests of the files seen, and of what was asked for; a cursor of another form is none."""
    try:
        told = json.loads(cursor or "{}")
        return frozenset(told.get("seen", ())), str(told.get("asked", ""))
    except (ValueError, AttributeError, TypeError):
        return frozenset(), ""


def _cursor(states: Iterable[str], asked: str) -> str:
    return json.dumps({"seen": sorted(states), "asked": asked}, separators=(",", ":"))


def _digest(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _count(number: int) -> str:
    return f"{number:,} {'file' if number == 1 else 'files'}"
