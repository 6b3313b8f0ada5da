"""Stand-in for dbt's ``adapter`` while sqlfluff renders a model: no engine is chosen then.

Belongs here: SQL of the right shape for a macro that is dispatched by engine. Does not belong here:
anything that runs.
"""

from collections.abc import Callable

#: Macros that stand for more than an expression.
_STATEMENTS = {
    "month_spine": "select order_month from months",
    "day_spine": "select order_date from days",
}


def dispatch(macro_name: str, package: str = "") -> Callable[..., str]:
    """A macro that renders to a function call of its own name."""

    def render(*args: object) -> str:
        return _STATEMENTS.get(macro_name, f"{macro_name}({', '.join(str(a) for a in args)})")

    return render
