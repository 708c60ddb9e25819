"""The guided run of `weightrepl --demo`: real queries over a small model that is shipped."""

from __future__ import annotations

from collections.abc import Iterator

from weightrepl.api import demo_path
from weightrepl.errors import QueryError
from weightrepl.frontends.session import Question, Session
from weightrepl.render.blocks import Line, ProblemBlock
from weightrepl.render.compose import as_table, overview, totals
from weightrepl.render.text import Screen, lines

MODEL = "larger_model.keras"

STEPS = (
    ("A weight has an address: the layers on the way to it, a colon, its name.",
     "custom_module/inner_dense1:kernel"),
    ("A pattern selects many: '*' matches within a name, '**' any number of layers.",
     "larger_model/custom_module/*dense1:kernel, **:bias"),
    ("'@' asks for a class, '!' takes away.",
     "**/@Dense:*, !custom_module"),
    ("A slice is taken from the file: nothing else of it is read.",
     "outer_dense:kernel[:2, ::2]"),
    ("Stages go on with what was selected.",
     "**:kernel | top 2 size | show address, size"),
    ("A stage may look into the values, however large a weight is.",
     "**:kernel | hist"),
    ("Or ask what is remarkable about them; in CI the exit status tells.",
     '**:* | where flags != "" | show address, flags, std'),
    ("Who mistypes is told where, and what was meant.",
     "larger_model/custom_modul/*dense1:kernel"),
)  # fmt: skip


_ENDS = "Your turn: weightrepl YOUR.keras, and weightrepl --help"
_GOES_ON = "Your turn, on the same model. Tab completes, %help tells more, Ctrl-D leaves."


def demonstration(screen: Screen, goes_on: bool = False) -> Iterator[str]:
    """Yield the lines of the guided run; `goes_on` if whoever looks on can then type queries over the same model."""
    with Session() as session:
        session.open(demo_path())
        yield screen.paint(f"This is {MODEL}, shipped with weightrepl. Its layers:", "title")
        yield ""
        yield from lines(overview(session.workspace), screen)
        for text, query in STEPS:
            yield ""
            yield screen.paint(text, "title")
            yield screen.paint(f"$ weightrepl {MODEL} -q '{query}'", "hint")
            yield ""
            yield from _answered(query, session, screen)
        yield ""
        yield from lines([Line(_GOES_ON if goes_on else _ENDS, "title")], screen)


def _answered(query: str, session: Session, screen: Screen) -> Iterator[str]:
    try:
        result = session.run(query)
    except QueryError as error:
        yield from lines(Question(query).pictures(error.problems), screen)
        return
    yield from lines([*as_table(result), *totals(result)], screen)
    yield from lines((ProblemBlock(note, query) for note in result.notes), screen)
