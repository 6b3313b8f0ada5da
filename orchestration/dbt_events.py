"""dbt's events without those that nobody sees.

dbt makes several thousand events of level debug in a build, one or more for each statement, and
turns each into a message before it asks whether anybody listens. That takes as long as the
statements of a small shop. Here an event becomes a message when it is read for the first time.

Belongs here: leaving those out. Does not belong here: what is done with the others.
"""

from typing import Any

from dbt_common.events.base_types import BaseEvent, EventLevel
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
    if BaseEvent.__init__ is not _keep:
        for name, method in _DEFERRED.items():
            setattr(BaseEvent, name, method)


_make_message = BaseEvent.__init__
_read, _write = BaseEvent.__getattr__, BaseEvent.__setattr__
_MESSAGE, _KEPT = "pb_msg", "_kept"


def _keep(self: Any, *args: Any, **kwargs: Any) -> None:
    """Take what the message is made of."""
    object.__setattr__(self, _KEPT, (args, kwargs))


def _read_attribute(self: Any, name: str) -> Any:
    """An attribute that is not there yet: the message, or a field of it."""
    kept = self.__dict__.pop(_KEPT, None)
    if kept is not None:
        args, kwargs = kept
        _make_message(self, *args, **kwargs)
        return getattr(self, name)
    return _read(self, name)


def _write_attribute(self: Any, name: str, value: Any) -> None:
    """A field of the message, which is made first."""
    if name != _MESSAGE and _KEPT in self.__dict__:
        getattr(self, _MESSAGE)
    _write(self, name, value)


_DEFERRED = {
    "__init__": _keep,
    "__getattr__": _read_attribute,
    "__setattr__": _write_attribute,
}
