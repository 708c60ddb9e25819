"""What a user may set: a table of settings, the commented file that keeps them, the folders of the platform."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from weightrepl.errors import OutputError, Problem, SourceError
from weightrepl.spans import nearest
from weightrepl.values import Value

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

SettingValue: TypeAlias = "bool | int | str"

_WORDS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


class Setting(Value):
    """Something that a user may set.

    default: of the kind that all its values are: a yes or no, a number from 1, or one of `choices`.
    summary: one sentence, without a full stop.
    """

    name: str
    default: SettingValue
    summary: str
    choices: tuple[str, ...] = ()

    @property
    def spelled_values(self) -> tuple[str, ...]:
        """What may be given, as it is typed; of a number the default."""
        if isinstance(self.default, bool):
            return ("on", "off")
        return self.choices or (str(self.default),)

    @property
    def expected(self) -> str:
        """What may be given, in words."""
        is_number = not isinstance(self.default, bool) and isinstance(self.default, int)
        return "a whole number from 1" if is_number else " or ".join(self.spelled_values)

    def read(self, typed: str) -> SettingValue | None:
        """Return the value that somebody typed; None if it is none of this setting."""
        if isinstance(self.default, bool):
            return _WORDS.get(typed.lower())
        if isinstance(self.default, int):
            digits = typed.replace("_", "").replace(",", "")
            return int(digits) if digits.isascii() and digits.isdecimal() and int(digits) else None
        return typed if typed in self.choices else None

    def takes(self, value: object) -> bool:
        """Return whether a value that a file gives is one of this setting."""
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(self.default, int):
            return isinstance(value, int) and value > 0
        return value in self.choices


_WHEN = ("auto", "always", "never")

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("complete-while-typing", False, "what may come next is shown without Tab"),
        Setting("matched", True, "what a query matches is counted as you type"),
        Setting("hints", True, "lines from the history are suggested in grey"),
        Setting("edit-mode", "emacs", "whose keys edit a line", ("emacs", "vi")),
        Setting("mouse", False, "it clicks in the menu; off, it marks and copies"),
        Setting("pager", "auto", "for results; auto is for those too long to see", _WHEN),
        Setting("rows", 1000, "so many rows of a result are shown"),
        Setting("unfold", False, "each of many alike has a row of its own"),
        Setting("colour", "auto", "colours; auto is where a terminal has them", _WHEN),
        Setting("plain", False, "lines only, no menu; holds from the next start"),
    )
}
"""All settings by name, in the order in which they are listed."""


def spelled(value: SettingValue) -> str:
    """Return a value as it is typed.

    >>> spelled(True), spelled(1000), spelled("vi")
    ('on', '1000', 'vi')
    """
    return ("off", "on")[value] if isinstance(value, bool) else str(value)


def may_name_query(name: str) -> bool:
    """Return whether a query may be called so: in letters, digits, `_` and `-`, and not as results are.

    >>> [name for name in ("big", "a-2", "3", "_", "a.b", "") if may_name_query(name)]
    ['big', 'a-2']
    """
    return bool(re.fullmatch(r"[\w-]+", name)) and not re.fullmatch(r"\d+|_", name)


class Settings:
    """The settings as they are now, and the aliases that are kept. `settings["complete-while-typing"]`.

    path: the file that keeps them. problems: what is wrong with that file; what it does not say rightly has its
    default.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = path or config_path()
        self._values = {name: setting.default for name, setting in SETTINGS.items()}
        self.aliases: dict[str, str] = {}
        self.problems: list[Problem] = []
        try:
            self._take(_document(_text_of(self.path), self.path))
        except SourceError as error:
            self._complain(f"{error}; all settings have their defaults")

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[tuple[Setting, SettingValue]]:
        return ((setting, self._values[name]) for name, setting in SETTINGS.items())

    def set(self, name: str, value: SettingValue) -> None:
        """Let a setting have another value, until somebody leaves."""
        self._values[name] = value

    def save(self, name: str) -> None:
        """Keep the value of a setting: its line of the file is changed, and no other.

        Raises:
            SourceError: the file can't be read, or is broken, so it was left alone.
            OutputError: it can't be written.
        """
        text = _text_of(self.path) or template()
        _write(_with_setting(text, name, self._values[name], self.path), self.path)

    def keep_alias(self, name: str, query: str | None) -> None:
        """Keep what a name stands for; None takes the name away. In the file no other line is changed.

        Raises:
            SourceError: the file can't be read, or is broken, so it was left alone.
            OutputError: it can't be written.
        """
        import tomlkit

        document = _document(_text_of(self.path) or template(), self.path)
        kept = document.setdefault("aliases", tomlkit.table())
        if query is not None:
            kept[name] = query
        elif name in kept:
            del kept[name]
        _write(tomlkit.dumps(document), self.path)
        aliases = {n: q for n, q in self.aliases.items() if n != name}
        self.aliases = aliases if query is None else {**aliases, name: query}

    def _take(self, document: TOMLDocument | dict[str, Any]) -> None:
        for name, value in document.items():
            if name == "aliases" and isinstance(value, dict):
                self.aliases = {n: q for n, q in value.items() if isinstance(q, str) and may_name_query(n)}
                for wrong in value.keys() - self.aliases.keys():
                    self._complain(f"{self.path}: the alias '{wrong}' is no name and a query in quotes")
            elif name not in SETTINGS:
                near = nearest(name, SETTINGS, limit=1)
                self._complain(
                    f"{self.path}: no setting '{name}'" + (f", perhaps {near[0]}?" if near else "")
                )
            elif SETTINGS[name].takes(value):
                self._values[name] = value.unwrap() if hasattr(value, "unwrap") else value
            else:
                expected = _expected_in_file(SETTINGS[name])
                self._complain(f"{self.path}: {name} is {expected}, not {value!r}")

    def _complain(self, message: str) -> None:
        self.problems.append(Problem("configuration", message, severity="warning"))


