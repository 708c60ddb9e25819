"""What may stand behind a `|`: stages, and their arguments as the rows have columns for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from weightrepl.engine.columns import LAYER_COLUMNS, VALUE_COLUMNS, WEIGHT_COLUMNS, Column
from weightrepl.engine.expressions import ExpressionError, condition
from weightrepl.engine.figures import Figures
from weightrepl.engine.relation import Relation, relation
from weightrepl.engine.stages import OF_WEIGHTS, apply, words_of
from weightrepl.engine.survey import survey
from weightrepl.errors import errors_in
from weightrepl.query.cursor import Expectation
from weightrepl.query.parser import parse
from weightrepl.query.syntax import Keyword, Number, Stage, Tuple
from weightrepl.query.words import KEYWORDS, REDUCTIONS, STAGES
from weightrepl.service.answers import Completion
from weightrepl.service.complete_asked import Asked, Entry
from weightrepl.service.complete_values import axes, axis_numbers, sizes, spelled, values
from weightrepl.service.pages import COLUMN_PAGES, STAGE_PAGES
from weightrepl.spans import Span

Plain = Callable[[Iterable[Entry], Asked, Span], Iterable[Completion]]
_LAYERS_ONLY = set(LAYER_COLUMNS) - set(WEIGHT_COLUMNS)
_SHAPE = re.compile(r"[=!]=\s*\([^()|]*\Z")
_LIST = re.compile(r"\bin\s*\([^()|]*\Z")
"""What ends where a shape is begun, behind `==`, and where a list is."""

_IN_SHAPE = {"_": "any size", "...": "any axes"}
_ARITHMETIC = ("+", "-", "*", "/")


def of_kind(expectation: Expectation, asked: Asked, plain: Plain) -> Iterable[Completion]:
    """Return what may stand at the cursor of a kind that a stage or a slice knows."""
    context = expectation.context
    match expectation.kind:
        case "stage":
            return plain(_stages(asked), asked, asked.span())
        case "separator":
            return _separators(asked, plain)
        case "column" if _in_keyword(asked) == "axis":
            return _values(asked, "axis", plain)
        case "column" if _SHAPE.search(asked.before):
            return plain((Entry(n, "value", n, said) for n, said in _IN_SHAPE.items()), asked, asked.span())
        case "column":
            return plain(_columns(asked, context), asked, asked.span())
        case "direction":
            return plain([Entry("desc", "direction", "desc", "the largest first")], asked, asked.span())
        case "count":
            return plain(_counts(context), asked, asked.span())
        case "reduction":
            return plain((Entry(n, "reduction", n) for n in REDUCTIONS), asked, asked.span())
        case "keyword":
            return plain(_keywords(asked, context), asked, _to_equals(asked))
        case "operator" if not _in_keyword(asked):
            return plain(_operators(asked, context), asked, _operator(asked))
        case "connective" if _complete(asked) and not _in_keyword(asked):
            return plain((Entry(n, "operator", n) for n in ("and", "or")), asked, asked.span())
        case "slice-axis" if context:
            return plain(sizes(_shapes(asked)), asked, asked.span())
        case "slice-axis":
            return plain(axes(asked), asked, asked.span(",]|"))
        case "value":
            return _values(asked, context, plain)
    return ()


def _keywords(asked: Asked, stage: str) -> Iterator[Entry]:
    for name in () if _in_keyword(asked) and not asked.word else KEYWORDS[stage]:
        yield Entry(f"{name}=", "keyword", f"{name}=")


def _to_equals(asked: Asked) -> Span:
    span = asked.span()
    return Span(span.start, span.end + asked.text.startswith("=", span.end))


def _operator(asked: Asked) -> Span:
    """Return the place of an operator, with the one that stands there."""
    signs = ("==", "!=", "<", "<=", ">", ">=", "~", "!~", "in", "not")
    here = [t for t in asked.tokens if t.span.start <= asked.offset < t.span.end and t.text in signs]
    end = here[0].span.end if here else asked.offset
    if here and here[0].text == "not":
        behind = asked.text[end:]
        end += len(behind) - len(behind.lstrip().removeprefix("in"))
    return Span(asked.start, end)


# ------------------------------------------------------------------ rows and columns


def relations(asked: Asked) -> list[Relation]:
    """Return what the stages before the cursor leave: of layers, and of weights where the query may become so."""
    stages = _stages_before(asked)
    end = stages[-1].span.end if stages else _bar(asked)
    text = asked.text[:end]
    natural = asked.kept("survey", (text, *asked.scope.named), lambda: _surveyed(asked, text, None))
    words = {
        word.text
        for stage in asked.whole.query.stages
        if isinstance(stage, Stage)
        for word in words_of(stage)
    }
    if natural.kind != "layers" or words & _LAYERS_ONLY:
        return [natural]
    of_weights = asked.kept(
        "survey weights", (text, *asked.scope.named), lambda: _surveyed(asked, text, "weights")
    )
    only_weights = (set(WEIGHT_COLUMNS) | set(VALUE_COLUMNS)) - set(LAYER_COLUMNS)
    return [of_weights] if words & only_weights else [natural, of_weights]


def _bar(asked: Asked) -> int:
    """Return where the selectors end."""
    end = max((s.span.end for s in asked.until.query.selectors), default=0)
    bar = asked.text.find("|", end, asked.offset)
    return asked.offset if bar < 0 else bar


def _stages_before(asked: Asked) -> list[Stage]:
    """Return the stages before the one that the cursor is in."""
    stages = [stage for stage in asked.until.query.stages if isinstance(stage, Stage)]
    if any(e.kind == "separator" for e in asked.expected.kinds) and asked.word == "":
        return stages
    bar = asked.text.rfind("|", 0, asked.start)
    return [stage for stage in stages if stage.span.end <= bar]


def _surveyed(asked: Asked, text: str, want: object) -> Relation:
    """Return the rows and columns that a text leaves; without rows where it is broken, or values would be read."""
    found = survey(asked.scope.replace(text=text), "weights" if want else None)
    if found.given is not None:
        return found.given
    stages = [
        stage
        for stage in asked.until.query.stages
        if isinstance(stage, Stage) and stage.span.end <= len(text)
    ]
    first = text[: stages[0].span.start].rstrip("| \t\n") if stages else text
    base = survey(asked.scope.replace(text=first), "weights" if want else None).given
    given = base or relation("weights" if want else "layers", (), asked.scope.workspace, Figures())
    for stage in stages:
        if stage.name == "diff" or errors_in(parse(f"** | {stage.span.of(text)}").problems):
            continue
        try:
            given = apply(stage, given.of_rows(()))
        except ExpressionError:
            continue
    return given


def _shapes(asked: Asked) -> list[tuple[int, ...]]:
    """Return the shapes of the rows before the stage that the cursor is in, each once."""
    found: dict[tuple[int, ...], None] = {}
    for given in relations(asked):
        if (column := given.columns.get("shape")) is not None and given.kind == "weights":
            found |= {shape: None for row in given.rows if isinstance(shape := column.of(row), tuple)}
    return list(found)


def _known_columns(asked: Asked) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for given in relations(asked):
        found |= {name: column for name, column in given.columns.items() if name not in found}
    return found


def _fitting(asked: Asked) -> tuple[str, ...]:
    """Return the types of columns that fit what stands around the cursor; none where all do."""
    following = asked.text[asked.span().end :]
    if following.startswith("["):
        return ("shape",)
    following = following.lstrip()
    if following.startswith(("~", "!~")):
        return ("text",)
    numeric = asked.before.endswith((*_ARITHMETIC, "=", "<", ">")) or _LIST.search(asked.before)
    return ("number", "bytes") if numeric or following.startswith((*_ARITHMETIC, "<", ">")) else ()


def _columns(asked: Asked, stage: str, families: tuple[str, ...] = ()) -> Iterator[Entry]:
    families = families or _fitting(asked)
    for name, column in _known_columns(asked).items():
        unordered = column.type == "histogram" and stage in ("sort", "top", "group")
        if unordered or (families and column.type not in families):
            continue
        page = COLUMN_PAGES.get(name)
        detail = page.summary if page else {"bool": "yes or no"}.get(column.type, column.type)
        yield Entry(name, "column", name, detail, page.text if page else "")
    if not stage and not families and not asked.before.endswith(("not", "==", "in")):
        yield Entry("not", "operator", "not", "what does not hold")


# ------------------------------------------------------------------ stages, separators


def _stages(asked: Asked) -> Iterator[Entry]:
    kind = relations(asked)[-1].kind
    if kind == "count":
        return
    words = {word.text for stage in _stages_before(asked) for word in words_of(stage)}
    for name in STAGES:
        if name in OF_WEIGHTS and (kind not in ("weights", "layers") or words & _LAYERS_ONLY):
            continue
        page = STAGE_PAGES.get(name)
        yield Entry(name, "stage", name, page.summary if page else "", page.text if page else "")


def _separators(asked: Asked, plain: Plain) -> Iterator[Completion]:
    """Yield what goes on with a query that is complete so far: another stage, another selector, another column."""
    if asked.word or not asked.text[: asked.start][-1:].isspace() or asked.rest[:1] not in ("", " ", "|"):
        return
    stage = asked.stage
    if stage is not None and stage.name == "where" and not _complete(asked):
        return
    span = Span(asked.offset, asked.offset)
    for item in plain(_stages(asked), asked, span):
        yield item.replace(text=f"| {item.text}", label=f"| {item.label}")
    if stage is None:
        yield Completion(",", span, "separator", ",", "and another selector")
    elif stage.name in ("sort", "show", "group"):
        yield Completion(",", span, "separator", ",", "and another column")


def _counts(stage: str) -> Iterator[Entry]:
    for number in (10, 5, 20, 50, 100):
        yield Entry(f"{number}", "count", f"{number}", f"{number} rows")


# ------------------------------------------------------------------ expressions


def _complete(asked: Asked) -> bool:
    """Return whether the condition before the cursor is one."""
    if not asked.text[: asked.start][-1:].isspace():
        return False
    stage = asked.stage
    if stage is None or stage.name != "where":
        return True
    (expression,) = stage.arguments
    try:
        condition(expression, _known_columns(asked))  # type: ignore[arg-type]
    except (ExpressionError, AssertionError):
        return False
    return True


_EQUAL = ("==", "!=")
_OPERATORS = {
    "text": (*_EQUAL, "~", "!~", "in", "not in"),
    "number": (*_EQUAL, "<", "<=", ">", ">=", "in", "not in"),
    "shape": _EQUAL,
    "bool": _EQUAL,
    "histogram": (),
}
_SAID = {
    "==": "equal", "!=": "not equal", "<": "less", "<=": "at most", ">": "more", ">=": "at least",
    "~": "like a pattern", "!~": "not like a pattern", "in": "one of", "not in": "none of",
}  # fmt: skip


def _operators(asked: Asked, name: str) -> Iterator[Entry]:
    span = _operator(asked)
    begins = asked.text[span.end :].lstrip()[:1]
    if not asked.text[: asked.start][-1:].isspace() or (len(span) == 0 and begins and begins in "+*/=<>!~"):
        return
    column = _known_columns(asked).get(name)
    type_ = "number" if column is None or column.type == "bytes" else column.type
    for sign in _OPERATORS[type_]:
        yield Entry(sign, "operator", sign, _SAID[sign])


def _in_keyword(asked: Asked) -> str:
    """Return the name of the argument whose value the cursor is in."""
    stage = asked.stage
    argument = stage.arguments[-1] if stage and stage.arguments else None
    return argument.name if isinstance(argument, Keyword) else ""


def _axes_before(asked: Asked) -> set[str]:
    """Return the axes in parentheses before the one that the cursor is in."""
    stage = asked.stage
    argument = stage.arguments[-1] if stage and stage.arguments else None
    value = argument.value if isinstance(argument, Keyword) else None
    items = value.items if isinstance(value, Tuple) else ()
    return {item.text for item in items if isinstance(item, Number) and item.span.end <= asked.start}


def _values(asked: Asked, context: str, plain: Plain) -> Iterable[Completion]:
    if context == "axis" and not asked.before.endswith("-"):
        taken = _axes_before(asked)
        left = (entry for entry in axis_numbers(_shapes(asked)) if entry.label not in taken)
        return plain((entry for entry in left if not taken or entry.label[0] != "-"), asked, asked.span())
    if context == "bins":
        return plain((Entry(n, "value", n) for n in ("10", "20", "50", "100")), asked, asked.span())
    if (column := _known_columns(asked).get(context)) is None:
        return ()
    if column.type in ("number", "bytes"):
        return plain(_columns(asked, "", ("number", "bytes")), asked, asked.span())
    found = asked.kept(
        "values", (asked.text[: _bar(asked)], context, asked.scope.location, len(_stages_before(asked))),
        lambda: values(context, column, [given for given in relations(asked) if context in given.columns]),
    )  # fmt: skip
    return written(found, column, asked, plain)


def written(found: tuple[str, ...], column: Column, asked: Asked, plain: Plain) -> Iterable[Completion]:
    """Yield values of a column as an expression spells them."""
    quote = asked.word[:1] if asked.word[:1] in ("'", '"') else ""
    pattern = asked.before.endswith("~")
    listed = asked.before.endswith(" in")
    entries = []
    for value in found:
        text = spelled(value, quote, pattern) if column.type == "text" else value
        if text is not None:
            entries.append(Entry(f"{quote}{value}", "value", f"({text})" if listed else text))
    return plain(entries, asked, asked.span(bare=True))
