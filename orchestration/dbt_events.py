"""dbt's events without those that nobody sees.

dbt makes several thousand events of level debug in a build, one or more for each statement, and
turns each into a message before it asks whether anybody listens. That takes as long as the
statements of a small shop.

Belongs here: leaving those out. Does not belong here: what is done with the others.
"""

from typing import Any

from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager, get_event_manager

_UNSEEN = (EventLevel.TEST, EventLevel.DEBUG)


class SeenEventManager(EventManager):
    """Passes on events of level info and above."""

    def fire_event(
        self,
        e: Any,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        """Pass an event on to loggers and callbacks, or forget it."""
        if (level or e.level_tag()) not in _UNSEEN or force_warn_or_error_handling:
            super().fire_event(e, level, node, force_warn_or_error_handling)


def drop_unseen_events() -> None:
    """Let dbt forget events below level info; its log and our callbacks take none of them."""
    if not isinstance(get_event_manager(), SeenEventManager):
        ctx_set_event_manager(SeenEventManager())
