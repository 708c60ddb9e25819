"""The service's answers as the Language Server Protocol spells them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache

from lsprotocol import types as lsp
from pygls.uris import from_fs_path

from weightrepl.errors import Fix, Problem
from weightrepl.frontends.language_server_client import Client
from weightrepl.frontends.language_server_files import is_python
from weightrepl.frontends.language_server_texts import Text
from weightrepl.service.answers import (
    Completion,
    CompletionKind,
    Completions,
    Highlight,
    Hover,
    Role,
    Signature,
)
from weightrepl.service.file_names import related_to
from weightrepl.service.file_outline import Symbol
from weightrepl.spans import Span

_KIND = lsp.CompletionItemKind
_KINDS: dict[CompletionKind, lsp.CompletionItemKind] = {
    "model": _KIND.Module, "layer": _KIND.Struct, "attribute": _KIND.Property, "system": _KIND.Folder,
    "class": _KIND.Class, "weight": _KIND.Field, "reference": _KIND.Variable, "pattern": _KIND.Text,
    "axis": _KIND.Value, "separator": _KIND.Operator, "stage": _KIND.Function, "column": _KIND.Property,
    "direction": _KIND.Keyword, "count": _KIND.Value, "reduction": _KIND.Function, "keyword": _KIND.Keyword,
    "operator": _KIND.Operator, "value": _KIND.EnumMember,
}  # fmt: skip
_TOKENS: dict[Role, str] = {
    "model": "namespace", "layer": "variable", "attribute": "property", "class": "class", "weight": "property",
    "reference": "parameter", "wildcard": "regexp", "escape": "string", "separator": "operator",
    "exclusion": "operator", "pipe": "operator", "stage": "function", "column": "enumMember", "keyword": "keyword",
    "operator": "operator", "number": "number", "string": "string", "constant": "enumMember", "slice": "number",
    "comment": "comment", "directive": "macro", "path": "string",
}  # fmt: skip
_FOLDS = {"region": lsp.FoldingRangeKind.Region, "comment": lsp.FoldingRangeKind.Comment}
LEGEND = lsp.SemanticTokensLegend(list(dict.fromkeys(_TOKENS.values())), [])
_NUMBERS = {role: LEGEND.token_types.index(kind) for role, kind in _TOKENS.items()}
_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "note": lsp.DiagnosticSeverity.Information,
}
_SYMBOLS = {
    "model": lsp.SymbolKind.Module,
    "query": lsp.SymbolKind.Variable,
    "entry": lsp.SymbolKind.Event,
}


def completion_list(
    found: Completions, text: Text, offset: int, client: Client, source: str | None = None
) -> lsp.CompletionList:
    """Return completions in the service's order, which an editor would else make its own.

    An editor leaves out what does not begin with what is typed. Where the service knows better (typed is a pattern, or
    the middle of a name), it is told what it wants to see, and to ask again at the next key.
    """
    items, again = [], found.cut or found.coming
    for rank, item in enumerate(found.items):
        typed = text.text[item.span.start : offset]
        begins = item.text.casefold().startswith(typed.casefold())
        again = again or not begins
        told = _completion_item(item, text, client)
        told.sort_text = f"{rank:05}"
        told.filter_text = item.text if begins else typed
        if item.address:
            told.data = {"uri": text.uri, "address": item.address, "source": source}
        items.append(told)
    return lsp.CompletionList(again, items)


def _completion_item(item: Completion, text: Text, client: Client) -> lsp.CompletionItem:
    page: str | lsp.MarkupContent | None = item.documentation or None
    if page and client.item_markdown:
        page = lsp.MarkupContent(lsp.MarkupKind.Markdown, item.documentation)
    return lsp.CompletionItem(
        label=item.label,
        kind=_KINDS[item.kind],
        detail=item.detail or None,
        documentation=page,
        text_edit=lsp.TextEdit(text.range(item.span), item.text),
    )


def hover(found: Hover, text: Text, client: Client) -> lsp.Hover:
    """Return a hover: title, facts and text."""
    if client.markdown:
        lines = [f"**{_code(found.title)}**", ""]
        lines += [f"- {label}: {_code(value)}" for label, value in found.facts]
    else:
        lines = [found.title, *(f"{label}: {value}" for label, value in found.facts)]
    lines += ["", found.text] if found.text else []
    kind = lsp.MarkupKind.Markdown if client.markdown else lsp.MarkupKind.PlainText
    return lsp.Hover(lsp.MarkupContent(kind, "\n".join(lines)), text.range(found.span))


def _code(text: str) -> str:
    """Return text as code of Markdown's, in which nothing is markup."""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def diagnostic(problem: Problem, text: Text, client: Client) -> lsp.Diagnostic:
    """Return a problem where it stands; one without a place stands at the beginning."""
    related = related_to(problem, text.text) if client.related and not is_python(text) else None
    told = None
    if related is not None:
        place = lsp.Location(text.uri, text.range(related[0]))
        told = [lsp.DiagnosticRelatedInformation(place, related[1])]
    page = page_of(problem.code) if client.descriptions else None
    return lsp.Diagnostic(
        text.range(problem.place),
        "\n".join((problem.message, *_advice(problem, text.text))),
        _SEVERITIES[problem.severity],
        problem.code,
        code_description=None if page is None else lsp.CodeDescription(page),
        source="weightrepl",
        related_information=told,
    )


