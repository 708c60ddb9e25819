"""What a TextMate grammar makes of a text: an engine for as much of such grammars as ours uses.

That is `match`, `begin`/`end` and `begin`/`while` with captures, `name`, and `include` of the repository. Of the scopes
that a character has only the innermost is kept. A rule that ends where it began, at which an editor gives up on the
line, is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

Rule = dict[str, Any]
Scope = str | None


@dataclass(frozen=True)
class _Level:
    """A rule that has begun, and its scope."""

    rule: Rule
    scope: Scope = None
    entered: tuple[int, int] = (-1, -1)  # the line, and the column from which on its beginning was looked for


@dataclass(frozen=True)
class _Found:
    """A match in a line, the rule that it is of, and whether it is the end of that."""

    match: re.Match[str]
    rule: Rule
    ends: bool

    def scopes(self, whole: Scope) -> list[Scope]:
        """Return the scopes of what was matched: that of the whole, and over it those of the groups."""
        found = [whole] * len(self.match[0])
        key = "endCaptures" if self.ends else "beginCaptures" if "begin" in self.rule else "captures"
        for number, capture in self.rule.get(key, {}).items():
            start, end = (max(place - self.match.start(), 0) for place in self.match.span(int(number)))
            found[start:end] = [capture["name"]] * (end - start)
        return found


class Grammar:
    """A grammar, ready to be asked."""

    def __init__(self, rules: Rule) -> None:
        self.rules = rules

    def scopes(self, text: str) -> list[Scope]:
        """Return the innermost scope of each character of a text; None where no rule gives it one."""
        scopes: list[Scope] = []
        stack = [_Level(self.rules)]
        for number, line in enumerate(text.split("\n")):
            scopes += self._line(line + "\n", number, stack)
        return scopes[:-1]

    def _line(self, line: str, number: int, stack: list[_Level]) -> list[Scope]:
        for depth, level in enumerate(stack):
            if "while" in level.rule and not _compiled(level.rule["while"]).match(line):
                del stack[depth:]
                break
        scopes: list[Scope] = []
        at = 0
        while at < len(line) and (found := self._next(stack[-1].rule, line, at)):
            top, rule, end = stack[-1], found.rule, found.match.end()
            scopes += [top.scope] * (found.match.start() - at)
            scope = rule.get("name", top.scope)
            scopes += found.scopes(scope)
            if found.ends:
                assert end > at or top.entered != (number, at), (line, rule)
                stack.pop()
            elif "begin" in rule:
                stack.append(_Level(rule, scope, (number, at)))
            else:
                assert end > at, (line, rule)
            at = end
        return scopes + [stack[-1].scope] * (len(line) - at)

    def _next(self, rule: Rule, line: str, at: int) -> _Found | None:
        """Return the first match in a line; of two at one place it is that of the end, or of what is written first."""
        found = [] if "end" not in rule else [_found(rule["end"], rule, line, at, ends=True)]
        found += [_found(each.get("match") or each["begin"], each, line, at) for each in self._within(rule)]
        return min(filter(None, found), key=lambda each: each.match.start(), default=None)

    def _within(self, rule: Rule) -> list[Rule]:
        """Return the rules for what is within one, those that it includes in their places."""
        rules: list[Rule] = []
        for each in rule.get("patterns", ()):
            meant = self.rules["repository"][each["include"][1:]] if "include" in each else each
            rules += [meant] if "match" in meant or "begin" in meant else self._within(meant)
        return rules


def _found(pattern: str, rule: Rule, line: str, at: int, *, ends: bool = False) -> _Found | None:
    match = _compiled(pattern).search(line, at)
    return None if match is None else _Found(match, rule, ends)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
