"""The command ``customer-value erase``: its input and what it prints.

Belongs here: reading ids from a file, and the table of the proof. Does not belong here: erasing.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.erasure.erase import Erasure, assert_nothing_found, erase
from orchestration.errors import CustomerValueError
from orchestration.progress import Reporter
from orchestration.settings import Settings


def erase_customers(
    settings: Settings,
    customer_ids: Sequence[str],
    from_file: Path | None,
    reason: str,
    reporter: Reporter,
    console: Console,
) -> None:
    """Erase customers and print the proof.

    Args:
        settings: the data folder.
        customer_ids: ids given as arguments.
        from_file: file with one id on each line, added to these.
        reason: why, for the list of erased customers.
        reporter: told of every step.
        console: where the proof is printed.

    Raises:
        CustomerValueError: an id is not known, the file cannot be read, another process is at
            work, or something is found after the erasure.
    """
    ids = [*customer_ids, *(_read_ids(from_file) if from_file else [])]
    done = erase(settings, ids, reason, reporter)
    _print_proof(done, console)
    assert_nothing_found(done.searches)


def _read_ids(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CustomerValueError(
            f"The file {path} cannot be read.", "Give a UTF-8 text file with one id on each line."
        ) from error


def _print_proof(done: Erasure, console: Console) -> None:
    console.print(
        f"Erased: {len(done.pseudonyms):,} customer(s), now {', '.join(done.pseudonyms[:5])}"
        f"{', ...' if len(done.pseudonyms) > 5 else ''}. The ids and their hashes were searched:",
        highlight=False,
        soft_wrap=True,
    )
    table = Table()
    for heading in ("searched", "how much", "found"):
        table.add_column(heading)
    for search in done.searches:
        table.add_row(search.what, search.searched, ", ".join(search.found) or "nothing")
    console.print(table)
    if done.landing_files:
        console.print(
            "These files are yours and still hold an id; it is kept out whenever they are read:",
            highlight=False,
            soft_wrap=True,
        )
        for path in done.landing_files:
            console.print(f"  {path}", highlight=False, soft_wrap=True)
