"""Queries of a document are run: a lens above each, and the command behind it."""

from __future__ import annotations

import json
from functools import partial

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams

from weightrepl.errors import QueryError, SourceError
from weightrepl.frontends.language_server_files import Said
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_server import Document, WeightServer
from weightrepl.frontends.language_server_texts import Text
from weightrepl.model.workspace import Workspace
from weightrepl.service.file_queries import named_of
from weightrepl.spans import Span

RUN = "weightrepl.run"
"""The command. Its arguments: the document's URI, and which query, from 0.

Its result: `query`, and either `text`, a table, and of at most MOST_ROWS rows `json`, the same as `--format json` gives
it; or `error`.
"""

MOST_ROWS = 500


async def lenses(server: WeightServer, params: lsp.CodeLensParams) -> list[lsp.CodeLens] | None:
    """Return a lens for each query that can be run."""
    if (document := server.documents.get(params.text_document.uri)) is None:
        return None
    text, queries = document.text, await server.aside(partial(_queries, await document.said()))
    return [
        lsp.CodeLens(text.range(Span(span.start, span.start)), _command("run", text, number))
        for number, (span, _, _) in enumerate(queries)
    ]


def _command(title: str, text: Text, number: int) -> lsp.Command:
    return lsp.Command(title, RUN, arguments=[text.uri, number])


async def commands(server: WeightServer, document: Document, wanted: Span) -> list[lsp.Command]:
    """Return what runs the queries in a span, for an editor that shows no lenses."""
    queries = await server.aside(partial(_queries, await document.said()))
    return [
        _command("run this query", document.text, number)
        for number, (span, _, _) in enumerate(queries)
        if span.start <= wanted.end and wanted.start <= span.end
    ]


def _queries(said: Said) -> list[tuple[Span, str, Region]]:
    """Return the queries of a document that can be run: where each stands, what it is, and what it is a part of."""
    known = (region for region in said.regions if region.is_plain and said.asked_of(region))
    return [(span, query, region) for region in known for span, query in region.queries()]


async def execute(server: WeightServer, params: lsp.ExecuteCommandParams) -> dict[str, object]:
    """Return what a query of a document gives; it is shown, too, unless the client said that it does so itself."""
    arguments = params.arguments or []
    if params.command != RUN:
        raise JsonRpcInvalidParams(f"no such command: {params.command}")
    match arguments:
        case [str() as uri, int() as number] if uri in server.documents:
            said = await server.documents[uri].said()
        case _:
            raise JsonRpcInvalidParams(f"{RUN} takes the URI of an open document, and the number of a query")
    queries = await server.aside(partial(_queries, said))
    if not 0 <= number < len(queries):
        raise JsonRpcInvalidParams(f"there is no query {number}: there are {len(queries)}")
    _, query, region = queries[number]
    result = await server.long(partial(_run, query, region, await server.models_of(region, said)))
    if server.shows_results:
        shown, kind = result.get("text"), lsp.MessageType.Info
        if shown is None:
            shown, kind = result["error"], lsp.MessageType.Error
        server.window_show_message(lsp.ShowMessageParams(kind, f"{query}\n{shown}"))
    return result


def _run(query: str, region: Region, workspace: Workspace) -> dict[str, object]:
    from weightrepl.engine.evaluate import evaluate
    from weightrepl.engine.table import Count
    from weightrepl.render.json import document

    named = named_of(region.text) if region.is_file else {}
    try:
        found = evaluate(query, workspace, named=named, want=region.want)
        result: dict[str, object] = {"query": query, "text": repr(found)}
        if isinstance(found, Count) or len(found) <= MOST_ROWS:
            result["json"] = json.loads("".join(document([(query, found, found.notes)])))
        return result
    except (QueryError, SourceError) as error:
        return {"query": query, "error": str(error)}
