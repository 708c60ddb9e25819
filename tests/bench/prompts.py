"""The sections of the table about the prompt: how long until it is there, and until a key that was typed is seen."""

from __future__ import annotations

import sqlite3
import time
import venv
from contextlib import closing
from functools import partial
from statistics import quantiles

from tests.bench.measure import BenchError, Command, environment, medians, output_of, seconds_of
from tests.bench.processes import NO_TENSORFLOW, Setting, script, shell_commands
from tests.bench.table import Row, Section
from tests.terminal import BACKSPACE, Terminal

OURS, AIM_S = "weightrepl MODEL", 0.3
LITECLI, TENSORFLOW, AIM = "litecli DATABASE", "import tensorflow", "what we aim at"
NO_LITECLI = "litecli is left out: {}."
TYPED = "block_3/dense_1*:kernel | where size > 1"
KEY, KEY_MENU, PEER = "weightrepl", "with the menu up", "bare PromptSession"
BARE = "from prompt_toolkit import PromptSession; PromptSession().prompt('bare> ')"
PERCENT = {"p50": 50, "p99": 99}


def prompts(setting: Setting) -> tuple[Section, Section]:
    """Return what passes until somebody may type, and between a key and its letter on the screen."""
    setting.scratch.mkdir(parents=True, exist_ok=True)
    return _first_prompt(setting), _keys(setting)


# ------------------------------------------------------------------ the first prompt


def _first_prompt(setting: Setting) -> Section:
    heavy = setting.files.heavy
    shell, *_ = shell_commands().values()
    works = {
        OURS: partial(_seconds_to_prompt, setting, (*shell, str(heavy))),
        PEER: partial(_seconds_to_prompt, setting, script(BARE)),
    }
    remarks: list[str] = []
    try:
        works[LITECLI] = partial(_seconds_to_prompt, setting, _litecli(setting))
    except BenchError as error:
        remarks.append(NO_LITECLI.format(error))
    if setting.tensorflow:
        works[TENSORFLOW] = partial(seconds_of, script(TENSORFLOW))
    else:
        remarks.append(NO_TENSORFLOW)
    for work in works.values():
        work()
    often = {name: setting.often for name in works if name != TENSORFLOW}
    seconds = medians(works, setting.rounds, setting.progress, "prompt", often) | {AIM: AIM_S}
    rows = [Row(OURS, peer, seconds[OURS], seconds[peer]) for peer in works if peer != OURS]
    rows.append(Row(OURS, AIM, seconds[OURS], AIM_S, aim=1.0))
    megabytes = heavy.stat().st_size / 1_000_000
    title = f"To the first prompt in a terminal, on a model of {megabytes:,.0f} MB; a database of one table"
    return Section(title, tuple(rows), tuple(remarks))


def _seconds_to_prompt(setting: Setting, command: Command) -> float:
    """Return the seconds from the start of a process to a prompt with the cursor behind it."""
    start = time.perf_counter()
    with _terminal(setting, command) as terminal:
        terminal.wait(_is_prompting)
        return time.perf_counter() - start


def _is_prompting(terminal: Terminal) -> bool:
    return terminal.line.endswith(">") and terminal.screen.cursor.x > len(terminal.line)


def _terminal(setting: Setting, command: Command, config: str = "") -> Terminal:
    """Return a command in a terminal, whose settings and history are not the user's."""
    home = setting.scratch / "home"
    home.mkdir(exist_ok=True)
    file = home / "config.toml"
    file.write_text(config, encoding="utf-8")
    own = {"HOME": str(home), "WEIGHTREPL_CONFIG": str(file), "WEIGHTREPL_HISTORY": str(home / "history")}
    xdg = dict.fromkeys(("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"), str(home))
    return Terminal(command, environment=environment() | own | xdg, controlling=False)


def _litecli(setting: Setting) -> Command:
    """Return the command of litecli on a small database; both are made once.

    Raises:
        BenchError: it is not there.
    """
    folder, database = setting.scratch / "litecli", setting.scratch / "small.db"
    command = folder / "bin" / "litecli"
    if not command.exists():
        if setting.sizes.name == "quick":
            raise BenchError("nothing is installed for tiny models")
        setting.progress.say("litecli is installed, once")
        venv.create(folder, with_pip=True, clear=True)
        output_of((str(folder / "bin" / "python"), "-m", "pip", "--quiet", "install", "litecli"))
    if not database.exists():
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("create table weights (address text, params integer)")
            connection.executemany("insert into weights values (?, ?)", [(f"w{n}", n) for n in range(100)])
    return (str(command), "--no-warn", str(database))


# ------------------------------------------------------------------ keys


def _keys(setting: Setting) -> Section:
    many = setting.files.many
    shell, *_ = shell_commands().values()
    ours = (*shell, str(many))
    samples = {
        KEY: _key_times(setting, ours),
        PEER: _key_times(setting, script(BARE)),
        KEY_MENU: _key_times(setting, ours, "complete-while-typing = true\n"),
    }
    percentiles = {name: quantiles(seconds, n=100) for name, seconds in samples.items()}
    rows = [
        Row(f"{name}, {what}", PEER, percentiles[name][percent - 1], percentiles[PEER][percent - 1])
        for name in (KEY, KEY_MENU)
        for what, percent in PERCENT.items()
    ]
    title = f"From a key to its letter on the screen, with a model of {setting.sizes.many_weights:,} weights"
    return Section(title, tuple(rows), (f"{len(samples[KEY]):,} keys each, the next at once.",))


def _key_times(setting: Setting, command: Command, config: str = "") -> list[float]:
    """Return the seconds of every key of a query that is typed and taken away again, several times."""
    seconds = []
    with _terminal(setting, command, config) as terminal:
        terminal.wait(_is_prompting)
        terminal.send("x" + BACKSPACE)
        terminal.wait(_is_prompting)
        start = terminal.screen.cursor.x
        keys = [*TYPED, *[BACKSPACE] * len(TYPED)]
        for n in range(setting.rounds):
            setting.progress.say(f"keys: round {n + 1} of {setting.rounds}", every_s=2.0)
            for i, key in enumerate(keys):
                column = start + (i + 1 if i < len(TYPED) else len(keys) - i - 1)
                pressed = time.perf_counter()
                terminal.send(key)
                terminal.wait(lambda t, column=column: t.screen.cursor.x == column)  # type: ignore[misc]
                seconds.append(time.perf_counter() - pressed)
    if len(seconds) < 2:
        raise BenchError("no key was seen")
    return seconds
