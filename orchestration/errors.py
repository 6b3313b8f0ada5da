"""The one exception a person is meant to read.

Belongs here: the error type that carries a way out. Does not belong here: errors of the code.
"""


class CustomerValueError(Exception):
    """Something a person can put right: what is wrong, where, and what to do about it.

    The command line prints it as one readable line and exits with status 1.
    """

    def __init__(self, problem: str, way_out: str = "") -> None:
        self.problem = problem
        self.way_out = way_out
        super().__init__(f"{problem} {way_out}".strip())
