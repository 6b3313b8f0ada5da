"""YAML that remembers on which line each key stands.

Belongs here: reading YAML text into plain values and a map of lines. Does not belong here: what
the keys mean.
"""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import CustomerValueError

#: The parser in C takes a tenth of the time; where PyYAML was built without it, its own does.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Place of a value in the document, such as ("files", 0, "columns", "quantity").
Place = tuple[str | int, ...]


class YamlDocument:
    """Plain values of a YAML document and the line (from 1) of every key and list item."""

    def __init__(self, values: Any, lines: Mapping[Place, int]) -> None:
        self.values = values
        self._lines = dict(lines)

    def line_of(self, place: Place) -> int:
        """Line of the value at that place, or of the nearest enclosing one that is written."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def place_of(self, location: Place) -> Place:
        """Follow a location, such as one of pydantic's, as far as the document has it."""
        place: list[str | int] = []
        values = self.values
        for part in location:
            items: Any = dict(enumerate(values)) if isinstance(values, list) else values
            if not isinstance(items, dict) or part not in items:
                break
            values = items[part]
            place.append(part)
        return tuple(place)


def read_yaml(text: str, name: str) -> YamlDocument:
    """Read YAML text; ``name`` is how errors call the file.

    Raises:
        CustomerValueError: the text is not YAML, or a mapping has the same key twice.
    """
    lines: dict[Place, int] = {}
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is not None:
                _note_lines(root, (), lines, name)
            values = None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CustomerValueError(
            f"{name}, line {line}: this is not valid YAML ({error.problem}).",
            "Check the indentation, the colons and the quotes around that line.",
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise CustomerValueError(
            f"{name}: this is not valid YAML ({error}).", "Save it as plain UTF-8 text."
        ) from error
    return YamlDocument(values, lines)


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int], name: str) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise CustomerValueError(
                    f"{name}, line {line}: the key {key.value!r} stands twice in one place.",
                    "Keep one of the two.",
                )
            seen.add(key.value)
            lines[(*place, key.value)] = line
            _note_lines(value, (*place, key.value), lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*place, index)] = value.start_mark.line + 1
            _note_lines(value, (*place, index), lines, name)


def read_yaml_mapping(path: Path, what: str, keys: str) -> YamlDocument:
    """A YAML file whose text is a mapping.

    Args:
        path: the file.
        what: what such a file is called, for errors.
        keys: the keys it must have, for errors.

    Raises:
        CustomerValueError: it cannot be read, is no YAML, or is no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CustomerValueError(
            f"The {what} {path} cannot be read ({error}).", "Save it as UTF-8 text."
        ) from error
    document = read_yaml(text, str(path))
    if not isinstance(document.values, dict):
        raise CustomerValueError(
            f"{path}: a {what} is a mapping with the keys {keys}.",
            f"Start from one of the shipped {what}s.",
        )
    return document
