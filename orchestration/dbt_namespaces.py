"""dbt's namespaces of macros, put together in a fraction of the time.

For every node dbt wraps each of some six hundred macros anew, and looks each up by name as often,
though a node calls a few. On a small shop that is a seventh of a run. Which macro a name stands for
depends on the project alone, so it is found out once; only the wrapping is done for each node.

Belongs here: that. Does not belong here: what macros do.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dbt.clients.jinja import MacroGenerator, MacroStack
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder

_METHOD = "build_namespace"
_build_slowly = MacroNamespaceBuilder.build_namespace
_NAMESPACES = ("global_namespace", "local_namespace", "global_project_namespace")


class _Layout:
    """Which macro each name stands for, as dbt has worked it out; macros by their number."""

    def __init__(self, macros: Mapping[str, Mapping[str, Any]], found: MacroNamespace) -> None:
        self.of = macros
        self.macros = [macro for package in macros.values() for macro in package.values()]
        number = {id(macro): place for place, macro in enumerate(self.macros)}

        def numbered(names: Mapping[str, Any]) -> list[tuple[str, int]]:
            return [(name, number[id(wrapped.macro)]) for name, wrapped in names.items()]

        self.names = {name: numbered(getattr(found, name)) for name in _NAMESPACES}
        self.packages = {name: numbered(names) for name, names in found.packages.items()}


class FlatNamespace(MacroNamespace):
    """A namespace in which a name is looked up once instead of in five places."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._flat: dict[str, Any] = {}
        for part in reversed(list(self._search_order())):
            self._flat.update(part)

    def __getitem__(self, key: str) -> Any:
        return self._flat[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._flat)

    def __len__(self) -> int:
        return len(self._flat)


def _build_quickly(
    self: Any, macros_by_package: dict[str, dict[str, Any]], ctx: dict[str, Any]
) -> FlatNamespace:
    """What ``build_namespace`` of dbt returns, by the layout of the first one."""
    asked = (self.root_package, self.search_package, tuple(self.internal_package_names_order))
    layout = _LAYOUTS.get(asked)
    if layout is None or layout.of is not macros_by_package:
        found = _build_slowly(self, macros_by_package, ctx)
        layout = _LAYOUTS[asked] = _Layout(macros_by_package, found)
    wrapped = [_wrap(macro, ctx, self.node, self.thread_ctx) for macro in layout.macros]
    names = {
        namespace: {name: wrapped[place] for name, place in numbered}
        for namespace, numbered in layout.names.items()
    }
    packages = {
        package: {name: wrapped[place] for name, place in numbered}
        for package, numbered in layout.packages.items()
    }
    return FlatNamespace(**names, packages=packages)


def _wrap(macro: Any, context: dict[str, Any], node: Any, stack: MacroStack) -> MacroGenerator:
    """What ``MacroGenerator`` makes of these, without its three nested constructors."""
    wrapped = MacroGenerator.__new__(MacroGenerator)
    wrapped.context, wrapped.macro, wrapped.node, wrapped.stack = context, macro, node, stack
    return wrapped


_LAYOUTS: dict[tuple[Any, ...], _Layout] = {}


def flatten_namespaces() -> None:
    """Let dbt build its namespaces quickly from now on, in this process."""
    setattr(MacroNamespaceBuilder, _METHOD, _build_quickly)
