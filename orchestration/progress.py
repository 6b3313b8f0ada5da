"""What a run tells the person who waits for it.

Belongs here: the interface through which steps report, and the reporter that says nothing.
Does not belong here: the terminal (``terminal.py``) and anything that is logged.
"""

from typing import Protocol


class Reporter(Protocol):
    """Receives what a run does while it does it; called from any thread."""

    def now(self, text: str) -> None:
        """Say what is being worked on; the next call replaces it."""

    def done(self, text: str) -> None:
        """Say that a step has ended, with the numbers a person would check."""

    def warn(self, text: str) -> None:
        """Say something that does not stop the run but should be read."""


class SilentReporter:
    """Says nothing: for runs that Dagster starts itself and for tests."""

    def now(self, text: str) -> None:
        """Ignore it."""

    def done(self, text: str) -> None:
        """Ignore it."""

    def warn(self, text: str) -> None:
        """Ignore it."""