def _advice(problem: Problem, text: str) -> tuple[str, ...]:
    """Return what to do about a problem, told of the line that changes."""
    if problem.fix is None:
        return problem.advice(text)
    start, end = text.rfind("\n", 0, problem.fix.span.start) + 1, text.find("\n", problem.fix.span.end)
    return problem.shifted(-start).advice(text[start : end if end >= 0 else len(text)])


@cache
def _pages() -> dict[str, str]:
    """Return where the page of problems tells of each code; nothing where it was not installed."""
    path = os.path.join(os.path.dirname(__file__), "problems.md")
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    uri = from_fs_path(path)
    return {line[4:]: f"{uri}#L{number}" for number, line in enumerate(lines, 1) if line.startswith("### ")}


def page_of(code: str) -> str | None:
    """Return a link to what is told of a code; None where nothing is."""
    return _pages().get(code)


def workspace_edit(fixes: Iterable[Fix], text: Text, client: Client) -> lsp.WorkspaceEdit:
    """Return changes of a document as it is now."""
    changes = edits(fixes, text)
    if not client.document_changes:
        return lsp.WorkspaceEdit({text.uri: changes})
    version = lsp.OptionalVersionedTextDocumentIdentifier(text.uri, text.version)
    return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(version, changes)])


def edits(fixes: Iterable[Fix], text: Text) -> list[lsp.TextEdit]:
    """Return changes of a text."""
    return [lsp.TextEdit(text.range(fix.span), fix.text) for fix in fixes]


def semantic_tokens(pieces: Iterable[Highlight], text: Text) -> lsp.SemanticTokens:
    """Return what the pieces of a text are, each relative to the one before, none of more than a line."""
    numbers: list[int] = []
    line = column = 0
    for piece in pieces:
        kind = _NUMBERS.get(piece.role)
        if kind is None:
            continue
        for span in _lines(piece.span, text.text):
            at = text.position(span.start)
            same = at.line == line
            numbers += (
                at.line - line,
                at.character - column if same else at.character,
                text.length(span),
                kind,
                0,
            )
            line, column = at.line, at.character
    return lsp.SemanticTokens(numbers)


def _lines(span: Span, text: str) -> Iterator[Span]:
    start = span.start
    for part in span.of(text).splitlines(keepends=True):
        bare = len(part.rstrip("\r\n"))
        if bare:
            yield Span(start, start + bare)
        start += len(part)


def signature_help(found: Signature, client: Client) -> lsp.SignatureHelp:
    """Return what a stage takes."""
    parameters = [
        lsp.ParameterInformation(
            (each.span.start, each.span.end) if client.label_spans else each.span.of(found.label), each.text
        )
        for each in found.parameters
    ]
    signature = lsp.SignatureInformation(found.label, found.text, parameters)
    return lsp.SignatureHelp([signature], 0, len(parameters) if found.active is None else found.active)


def document_symbol(symbol: Symbol, text: Text) -> lsp.DocumentSymbol:
    """Return a line of an outline."""
    return lsp.DocumentSymbol(
        symbol.name,
        _SYMBOLS[symbol.kind],
        text.range(symbol.span),
        text.range(symbol.selection),
        symbol.detail,
    )


def flat_symbol(symbol: Symbol, text: Text) -> lsp.SymbolInformation:
    """Return a line of an outline for a client that knows no others."""
    return lsp.SymbolInformation(
        lsp.Location(text.uri, text.range(symbol.span)), symbol.name, _SYMBOLS[symbol.kind]
    )


def folding_range(span: Span, kind: str, text: Text, client: Client) -> lsp.FoldingRange:
    """Return what can be folded."""
    here = text.range(span)
    if client.folds_lines:
        return lsp.FoldingRange(here.start.line, here.end.line, kind=_FOLDS[kind])
    return lsp.FoldingRange(
        here.start.line, here.end.line, here.start.character, here.end.character, _FOLDS[kind]
    )