# ------------------------------------------------------------------ the file


def config_path() -> str:
    """Return the path of the file that keeps settings: what WEIGHTREPL_CONFIG says, else in the platform's folder."""
    if path := os.environ.get("WEIGHTREPL_CONFIG"):
        return os.path.expanduser(path)
    from platformdirs import user_config_dir

    return os.path.join(user_config_dir("weightrepl", appauthor=False), "config.toml")


def history_path() -> str:
    """Return the path of the file that keeps what was entered: what WEIGHTREPL_HISTORY says, else the platform's."""
    if path := os.environ.get("WEIGHTREPL_HISTORY"):
        return os.path.expanduser(path)
    from platformdirs import user_state_dir

    return os.path.join(user_state_dir("weightrepl", appauthor=False), "history")


def template() -> str:
    """Return a file that explains every setting and sets none."""
    lines = [
        "# Settings of weightrepl. A line counts once the '#' before it is gone; '%set NAME VALUE --save' does that."
    ]
    for setting in SETTINGS.values():
        explained = f"{setting.summary[0].upper()}{setting.summary[1:]}: {_expected_in_file(setting)}."
        lines += ["", f"# {explained}", f"# {setting.name} = {_toml(setting.default)}"]
    lines += [
        "",
        "# Queries with names that last, written by '%alias NAME QUERY' and used as $NAME.",
        "[aliases]",
        "",
    ]
    return "\n".join(lines)


def as_markdown() -> str:
    """Return the table of all settings for the documentation."""
    lines = ["| setting | values | what it is |", "| --- | --- | --- |"]
    for setting in SETTINGS.values():
        values = f"{setting.expected}; default {spelled(setting.default)}"
        lines.append(f"| `{setting.name}` | {values} | {setting.summary} |")
    return "\n".join(lines) + "\n"


def _expected_in_file(setting: Setting) -> str:
    if isinstance(setting.default, bool):
        return "true or false"
    return " or ".join(map(_toml, setting.choices)) or setting.expected


def _toml(value: SettingValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _text_of(path: str) -> str:
    """Return the text of a file, empty where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SourceError(error.strerror or str(error), path) from error
    except UnicodeDecodeError as error:
        raise SourceError("is not UTF-8 text", path, f"byte {error.start}") from error


def _document(text: str, path: str) -> Any:
    """Return what the text of a file says."""
    if not text:
        return {}
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise SourceError(f"is no TOML: {error}", path) from error


def _with_setting(text: str, name: str, value: SettingValue, path: str) -> str:
    """Return the text of a file with a setting in it, on the line where it is explained if there is one."""
    import tomlkit

    document = _document(text, path)
    commented = re.search(rf"^# ?{name} *=.*$", text, re.MULTILINE)
    if name not in document and commented is not None:
        changed = f"{text[: commented.start()]}{name} = {_toml(value)}{text[commented.end() :]}"
        if _document(changed, path).get(name) == value:  # it was not among the aliases
            return changed
    document[name] = value
    return tomlkit.dumps(document)


def _write(text: str, path: str) -> None:
    from weightrepl.writers import write_bytes

    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: {error.strerror}") from error
    write_bytes(text.encode(), path, force=True)
