"""What the stage under the cursor takes."""

from __future__ import annotations

from weightrepl.query.parser import parse
from weightrepl.query.syntax import Stage
from weightrepl.query.words import REDUCTIONS
from weightrepl.service.answers import Parameter, Signature
from weightrepl.service.pages import STAGE_PAGES
from weightrepl.spans import Span

_PARAMETERS: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "where": (("EXPRESSION", "a condition: size > 1M and dtype == float32", ()),),
    "sort": (
        ("COLUMN", "what to sort by, the smallest first", ("column",)),
        ("desc", "the largest first", ("direction",)),
    ),
    "head": (("N", "how many rows; 10 if none is given", ("count",)),),
    "tail": (("N", "how many rows; 10 if none is given", ("count",)),),
    "top": (
        ("N", "how many rows", ("count",)),
        ("COLUMN", "what has to be large", ("column",)),
    ),
    "show": (("COLUMN", "what to show", ("column",)),),
    "group": (("COLUMN", "what has to be equal", ("column",)),),
    "hist": (("bins=N", "how many bins, at most 128; 20 if none are given", ()),),
    "reduce": (
        ("REDUCTION", f"{', '.join(REDUCTIONS[:-1])} or {REDUCTIONS[-1]}", ("reduction",)),
        ("axis=INT or (INT, …)", "the axes that go; all if none is given", ()),
    ),
    "diff": (
        ("PATH", "the layer whose weights these are compared with", ("layer",)),
        ("WEIGHT", "the weight itself, where names differ", ("weight",)),
    ),
}
"""Of each stage that takes something its parameters: how the usage spells it, what it is, and what the parser is
ready to read where it may stand (nothing: wherever none of the others can)."""


def signature(text: str, offset: int) -> Signature | None:
    """Return what the stage at `offset` of a query takes; None where there is no stage. Raises nothing.

    >>> signature("**:* | top 5 ", 13).label, signature("**:* | top 5 ", 13).active
    ('top N COLUMN', 1)
    """
    before = parse(text, 0, offset)
    whole = before if offset == len(text) else parse(text)
    stages = whole.query.stages[: len(before.query.stages)]
    stage = stages[-1] if stages else None
    if not isinstance(stage, Stage) or stage.name not in STAGE_PAGES or offset < stage.name_span.start:
        return None
    label, rows = STAGE_PAGES[stage.name].usage, _PARAMETERS.get(stage.name, ())
    parameters = tuple(Parameter(_span_in(label, spelled), what) for spelled, what, _ in rows)
    active = None
    if offset > stage.name_span.end:
        ready = {expectation.kind for expectation in before.expected.kinds}
        fitting = (n for n, (*_, kinds) in enumerate(rows) if not kinds or ready.intersection(kinds))
        active = next(fitting, None)
    return Signature(label, STAGE_PAGES[stage.name].summary, parameters, active)


def _span_in(label: str, part: str) -> Span:
    start = label.index(part)
    return Span(start, start + len(part))
