"""Jinja templates of dbt, compiled once and kept beside the project.

dbt gives Jinja each model, test and macro as a text, and Jinja reads it and writes Python for it
anew in every process. On a small shop that is a tenth of a run. What comes out depends on the text
and on the releases of these programs alone, so it is kept: under the text itself, in one file, as
Python keeps what it has compiled of a module.

Belongs here: keeping and finding compiled templates. Does not belong here: what templates do.
"""

import contextlib
import importlib.metadata
import marshal
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from dbt_common.clients.jinja import MacroFuzzEnvironment, NativeSandboxEnvironment
from jinja2 import Environment

#: What a template is known by: the kind of environment it is compiled for, and its text.
_Key = tuple[str, str]
_ENVIRONMENTS: tuple[type[Environment], ...] = (MacroFuzzEnvironment, NativeSandboxEnvironment)
#: Some three times what a build uses; beyond it, those of texts that are no more have to go.
_LARGEST_COUNT = 2_000


class KeptTemplates:
    """Compiled templates of one file, and those that were added to them.

    Args:
        path: the file; it may be missing, and another release of Jinja, dbt or Python has another.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[_Key, CodeType] = {}
        self._used: dict[_Key, CodeType] = {}
        with contextlib.suppress(OSError, EOFError, ValueError, TypeError):
            # As far to be trusted as the compiled modules of this package.
            found = marshal.loads(path.read_bytes())  # noqa: S302
            self._kept = dict(found)

    def find(self, key: _Key) -> CodeType | None:
        """The compiled template, if there is one."""
        code = self._used.get(key) or self._kept.get(key)
        if code is not None:
            self._used[key] = code
        return code

    def add(self, key: _Key, code: CodeType) -> None:
        """Keep a compiled template."""
        self._used[key] = code

    def write(self) -> None:
        """Write the file if there is anything new; a folder that takes no file is no error."""
        if self._used.keys() <= self._kept.keys():
            return
        together = {**self._kept, **self._used}
        self._kept = together if len(together) <= _LARGEST_COUNT else dict(self._used)
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
            aside.write_bytes(marshal.dumps(self._kept))
            aside.replace(self.path)


def kept_in(folder: Path) -> Path:
    """The file for the installed releases of Python, Jinja and dbt."""
    releases = [importlib.metadata.version(name) for name in ("jinja2", "dbt-common", "dbt-core")]
    return folder / f"templates.{sys.implementation.cache_tag}-{'-'.join(releases)}"


def keep_templates(folder: Path) -> KeptTemplates:
    """Let dbt find compiled templates in a folder from now on, in this process.

    Returns:
        what to write when dbt has ended.
    """
    path = kept_in(folder)
    if path not in _OPEN:
        _OPEN.clear()
        _OPEN[path] = KeptTemplates(path)
        for environment in _ENVIRONMENTS:
            setattr(environment, _METHOD, _compiling(_OPEN[path]))
    return _OPEN[path]


_METHOD = "compile"
_compile = Environment.compile
_OPEN: dict[Path, KeptTemplates] = {}


def _compiling(kept: KeptTemplates) -> Callable[..., Any]:
    """``Environment.compile`` that looks a text up first."""

    def compile_or_find(self: Environment, source: Any, *args: Any, **options: Any) -> Any:
        if args or options or not isinstance(source, str):
            return _compile(self, source, *args, **options)
        key = (type(self).__name__, source)
        code = kept.find(key)
        if code is None:
            code = _compile(self, source)
            kept.add(key, code)
        return code

    return compile_or_find
