"""What is wrong with a document, and the changes that mend it."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types as lsp

from weightrepl.errors import Fix, Problem
from weightrepl.frontends import language_server_answers as answers
from weightrepl.frontends.language_server_running import commands
from weightrepl.frontends.language_server_server import WeightServer
from weightrepl.frontends.language_server_texts import Text
from weightrepl.spans import Span

KINDS = [lsp.CodeActionKind.QuickFix, lsp.CodeActionKind.SourceFixAll]


async def diagnose(
    server: WeightServer, params: lsp.DocumentDiagnosticParams
) -> lsp.DocumentDiagnosticReport:
    """Return all that is wrong with a document, for a client that asks for it."""
    document = server.documents.get(params.text_document.uri)
    if document is None:
        return lsp.RelatedFullDocumentDiagnosticReport([])
    problems = await server.problems(document)
    told = [answers.diagnostic(problem, document.text, server.client) for problem in problems]
    return lsp.RelatedFullDocumentDiagnosticReport(told)


async def actions(server: WeightServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction | lsp.Command]:
    """Return the changes that mend what is wrong in a range, the one that mends all errors, and what runs a query."""
    document = server.documents.get(params.text_document.uri)
    if document is None or not server.client.literal_actions:
        return []
    text, wanted = document.text, document.text.span(params.range)
    mendable = [problem for problem in await server.problems(document) if problem.fix is not None]
    found: list[lsp.CodeAction | lsp.Command] = []
    if _is_wanted(lsp.CodeActionKind.QuickFix, params):
        found = [_action(problem, text, server) for problem in mendable if _is_at(problem, wanted)]
    if _is_wanted(lsp.CodeActionKind.SourceFixAll, params):
        fixes = _together(problem.fix for problem in mendable if problem.fix and problem.severity == "error")
        if fixes:
            edit = answers.workspace_edit(fixes, text, server.client)
            kind = lsp.CodeActionKind.SourceFixAll
            found.append(lsp.CodeAction("mend all errors that can be", kind, edit=edit))
    if params.context.only is None and not server.client.lenses:
        found += await commands(server, document, wanted)
    return found


def _is_wanted(kind: lsp.CodeActionKind, params: lsp.CodeActionParams) -> bool:
    """Return whether a client asks for a kind: by its name, or by that of one that it is of (`source`)."""
    if params.context.only is None:
        return kind == lsp.CodeActionKind.QuickFix or not params.context.diagnostics
    asked = (str(getattr(each, "value", each)) for each in params.context.only)
    return any(not each or f"{kind.value}.".startswith(f"{each}.") for each in asked)


def _is_at(problem: Problem, wanted: Span) -> bool:
    """Return whether a problem or what mends it stands in a span, or beside it."""
    spans = (problem.place, problem.place if problem.fix is None else problem.fix.span)
    return any(span.start <= wanted.end and wanted.start <= span.end for span in spans)


def _together(fixes: Iterable[Fix]) -> list[Fix]:
    """Return those of fixes in order of places that can be made at once: of two at one place the first."""
    made: list[Fix] = []
    for fix in sorted(fixes, key=lambda fix: fix.span):
        if (
            not made
            or made[-1].span.end < fix.span.start
            or (made[-1].span.end == fix.span.start and len(fix.span))
        ):
            made.append(fix)
    return made


def _action(problem: Problem, text: Text, server: WeightServer) -> lsp.CodeAction:
    fix = problem.fix
    assert fix is not None
    old, new = fix.span.of(text.text), fix.text
    title = f"replace '{old}' by '{new}'" if old and new else f"insert '{new}'" if new else f"remove '{old}'"
    return lsp.CodeAction(
        title,
        lsp.CodeActionKind.QuickFix,
        [answers.diagnostic(problem, text, server.client)],
        is_preferred=True,
        edit=answers.workspace_edit([fix], text, server.client),
    )
