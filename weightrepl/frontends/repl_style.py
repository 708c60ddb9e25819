"""What a typed line looks like: the colours of its pieces, and lines below what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from weightrepl.frontends.repl_typed import LONGEST, Typed
from weightrepl.render.palette import LOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

_STYLES = {
    "prompt": "bold",
    "prompt.location": "ansiblue bold",
    "problem": "underline",
    "problem.error": "ansired",
    "auto-suggestion": "ansibrightblack",
    "completion-menu": "bg:#30363d #e6edf3",
    "completion-menu.completion.current": "fg:#0550ae bg:#ffffff reverse",  # reverse is seen without colours too
    "completion-menu.meta.completion": "bg:#30363d #b1bac4",
    "completion-menu.meta.completion.current": "fg:#0550ae bg:#ffffff reverse",
    "scrollbar.background": "bg:#30363d",
    "scrollbar.button": "bg:#6e7681",
    "bottom-toolbar": "noreverse",
    "toolbar.error": "ansired bold",
    "toolbar.warning": "ansiyellow bold",
    "toolbar.note": "ansicyan bold",
    "toolbar.active": "bold underline",
    "toolbar.title": "bold",
    "toolbar.dim": "ansibrightblack",
}


def style() -> Style:
    """Return the colours of everything at the prompt."""
    return Style.from_dict({f"role-{role}": look.ansi for role, look in LOOKS.items()} | _STYLES)


class Highlighting(Lexer):
    """Gives each piece of a line the colour of its role; a long text has none."""

    def __init__(self, typed: Typed) -> None:
        self._typed = typed

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return what gives the pieces of a line of the text."""
        text = document.text
        styles = [""] * len(text)
        for piece in self._typed.pieces(text):
            styles[piece.span.start : piece.span.end] = [f"class:role-{piece.role}"] * len(piece.span)
        starts = [0]
        for line in document.lines:
            starts.append(starts[-1] + len(line) + 1)

        def line_of(number: int) -> StyleAndTextTuples:
            if number >= len(document.lines):
                return []
            line, start = document.lines[number], starts[number]
            if len(text) > LONGEST:
                return [("", line)]
            return [(styles[start + n], character) for n, character in enumerate(line)]

        return line_of


class Underlining(Processor):
    """Underlines what is wrong, but for what is merely not typed yet."""

    def __init__(self, typed: Typed) -> None:
        self._typed = typed

    def apply_transformation(self, given: TransformationInput) -> Transformation:
        """Return a line with its problems underlined."""
        document = given.document
        if len(document.text) > LONGEST:
            return Transformation(given.fragments)
        start = document.translate_row_col_to_index(given.lineno, 0)
        fragments = explode_text_fragments(given.fragments)
        for problem in self._typed.problems(document.text, document.cursor_position):
            if problem.span is None:
                continue
            first, end = problem.span.start - start, problem.span.end - start
            for n in range(max(0, first), min(max(end, first + 1), len(fragments))):
                fragments[n] = (f"{fragments[n][0]} class:problem.{problem.severity}", *fragments[n][1:])
        return Transformation(fragments)
