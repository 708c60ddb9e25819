"""The commands that tell and keep: help, settings, aliases; and the one that leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from weightrepl.frontends.commands_words import word_at, words_of
from weightrepl.frontends.settings import SETTINGS, may_name_query, spelled
from weightrepl.frontends.shell import Given, Leave, mistake
from weightrepl.render.blocks import Block, Cell, Heading, Line, TableBlock
from weightrepl.spans import nearest, visible

if TYPE_CHECKING:
    from weightrepl.frontends.commands import Command
    from weightrepl.frontends.settings import Setting
    from weightrepl.frontends.shell import Shell
    from weightrepl.service.pages import Page


def quit_(shell: Shell, given: Given) -> Iterator[Block]:
    """Leave.

    Raises:
        Leave: always.
    """
    raise Leave


# ------------------------------------------------------------------ settings


def set_(shell: Shell, given: Given) -> Iterator[Block]:
    """Change a setting; yield what it is then, or all settings."""
    words = [word for word in words_of(given) if word.text != "--save"]
    lasts = len(words) < len(words_of(given))
    texts = [part for word in words for part in re.split(r"\s*=\s*|\s+", word.text) if part]
    if not texts:
        yield from _all_settings(shell)
        return
    name, *values = texts
    if name not in SETTINGS:
        near = nearest(name, SETTINGS, limit=1)
        hint = f"did you mean '{near[0]}'?" if near else "%set lists them"
        raise mistake(given, f"no setting '{visible(name)}'", hint)
    setting = SETTINGS[name]
    if values:
        _change(shell, setting, " ".join(values), given)
    if lasts:
        shell.settings.save(name)
    yield Line(f"{name} is {spelled(shell.settings[name])} ({setting.expected}): {setting.summary}")
    if lasts:
        yield Line(f"kept in {visible(shell.settings.path)}", "dim")


def _change(shell: Shell, setting: Setting, typed: str, given: Given) -> None:
    value = setting.read(typed)
    if value is None:
        raise mistake(given, f"{setting.name} is {setting.expected}, not '{visible(typed)}'")
    shell.settings.set(setting.name, value)


def _all_settings(shell: Shell) -> Iterator[Block]:
    rows = tuple(
        (Cell(setting.name, "name"), Cell(spelled(value)), Cell(setting.summary))
        for setting, value in shell.settings
    )
    yield TableBlock(("setting", "value", "what it is"), rows)
    yield Line("%set NAME VALUE changes one, with --save for good:", "hint")
    yield Line(visible(shell.settings.path), "dim")


# ------------------------------------------------------------------ aliases


def alias(shell: Shell, given: Given) -> Iterator[Block]:
    """Define, show or take away a name of a query; yield what it stands for, or all."""
    word = word_at(given)
    if word.text == "-d":
        yield from _no_longer(shell, word.rest)
        return
    name, query = word.text.removeprefix("$"), word.rest
    if query.text.startswith("="):
        query = query.behind(1)
    if not name:
        yield from _all_aliases(shell)
    elif query.text.strip():
        yield from _define(shell, name, word.rest if query is word.rest else query, given)
    elif name in shell.settings.aliases:
        yield Line(f"${name} is {visible(shell.settings.aliases[name])}")
    else:
        raise _unknown(shell, name, given)


def _define(shell: Shell, name: str, query: Given, given: Given) -> Iterator[Block]:
    from weightrepl.engine.scope import NamedQuery
    from weightrepl.errors import QueryError, errors_in
    from weightrepl.query.parser import parse

    if not may_name_query(name):
        message = f"a name is of letters, digits, '_' and '-', not '{visible(name)}'"
        raise mistake(given, message, "numbers and '_' stand for results", len(name))
    text = query.text.strip()
    parsed = parse(text)
    if errors := errors_in(parsed.problems):
        with query.at_fault():
            raise QueryError(text, errors)
    shell.settings.keep_alias(name, text)
    shell.session.named = {**shell.session.named, name: NamedQuery(text, parsed.query)}
    yield Line(f"${name} is {visible(text)}")
    yield Line(f"kept in {visible(shell.settings.path)}", "dim")


def _no_longer(shell: Shell, given: Given) -> Iterator[Block]:
    name = given.text.strip().removeprefix("$")
    if name not in shell.settings.aliases:
        raise _unknown(shell, name, given)
    shell.settings.keep_alias(name, None)
    shell.session.named = {n: named for n, named in shell.session.named.items() if n != name}
    yield Line(f"${name} stands for nothing any more")


def _unknown(shell: Shell, name: str, given: Given) -> Exception:
    near = nearest(name, shell.settings.aliases, limit=1)
    hint = f"did you mean '{near[0]}'?" if near else "%alias lists them; %alias NAME QUERY defines one"
    return mistake(given, f"no alias '{visible(name)}'", hint)


def _all_aliases(shell: Shell) -> Iterator[Block]:
    rows = tuple((Cell(f"${n}", "name"), Cell(visible(q))) for n, q in shell.settings.aliases.items())
    if rows:
        yield TableBlock(("alias", "query"), rows)
    else:
        yield Line("no query has a name yet: %alias big **:* | where size > 1M", "hint")


# ------------------------------------------------------------------ help

_BEGINNING = """\
A line is a query, or a command with % before it. Tab shows what may come next.

  **:kernel                       the weights 'kernel' of all layers
  encoder/*:kernel                those of the layers below 'encoder'
  **/@Dense:* | where size > 1M   the large ones of all Dense layers
  **:* | stats | sort norm desc   statistics, the largest norm first
  $_ | top 5 size                 of the last result; $3 is that of line 3

