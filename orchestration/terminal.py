"""What a person sees in the terminal while a run works: one line per step, with its time.

Belongs here: the reporter of the command line and how errors are printed. Does not belong here:
what is reported. Progress and errors go to standard error, results to standard output.
"""

import threading
import time
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from orchestration.errors import CustomerValueError


class TerminalReporter:
    """Prints a line when a step ends; shows what is going on meanwhile on a terminal.

    Use it as a context manager, so that the moving line is gone when something else prints.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._guard = threading.Lock()
        self._step_started = time.monotonic()

    def __enter__(self) -> "TerminalReporter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._guard:
            self._stop()

    def now(self, text: str) -> None:
        """Show what is being worked on, where the terminal can show a line that moves."""
        if not self._console.is_terminal:
            return
        with self._guard:
            if self._status is None:
                self._status = self._console.status(escape(text))
                self._status.start()
            else:
                self._status.update(escape(text))

    def done(self, text: str) -> None:
        """Print the ended step and how long it took."""
        with self._guard:
            self._stop()
            seconds = time.monotonic() - self._step_started
            self._step_started = time.monotonic()
            self._console.print(
                f"[green]{seconds:6.1f} s[/green]  {escape(text)}", highlight=False, soft_wrap=True
            )

    def warn(self, text: str) -> None:
        """Print something that should be read but stops nothing."""
        with self._guard:
            self._stop()
            self._console.print(
                f"[yellow]    note[/yellow]  {escape(text)}", highlight=False, soft_wrap=True
            )

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def print_error(console: Console, error: CustomerValueError) -> None:
    """One readable line: what is wrong, and the way out."""
    text = " ".join(f"{error.problem} {error.way_out}".split())
    console.print(f"[red]Error:[/red] {escape(text)}", highlight=False, soft_wrap=True)
