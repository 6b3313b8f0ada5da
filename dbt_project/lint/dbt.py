"""Stand-in for dbt's own cross-engine macros while sqlfluff renders a model.

Belongs here: SQL of the right shape for each of those that the project uses. Does not belong here:
anything that runs.
"""


def dateadd(datepart: str, interval: object, from_date_or_timestamp: str) -> str:
    """A date moved by an interval."""
    return f"dateadd({datepart}, {interval}, {from_date_or_timestamp})"


def datediff(first_date: str, second_date: str, datepart: str) -> str:
    """Boundaries of a date part between two dates."""
    return f"datediff({datepart}, {first_date}, {second_date})"


def date_trunc(datepart: str, date: str) -> str:
    """The start of the date part."""
    return f"date_trunc('{datepart}', {date})"