ask     %layers %weights %info %hist %diff %explain %watch
models  %open %close %models %save %source
places  %cd %pwd
keep    %alias %set
else    %help %! %quit

%help commands says what these do, %help save more of one; so for each stage,
column, operator, setting and error: %help where, %help unclosed-quote.
"""


_OF_ALL = {"expressions": "where", "operators": "where", "settings": "%set"}
"""Where several topics are told of that have no page together."""


def help_(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield help on a topic; without one how to begin."""
    topic = given.text.strip().removesuffix("?").strip()
    known = topics()
    named = _OF_ALL.get(topic, topic.removeprefix("|").strip())
    pages = known.get(topic) or known.get(named) or ()
    if not topic:
        yield from map(Line, _BEGINNING.splitlines())
    elif topic.removeprefix("%") == "commands":
        yield from _commands()
    elif pages:
        for page in pages:
            yield from [Line("")] if page is not pages[0] else []
            yield from _page(page)
    else:
        near = nearest(topic, known)
        hint = (
            "did you mean " + " or ".join(f"%help {n}" for n in near) if near else "%help says what there is"
        )
        raise mistake(given, f"no help on '{visible(topic)}'", hint)


def _commands() -> Iterator[Block]:
    from weightrepl.frontends.commands import COMMANDS

    rows = tuple((Cell(_usage(command), "name"), Cell(command.summary)) for command in COMMANDS.values())
    yield TableBlock(("command", "what comes of it"), rows)


def _usage(command: Command) -> str:
    return f"%{command.name} {command.usage}".rstrip()


def topics() -> dict[str, tuple[Page, ...]]:
    """Return the pages of help on each topic: a name may be that of a command, a stage and a column."""
    from weightrepl.frontends.commands import COMMANDS
    from weightrepl.frontends.commands_codes import ALL_CODES, told_of_codes
    from weightrepl.service.pages import COLUMN_PAGES, OPERATOR_PAGES, STAGE_PAGES, TOPIC_PAGES, Page

    commands = {
        name: Page(_usage(command), command.summary, command.text, command.examples)
        for name, command in COMMANDS.items()
    }
    settings = {
        name: Page(f"%set {name} VALUE", f"{setting.summary}: {setting.expected}")
        for name, setting in SETTINGS.items()
    }
    told = told_of_codes()
    codes = {code: Page(code, meaning, told.get(code, "")) for code, (meaning, _) in ALL_CODES.items()}
    found: dict[str, tuple[Page, ...]] = {f"%{name}": (page,) for name, page in commands.items()}
    for pages in (commands, STAGE_PAGES, COLUMN_PAGES, OPERATOR_PAGES, TOPIC_PAGES, settings, codes):
        for name, page in pages.items():
            found[name] = (*found.get(name, ()), page)
    return found


def _page(page: Page) -> Iterator[Block]:
    yield Heading(visible(page.usage))
    for line in (f"{page.summary}.", *page.text.replace("`", "").splitlines()):
        yield from map(Line, wrap(line, 79) or [""])
    for example in page.examples:
        yield Line(f"  {visible(example[:70])}", "shape")
