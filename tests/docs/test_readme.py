"""What the README tells people to type exists, and its queries run."""

import functools
import re
from typing import Any

import click
import pytest
import typer
import typer.main

from orchestration.cli import app
from orchestration.generated_docs import OPTIONS
from orchestration.settings import PROJECT_ROOT
from tests.building import Built
from tests.docs.documents import README, code_blocks, commands, table_rows

MAKEFILE = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
COMMANDS = commands(README, "customer-value")
QUERIES = code_blocks(README, "sql")
META_TABLES = {"meta.run_manifest", "meta.input_files"}


@functools.cache
def _help(*words: str) -> str:
    """What a command says of itself."""
    command: Any = typer.main.get_command(app)
    context = click.Context(command, info_name="customer-value", max_content_width=200)
    for word in words:
        command = command.commands[word]
        context = click.Context(command, parent=context, info_name=word)
    return str(command.get_help(context))


def _options(*words: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", _help(*words)))


def _subcommands(*words: str) -> set[str]:
    _, _, listed = _help(*words).partition("\nCommands:\n")
    return set(re.findall(r"^  (\w+)", listed, re.MULTILINE))


def _path_of_command(words: list[str]) -> list[str]:
    """The leading words that name a command or a command within it."""
    path: list[str] = []
    while names := _subcommands(*path):
        word = words[len(path)]
        assert word in names, f"customer-value {' '.join(words)}: no command {word}"
        path.append(word)
    return path


@pytest.mark.parametrize("words", [words for words in COMMANDS if words], ids=" ".join)
def test_commands_and_their_options_exist(words: list[str]) -> None:
    known = _options(*_path_of_command(words))
    used = {word.split("=")[0] for word in words if word.startswith("--")}
    assert used <= known, f"no such option: {sorted(used - known)}"


def test_readme_shows_every_command() -> None:
    assert {words[0] for words in COMMANDS if words} == _subcommands()


@pytest.mark.parametrize("words", commands(README, "make"), ids=" ".join)
def test_make_targets_and_variables_exist(words: list[str]) -> None:
    for word in words:
        name = word.split("=")[0]
        if "=" in word:
            assert f"${{{name}:+" in MAKEFILE, f"the Makefile reads no {name}"
        else:
            assert re.search(rf"^{name}:.*## ", MAKEFILE, re.MULTILINE), f"no target {name}"


def test_options_of_run_are_those_that_make_hands_on() -> None:
    rows = table_rows(README, "## Your own files")
    handed_on = dict(re.findall(r"\$\$\{(\w+):\+(--[\w-]+)", MAKEFILE))
    described = {row[0].strip("`"): row[1].strip("`") for row in rows if row[1]}
    assert described == handed_on


def test_options_named_in_the_settings_exist() -> None:
    assert set(OPTIONS.values()) <= _options("run")


def test_every_published_table_is_listed_with_a_question(demo: Built) -> None:
    listed = {row[0].strip("`"): row[1] for row in table_rows(README, "## Published tables")}
    published = {f"{node.schema}.{node.name}" for node in demo.manifest.published}
    assert set(listed) == published | META_TABLES
    assert all("?" in question for question in listed.values())


def test_there_are_three_example_queries() -> None:
    assert len(QUERIES) == 3


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_example_queries_find_something(number: int, demo: Built) -> None:
    assert demo.marts(QUERIES[number])


def test_shown_result_has_the_rows_that_a_run_prints(demo: Built) -> None:
    shown = code_blocks(README, "text")[0]
    assert set(_labels(shown)) == set(_labels(demo.output))


def _labels(printed: str) -> list[str]:
    """First cells of the printed tables, headings included."""
    return [
        line.split(mark)[1].strip()
        for line in printed.splitlines()
        for mark in line[:1]
        if mark in "│┃"
    ]
