"""What can go wrong, as data (`Problem`) and as one tree of exceptions.

WeightreplError
├── QueryError          also ValueError    the text of a query is wrong, or names what is not there
├── NotOneError         also LookupError   `.one()` where there is none or there are several
├── UnknownAddressError also KeyError      `selection["…"]` with an address that is not in it
├── SourceError         also OSError       something about a file or object, with its path
│   ├── FormatError     also ValueError    the file is damaged, or not what it seems
│   ├── UnknownFormatError  also ValueError    not a format that weightrepl reads; says what it is
│   ├── UnsafeFileError also ValueError    the file asks for what a reader must not do
│   └── ChangedError    also ValueError    closed, or changed since it was opened
├── OutputError         also OSError       what was asked to be written can't be
└── MissingExtraError   also ImportError   an optional library is not installed; says the command
"""

from __future__ import annotations

from weightrepl.spans import Span, excerpt, visible
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal, TypeAlias

Severity: TypeAlias = "Literal['error', 'warning', 'note']"


_LONG = 500
"""Longer texts are not repeated as a whole in a message."""


class Fix(Value):
    """A change of the text that mends a problem: put `text` where `span` is.

    Attributes:
        span: the part that is replaced, `start` to `end` in code points from 0.
        text: what stands there then.
    """

    span: Span
    text: str

    def applied(self, source: str) -> str:
        """Return `source` with the fix made."""
        return source[: self.span.start] + self.text + source[self.span.end :]

    def shifted(self, offset: int) -> Fix:
        """Return the fix of a text that begins so many code points before this one's."""
        return Fix(self.span.shifted(offset), self.text)


class Problem(Value):
    """One thing to tell about a query or a source.

    Attributes:
        code: names the kind of problem, in words joined by `-`; the page of problem codes tells of each.
        message: what is wrong, in one line.
        span: the part of the query that it is about, `start` to `end` in code points from 0; None for a source's.
        fix: a change of the text that mends it, where there is one.
        severity: `error`, `warning` or `note`; only an error keeps a query from being evaluated.
        hint: what to do, where a `fix` alone does not say it.
    """

    code: str
    message: str
    span: Span | None = None
    fix: Fix | None = None
    severity: Severity = "error"
    hint: str | None = None

    def picture(self, text: str) -> str:
        """Return the problem as a terminal shows it: headline, line, caret, what to type instead.

        Examples:
            >>> from weightrepl.spans import Span
            >>> print(Problem("no-such-layer", "no layer 'a'", Span(0, 1), Fix(Span(0, 1), "b")).picture("a:*"))
            error[no-such-layer]: no layer 'a'
              a:*
              ~
              did you mean 'b'?
        """
        lines = [f"{self.severity}[{self.code}]: {self.message}"]
        if self.span is not None and text:
            lines += [f"  {line}" for line in excerpt(text, self.span)]
        lines += [f"  {line}" for line in self.advice(text)]
        return "\n".join(lines)

    @property
    def place(self) -> Span:
        """Its span, which may be empty; the beginning of the text where it has none."""
        return Span(0, 0) if self.span is None else self.span

    def shifted(self, offset: int) -> Problem:
        """Return the problem of a text that begins so many code points before this one's."""
        span = None if self.span is None else self.span.shifted(offset)
        return self.replace(span=span, fix=None if self.fix is None else self.fix.shifted(offset))

    def advice(self, text: str) -> tuple[str, ...]:
        """Return what to do about it: the hint's lines, or the fix as a question, or the line with the fix made."""
        if self.hint is not None:
            return tuple(self.hint.splitlines())
        if self.fix is None:
            return ()
        if self.fix.span == self.span and self.fix.text:
            return (f"did you mean '{self.fix.text}'?",)
        fixed = self.fix.applied(text)
        if len(text) > _LONG:  # several lines were pasted: the one that changes
            begin, end = text.rfind("\n", 0, self.fix.span.start) + 1, text.find("\n", self.fix.span.end)
            fixed = fixed[begin : len(fixed) - (len(text) - end if end >= 0 else 0)]
        return (f"type instead: {fixed}",)


def errors_in(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return those problems that keep a query from being evaluated."""
    return tuple(p for p in problems if p.severity == "error")


class WeightreplError(Exception):
    """The root of all that weightrepl raises."""


class QueryError(WeightreplError, ValueError):
    """A query that can't be evaluated: it is broken, or names what is not there. Also a `ValueError`.

    Its text is what a terminal shows. `text` is the query, `problems` is all that there is to say of it.

    Examples:
        >>> import weightrepl
        >>> try:
        ...     weightrepl.select(weightrepl.demo_path(), "outer_dens:kernel")
        ... except weightrepl.QueryError as error:
        ...     error.problems[0].code, error.problems[0].fix.text
        ('no-such-layer', 'outer_dense')
    """

    def __init__(self, text: str, problems: Iterable[Problem]) -> None:
        self.text, self.problems = text, tuple(problems)
        super().__init__("\n".join(p.picture(text) for p in self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.text, self.problems)


class NotOneError(WeightreplError, LookupError):
    """`one()` of a selection that holds none, or several. Also a `LookupError`."""


class UnknownAddressError(WeightreplError, KeyError):
    """`selection["…"]` with an address that is not in it, or a column that is not there. Also a `KeyError`."""

    def __str__(self) -> str:
        return str(self.args[0])


class SourceError(WeightreplError, OSError):
    """Something is wrong with a file, or with a live object. Also an `OSError`.

    `path` names the file, `place` the spot within it, `reason` what is wrong.
    """

    def __init__(self, reason: str, path: str = "", place: str = "") -> None:
        self.reason, self.path, self.place = reason, path, place
        super().__init__(reason)

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.path, self.place) if part)
        return visible(f"{where}: {self.reason}" if where else self.reason)


class FormatError(SourceError, ValueError):
    """The file is damaged, cut short, or not what it claims to be. Also a `ValueError`."""


class UnknownFormatError(SourceError, ValueError):
    """Not a format that weightrepl reads; says what it is, and what to do. Also a `ValueError`."""


class UnsafeFileError(SourceError, ValueError):
    """The file asks for what a reader must not do, or claims more than `Limits` allows. Also a `ValueError`."""


class ChangedError(SourceError, ValueError):
    """The source was closed, or is no longer the one that was opened. Also a `ValueError`."""


class OutputError(WeightreplError, OSError):
    """What was asked to be written can't be written there, or not in that format. Also an `OSError`."""


class MissingExtraError(WeightreplError, ImportError):
    """An optional library is missing; the message is the command that installs it. Also an `ImportError`."""
