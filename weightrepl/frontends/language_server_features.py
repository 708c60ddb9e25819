"""What an editor may ask of a query file; each answer is the service's, in the protocol's words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from lsprotocol import types as lsp
from pygls.uris import from_fs_path

from weightrepl.errors import Problem, WeightreplError
from weightrepl.frontends import language_server_answers as answers
from weightrepl.frontends.language_server_files import is_python, regions_of
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_server import WeightServer, fixes_of
from weightrepl.frontends.language_server_texts import Text
from weightrepl.model.workspace import Workspace
from weightrepl.service.answers import Completion
from weightrepl.service.complete import resolved
from weightrepl.service.file_names import FileName, name_at, renamed, span_at
from weightrepl.service.file_outline import folds, formatted, symbols
from weightrepl.service.file_queries import named_of, parsed
from weightrepl.spans import Span

RUN = "weightrepl.run"
_TRIGGERS = ["/", ":", "@", "|", ".", "$", "#", "[", "(", " ", ","]
_FOLDS = {"region": lsp.FoldingRangeKind.Region, "comment": lsp.FoldingRangeKind.Comment}


def register(server: WeightServer) -> None:
    """Let a server answer all that is here."""
    for method, (handler, options) in _FEATURES.items():
        server.feature(method, options)(_bound(server, handler))

    async def run(uri: str, number: int) -> Any:
        return await _run(server, uri, number)

    server.command(RUN)(run)


def _bound(server: WeightServer, handler: Any) -> Any:
    async def handled(params: Any) -> Any:
        return await handler(server, params)

    return handled


# ------------------------------------------------------------------ documents


async def _initialize(server: WeightServer, params: lsp.InitializeParams) -> None:
    server.started(params.initialization_options)


async def _configured(server: WeightServer, params: lsp.DidChangeConfigurationParams) -> None:
    server.set(params.settings)


async def _opened(server: WeightServer, params: lsp.DidOpenTextDocumentParams) -> None:
    given = params.text_document
    encoding = str(server.server_capabilities.position_encoding or "utf-16")
    server.put(Text(given.uri, given.text, encoding, given.version, given.language_id))


async def _changed(server: WeightServer, params: lsp.DidChangeTextDocumentParams) -> None:
    text = server.texts.get(params.text_document.uri)
    if text is not None:
        server.put(text.edited(params.content_changes, params.text_document.version))


async def _closed(server: WeightServer, params: lsp.DidCloseTextDocumentParams) -> None:
    server.drop(params.text_document.uri)


# ------------------------------------------------------------------ what stands here


async def _complete(server: WeightServer, params: lsp.CompletionParams) -> lsp.CompletionList | None:
    def ask(text: Text, region: Region, offset: int, workspace: Workspace) -> lsp.CompletionList:
        found = region.complete(offset, workspace)
        items = [answers.completion_item(item, rank, text) for rank, item in enumerate(found.items)]
        return lsp.CompletionList(found.cut or found.coming, items)

    return await server.here(params.text_document.uri, params.position, ask)


async def _resolve(server: WeightServer, item: lsp.CompletionItem) -> lsp.CompletionItem:
    data = item.data if isinstance(item.data, dict) else {}

    def ask(_: Text, __: Region, ___: int, workspace: Workspace) -> lsp.CompletionItem:
        known = Completion(
            "", Span(0, 0), "layer", item.label, item.detail or "", address=str(data["address"])
        )
        item.detail = resolved(known, workspace).detail
        return item

    edit = item.text_edit
    if not data or not isinstance(edit, lsp.TextEdit):
        return item
    return await server.here(str(data["uri"]), edit.range.start, ask) or item


async def _hover(server: WeightServer, params: lsp.HoverParams) -> lsp.Hover | None:
    shown = server.client_capabilities.text_document
    formats = (shown.hover.content_format if shown and shown.hover else None) or [lsp.MarkupKind.Markdown]

    def ask(text: Text, region: Region, offset: int, workspace: Workspace) -> lsp.Hover | None:
        found = region.hover(offset, workspace)
        return None if found is None else answers.hover(found, text, formats[0])

    return await server.here(params.text_document.uri, params.position, ask)


async def _signature(server: WeightServer, params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
    def ask(_: Text, region: Region, offset: int, __: Workspace) -> lsp.SignatureHelp | None:
        found = region.signature(offset)
        return None if found is None else answers.signature_help(found)

    return await server.here(params.text_document.uri, params.position, ask)


# ------------------------------------------------------------------ problems


async def _diagnose(
    server: WeightServer, params: lsp.DocumentDiagnosticParams
) -> lsp.DocumentDiagnosticReport:
    problems = await server.problems(params.text_document.uri)
    text = server.texts.get(params.text_document.uri)
    items = [answers.diagnostic(problem, text) for problem in problems] if text is not None else []
    return lsp.RelatedFullDocumentDiagnosticReport(items)


async def _actions(server: WeightServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    text = server.texts.get(params.text_document.uri)
    if text is None:
        return []
    wanted = text.span(params.range)
    mended = fixes_of(await server.problems(text.uri))
    here = [p for p in mended if p.span and p.span.start <= wanted.end and wanted.start <= p.span.end]
    return [_action(problem, text) for problem in here if _is_wanted(lsp.CodeActionKind.QuickFix, params)]


def _is_wanted(kind: lsp.CodeActionKind, params: lsp.CodeActionParams) -> bool:
    only = params.context.only
    return only is None or any(str(getattr(each, "value", each)) in ("", kind.value) for each in only)


def _action(problem: Problem, text: Text) -> lsp.CodeAction:
    assert problem.fix is not None
    title = f"replace '{problem.fix.span.of(text.text)}' by '{problem.fix.text}'"
    if not len(problem.fix.span):
        title = f"insert '{problem.fix.text}'"
    elif not problem.fix.text:
        title = f"remove '{problem.fix.span.of(text.text)}'"
    return lsp.CodeAction(
        title,
        lsp.CodeActionKind.QuickFix,
        [answers.diagnostic(problem, text)],
        is_preferred=True,
        edit=lsp.WorkspaceEdit({text.uri: answers.edits([problem.fix], text)}),
    )


# ------------------------------------------------------------------ names


def _name(server: WeightServer, uri: str, position: lsp.Position) -> tuple[Text, FileName, int] | None:
    """Return the document, the name that is given or used at a position, and its offset."""
    text = server.texts.get(uri)
    if text is None or is_python(text):
        return None
    offset = text.offset(position)
    name = name_at(text.text, offset, server.opened_names(text))
    return None if name is None else (text, name, offset)


async def _definition(server: WeightServer, params: lsp.DefinitionParams) -> list[lsp.Location] | None:
    found = _name(server, params.text_document.uri, params.position)
    return None if found is None else [lsp.Location(found[0].uri, found[0].range(found[1].given))]


async def _references(server: WeightServer, params: lsp.ReferenceParams) -> list[lsp.Location] | None:
    found = _name(server, params.text_document.uri, params.position)
    if found is None:
        return None
    text, name, _ = found
    spans = (name.given, *name.uses) if params.context.include_declaration else name.uses
    return [lsp.Location(text.uri, text.range(span)) for span in spans]


async def _highlights(
    server: WeightServer, params: lsp.DocumentHighlightParams
) -> list[lsp.DocumentHighlight] | None:
    found = _name(server, params.text_document.uri, params.position)
    if found is None:
        return None
    text, name, _ = found
    kind = lsp.DocumentHighlightKind
    return [
        lsp.DocumentHighlight(text.range(name.given), kind.Write),
        *(lsp.DocumentHighlight(text.range(span), kind.Read) for span in name.uses),
    ]


async def _prepare_rename(
    server: WeightServer, params: lsp.PrepareRenameParams
) -> lsp.PrepareRenamePlaceholder | None:
    found = _name(server, params.text_document.uri, params.position)
    if found is None:
        return None
    text, name, offset = found
    return lsp.PrepareRenamePlaceholder(text.range(span_at(name, offset)), name.name)


async def _rename(server: WeightServer, params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
    from pygls.exceptions import JsonRpcInvalidParams

    found = _name(server, params.text_document.uri, params.position)
    if found is None:
        return None
    text, name, _ = found
    try:
        return lsp.WorkspaceEdit({text.uri: answers.edits(renamed(text.text, name, params.new_name), text)})
    except ValueError as error:
        raise JsonRpcInvalidParams(str(error)) from None


# ------------------------------------------------------------------ the whole document


def _file(server: WeightServer, uri: str) -> Text | None:
    """Return an open query file; None of anything else."""
    text = server.texts.get(uri)
    return None if text is None or is_python(text) else text


async def _symbols(server: WeightServer, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol] | None:
    text = _file(server, params.text_document.uri)
    return None if text is None else [answers.document_symbol(each, text) for each in symbols(text.text)]


async def _folding(server: WeightServer, params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange] | None:
    text = _file(server, params.text_document.uri)
    if text is None:
        return None
    ranges = [(text.range(span), kind) for span, kind in folds(text.text)]
    return [lsp.FoldingRange(each.start.line, each.end.line, kind=_FOLDS[kind]) for each, kind in ranges]


async def _tokens(server: WeightServer, params: lsp.SemanticTokensParams) -> lsp.SemanticTokens | None:
    text = server.texts.get(params.text_document.uri)
    return None if text is None else await _tokens_of(server, text, Span(0, len(text.text)))


async def _tokens_in(
    server: WeightServer, params: lsp.SemanticTokensRangeParams
) -> lsp.SemanticTokens | None:
    text = server.texts.get(params.text_document.uri)
    return None if text is None else await _tokens_of(server, text, text.span(params.range))


async def _tokens_of(server: WeightServer, text: Text, wanted: Span) -> lsp.SemanticTokens:
    def work() -> lsp.SemanticTokens:
        pieces = (piece for region in regions_of(text) for piece in region.pieces())
        here = (piece for piece in pieces if piece.span.start < wanted.end and wanted.start < piece.span.end)
        return answers.semantic_tokens(here, text)

    return await server.aside(work)


async def _format(server: WeightServer, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
    text = _file(server, params.text_document.uri)
    return None if text is None else answers.edits(formatted(text.text), text)


async def _hints(server: WeightServer, params: lsp.InlayHintParams) -> list[lsp.InlayHint] | None:
    def ask(text: Text, region: Region, workspace: Workspace) -> Iterator[lsp.InlayHint]:
        wanted = text.span(params.range)
        if workspace.models and region.span.start <= wanted.end and wanted.start <= region.span.end:
            for offset, found in region.counts(workspace):
                noun = found.noun[:-1] if found.count == 1 else found.noun
                label = f"{found.count:,} {noun}"
                if wanted.start <= offset <= wanted.end:
                    yield lsp.InlayHint(text.position(offset), label, padding_left=True)

    return await server.each(params.text_document.uri, ask)


async def _links(server: WeightServer, params: lsp.DocumentLinkParams) -> list[lsp.DocumentLink] | None:
    text = server.texts.get(params.text_document.uri)
    if text is None:
        return None
    return [
        lsp.DocumentLink(text.range(each.span), from_fs_path(each.wanted.path), tooltip=each.wanted.path)
        for each in server.asked(text)
        if each.span is not None and each.wanted is not None and os.path.exists(each.wanted.path)
    ]


# ------------------------------------------------------------------ running


async def _lenses(server: WeightServer, params: lsp.CodeLensParams) -> list[lsp.CodeLens] | None:
    text = server.texts.get(params.text_document.uri)
    if text is None:
        return None
    places = [query.start for query, _ in _queries(text)]
    return [
        lsp.CodeLens(text.range(Span(at, at)), lsp.Command("run", RUN, arguments=[text.uri, number]))
        for number, at in enumerate(places)
    ]


def _queries(text: Text) -> list[tuple[Span, Region]]:
    """Return the queries of a document that can be run, and what each is a part of."""
    found = []
    for region in regions_of(text):
        entries = parsed(region.text).file.entries if region.is_file else ()
        spans = [each.query.span for each in entries] if region.is_file else [Span(0, len(region.text))]
        found += [(region.outer(span), region) for span in spans if len(span)]
    return found


async def _run(server: WeightServer, uri: str, number: int) -> dict[str, str]:
    """Return the table that a query of a document gives, as text. number: which query, from 0."""
    from weightrepl.engine.evaluate import evaluate

    text = server.texts.get(uri)
    queries = _queries(text) if text is not None else []
    if text is None or not 0 <= number < len(queries):
        return {"error": "there is no such query"}
    place, _ = queries[number]

    def ask(_: Text, region: Region, __: int, workspace: Workspace) -> dict[str, str]:
        query = Span(region.inner(place.start), region.inner(place.end)).of(region.text)
        named = named_of(region.text) if region.is_file else {}
        try:
            return {"query": query, "text": repr(evaluate(query, workspace, named=named, want=region.want))}
        except WeightreplError as error:
            return {"query": query, "error": str(error)}

    return await server.here(uri, text.position(place.start), ask) or {"error": "there is no such query"}


_FEATURES: dict[str, tuple[Any, Any]] = {
    lsp.INITIALIZE: (_initialize, None),
    lsp.WORKSPACE_DID_CHANGE_CONFIGURATION: (_configured, None),
    lsp.TEXT_DOCUMENT_DID_OPEN: (_opened, None),
    lsp.TEXT_DOCUMENT_DID_CHANGE: (_changed, None),
    lsp.TEXT_DOCUMENT_DID_CLOSE: (_closed, None),
    lsp.TEXT_DOCUMENT_COMPLETION: (_complete, lsp.CompletionOptions(_TRIGGERS, resolve_provider=True)),
    lsp.COMPLETION_ITEM_RESOLVE: (_resolve, None),
    lsp.TEXT_DOCUMENT_HOVER: (_hover, None),
    lsp.TEXT_DOCUMENT_SIGNATURE_HELP: (_signature, lsp.SignatureHelpOptions(["|", " "])),
    lsp.TEXT_DOCUMENT_DIAGNOSTIC: (_diagnose, lsp.DiagnosticOptions(False, False, "weightrepl")),
    lsp.TEXT_DOCUMENT_CODE_ACTION: (_actions, lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix])),
    lsp.TEXT_DOCUMENT_DEFINITION: (_definition, None),
    lsp.TEXT_DOCUMENT_REFERENCES: (_references, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (_highlights, None),
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: (_prepare_rename, None),
    lsp.TEXT_DOCUMENT_RENAME: (_rename, lsp.RenameOptions(prepare_provider=True)),
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (_symbols, None),
    lsp.TEXT_DOCUMENT_FOLDING_RANGE: (_folding, None),
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: (_tokens, answers.LEGEND),
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: (_tokens_in, answers.LEGEND),
    lsp.TEXT_DOCUMENT_FORMATTING: (_format, None),
    lsp.TEXT_DOCUMENT_INLAY_HINT: (_hints, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_LINK: (_links, None),
    lsp.TEXT_DOCUMENT_CODE_LENS: (_lenses, None),
}
"""The methods of the protocol, what answers each, and what is said of it beforehand."""
