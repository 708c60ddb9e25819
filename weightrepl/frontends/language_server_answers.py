"""The service's answers as the Language Server Protocol spells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lsprotocol import types as lsp

from weightrepl.errors import Fix, Problem
from weightrepl.frontends.language_server_texts import Text
from weightrepl.service.answers import Completion, CompletionKind, Highlight, Hover, Role, Signature
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


def completion_item(item: Completion, rank: int, text: Text) -> lsp.CompletionItem:
    """Return a completion; `rank` keeps the service's order, which an editor would else make its own."""
    return lsp.CompletionItem(
        label=item.label,
        kind=_KINDS[item.kind],
        detail=item.detail or None,
        documentation=markdown(item.documentation) if item.documentation else None,
        sort_text=f"{rank:05}",
        filter_text=item.text if item.text != item.label else None,
        text_edit=lsp.TextEdit(text.range(item.span), item.text),
        data={"uri": text.uri, "address": item.address} if item.address else None,
    )


def markdown(text: str) -> lsp.MarkupContent:
    """Return Markdown."""
    return lsp.MarkupContent(lsp.MarkupKind.Markdown, text)


def hover(found: Hover, text: Text, kind: lsp.MarkupKind) -> lsp.Hover:
    """Return a hover: title, facts and text."""
    if kind == lsp.MarkupKind.PlainText:
        lines = [found.title, *(f"{label}: {value}" for label, value in found.facts)]
    else:
        lines = [f"**{_code(found.title)}**", ""]
        lines += [f"- {label}: {_code(value)}" for label, value in found.facts]
    lines += ["", found.text] if found.text else []
    return lsp.Hover(lsp.MarkupContent(kind, "\n".join(lines)), text.range(found.span))


def _code(text: str) -> str:
    """Return text as code of Markdown's, in which nothing is markup."""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def diagnostic(problem: Problem, text: Text) -> lsp.Diagnostic:
    """Return a problem where it stands; one without a place stands at the beginning."""
    span = problem.span or Span(0, 0)
    advice = problem.advice(text.text)
    return lsp.Diagnostic(
        text.range(span),
        "\n".join((problem.message, *advice)),
        _SEVERITIES[problem.severity],
        problem.code,
        source="weightrepl",
    )


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


def signature_help(found: Signature) -> lsp.SignatureHelp:
    """Return what a stage takes."""
    parameters = [
        lsp.ParameterInformation((each.span.start, each.span.end), each.text) for each in found.parameters
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
