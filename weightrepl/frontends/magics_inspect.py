"""What Shift-Tab shows in a line of ours: kernels give a shell no more of it than a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weightrepl.errors import WeightreplError
from weightrepl.render.blocks import Cell, Facts, Heading, Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from weightrepl.frontends.magics_lines import Asked
    from weightrepl.frontends.magics_namespace import Kept
    from weightrepl.render.blocks import Part
    from weightrepl.service.answers import Hover


def inspecting(kept: Callable[[], Kept], otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel's `do_inspect` that knows our lines, and asks `otherwise` of all others."""

    def do_inspect(code: str, cursor_pos: int, *arguments: Any, **named: Any) -> Any:
        from weightrepl.frontends.magics_lines import asked_at

        asked = asked_at(code, cursor_pos)
        found = None if asked is None else hovered(asked, kept())
        if found is None:
            return otherwise(code, cursor_pos, *arguments, **named)
        return {"status": "ok", "data": bundle_of(found), "metadata": {}, "found": True}

    return do_inspect


def hovered(asked: Asked, kept: Kept) -> Hover | None:
    """Return what is known of what the cursor is at; None where nothing is."""
    from weightrepl.service.hover import hover

    query = asked.query
    if (found := _of_option(asked)) is not None or asked.offset < query.start:
        return found
    try:
        return hover(query.text, asked.offset - query.start, **kept.scope(asked))
    except WeightreplError:
        return None


def _of_option(asked: Asked) -> Hover | None:
    from weightrepl.service.answers import Hover

    for part in asked.parts.options:
        if part.option is not None and part.spelling.start <= asked.offset <= part.spelling.end:
            option = part.option
            title = " ".join(filter(None, (option.short, option.name, option.value)))
            return Hover(part.spelling, title, text=option.summary)
    return None


def bundle_of(hover: Hover) -> dict[str, str]:
    """Return what is known of a thing, as plain text and as HTML."""
    from weightrepl.render.html import html

    width = max((len(label) for label, _ in hover.facts), default=0)
    plain = [hover.title, *(f"{label:<{width}}  {fact}" for label, fact in hover.facts)]
    plain += ["", hover.text] if hover.text else []
    parts: list[Part] = [Heading(hover.title)]
    parts += [Facts(tuple((label, Cell(fact)) for label, fact in hover.facts))] if hover.facts else []
    parts += [Line(each) for each in hover.text.split("\n\n") if each]
    return {"text/plain": "\n".join(plain), "text/html": html(parts)}
