"""What may stand at the cursor of a cell, as IPython asks for it: in terminals, and by kernels for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, context_matcher

from weightrepl.errors import WeightreplError
from weightrepl.service.answers import Completion, Completions
from weightrepl.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.completer import CompletionContext, SimpleMatcherResult

    from weightrepl.frontends.magics_lines import Asked
    from weightrepl.frontends.magics_namespace import Kept
    from weightrepl.model.workspace import Workspace

MOST_RESOLVED, MOST_LAYERS = 50, 500
"""Of so many completions it is told what is below them, where that is not more layers: all of these are looked at."""


class Only(list[SimpleCompletion]):
    """Completions that are all there is, even if there is none: IPython would then ask its own matchers."""

    def __len__(self) -> int:
        return super().__len__() or 1


def matcher(kept: Callable[[], Kept], unbroken: bool) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """Return what completes our lines, and leaves others to others.

    unbroken: whether details hold no blank at which they break, as JupyterLab would, into lines that overlap.
    """

    @context_matcher(identifier="weightrepl")  # type: ignore[untyped-decorator]
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        from weightrepl.frontends.magics_lines import asked_at

        above = context.full_text.split("\n")[: context.cursor_line]
        offset = sum(len(line) + 1 for line in above) + context.cursor_position
        asked = asked_at(context.full_text, offset)
        if asked is None:
            return {"completions": [], "suppress": False}
        return _result(completions(asked, kept()).items, asked, "\xa0" if unbroken else " ")

    return complete  # type: ignore[no-any-return]


def _result(items: Iterable[Completion], asked: Asked, blank: str) -> SimpleMatcherResult:
    """Return completions as IPython has them: all take the place of one text, which ends at the cursor."""
    line, offset = asked.query.line, asked.offset
    fitting = [
        (i.span.start, text, (i.detail or i.kind).replace(" ", blank))
        for i in items
        if (text := _cut(i, line, offset)) is not None
    ]
    start = min((start for start, _, _ in fitting), default=offset)
    return {
        "completions": Only(SimpleCompletion(line[start:at] + text, type=told) for at, text, told in fitting),
        "matched_fragment": line[start:offset],
        "suppress": True,
        "ordered": True,
    }


def _cut(item: Completion, line: str, offset: int) -> str | None:
    """Return the text of a completion as far as it is not behind the cursor already; None where that can't be."""
    behind = line[offset : item.span.end]
    return item.text.removesuffix(behind) if item.text.endswith(behind) else None


def completions(asked: Asked, kept: Kept) -> Completions:
    """Return what may stand at the cursor of a line of ours; nothing where its options are wrong."""
    try:
        found = _of_options(asked, kept)
        return _of_query(asked, kept) if found is None else found
    except WeightreplError:
        return Completions()


def _of_query(asked: Asked, kept: Kept) -> Completions:
    from weightrepl.service.complete import complete

    if asked.body and asked.query.text.startswith("#:"):
        return _of_directive(asked)
    scope, query = kept.scope(asked), asked.query
    found = complete(query.text, asked.offset - query.start, **scope)
    items = _in_full(found.items, scope["workspace"])
    return Completions(tuple(item.replace(span=item.span.shifted(query.start)) for item in items))


def _of_directive(asked: Asked) -> Completions:
    from weightrepl.model.workspace import Workspace
    from weightrepl.service.file_queries import complete_file

    return complete_file(asked.query.text, asked.offset, Workspace())


def _in_full(items: Iterable[Completion], workspace: Workspace) -> Iterator[Completion]:
    """Yield completions, the first with what is below them, where it does not take long to look at all of that."""
    from weightrepl.service.complete import resolved

    looked = workspace.prepared.setdefault("looked at", set())  # from then on `complete` tells what is known
    for n, item in enumerate(items):
        if n < MOST_RESOLVED and item.address and item.address not in looked:
            looked.add(item.address)
            yield resolved(item, workspace, MOST_LAYERS)
        else:
            yield item


# ------------------------------------------------------------------ options


def _of_options(asked: Asked, kept: Kept) -> Completions | None:
    """Return what may stand where an option or its value does; None where the query is."""
    from weightrepl.frontends.lines_arguments import fitting
    from weightrepl.frontends.magics_options import OPTIONS

    offset, line = asked.offset, asked.query.line
    span = option = None
    for part in asked.parts.options:
        value = Span(offset, offset) if part.value is None else part.value.span
        if part.spelling.start <= offset <= part.spelling.end:
            span = part.spelling
        elif part.spelling.end < offset <= value.end and part.option is not None and part.option.value:
            span, option = value, part.option
    if span is None:
        if not asked.query.text.startswith("-") or offset != asked.query.start + 1:
            return None
        span = Span(asked.query.start, offset)
    begun = line[span.start : offset]
    if option is None:
        found = (Completion(o.name, span, "keyword", o.name, o.summary) for o in OPTIONS)
        return fitting(begun, found)
    return _of_value(option.name, span, begun, kept)


def _of_value(option: str, span: Span, begun: str, kept: Kept) -> Completions:
    from weightrepl.frontends.lines_arguments import files, fitting
    from weightrepl.render.formats import FORMATS

    if option == "--format":
        return fitting(begun, (Completion(f, span, "value", f) for f in FORMATS))
    if option != "--model":
        return Completions()
    named = fitting(begun, _models(span, kept)).items
    found = (
        f.replace(detail="folder" if f.label.endswith("/") else "file")
        for f in files("file", span, begun).items
    )
    return Completions((*named, *found))


def _models(span: Span, kept: Kept) -> Iterator[Completion]:
    from weightrepl.frontends.magics_options import NO_PARTS

    for name, places in kept.session(NO_PARTS).workspace.by_name.items():
        if len(places) == 1:
            yield Completion(name, span, "model", name, places[0].model.format)
