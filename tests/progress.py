"""A reporter that keeps what it is told.

Belongs here: test doubles of what runs report to. Does not belong here: assertions.
"""


class Recorder:
    """Keeps the texts of ended steps and warnings, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def now(self, text: str) -> None:
        """Ignore what is under way."""

    def done(self, text: str) -> None:
        """Keep it."""
        self.told.append(text)

    def warn(self, text: str) -> None:
        """Keep it."""
        self.told.append(text)
