"""What a client can do, as far as it changes what it is told."""

from __future__ import annotations

from typing import Any

from lsprotocol import types as lsp
from pygls.capabilities import ServerCapabilitiesBuilder, get_capability

from weightrepl.values import Value


class Client(Value):
    """What a client can do.

    pulls: it asks for problems itself. versions, related, descriptions: what of a problem it takes.
    markdown, item_markdown: how it reads a hover, and what a completion is.
    label_spans: parameters are told as parts of the signature. changes: edits are told with the version they are of.
    """

    encoding: str = "utf-16"
    pulls: bool = False
    versions: bool = False
    related: bool = False
    descriptions: bool = False
    markdown: bool = True
    item_markdown: bool = True
    nests_symbols: bool = False
    folds_lines: bool = False
    link_tips: bool = False
    label_spans: bool = False
    document_changes: bool = False
    literal_actions: bool = False
    lenses: bool = False
    progress: bool = False
    tells_settings: bool = False
    registers_settings: bool = False
    refreshes_problems: bool = False
    refreshes_hints: bool = False


def client_of(capabilities: lsp.ClientCapabilities) -> Client:
    """Return what a client says that it can do."""

    def can(path: str) -> bool:
        return bool(get_capability(capabilities, path, False))

    formats: Any = get_capability(capabilities, "text_document.hover.content_format", None)
    encoding: Any = ServerCapabilitiesBuilder.choose_position_encoding(capabilities)
    pulls = capabilities.text_document is not None and capabilities.text_document.diagnostic is not None
    problems = ("text_document.publish_diagnostics", "text_document.diagnostic")
    return Client(
        encoding=str(getattr(encoding, "value", encoding)),
        pulls=pulls,
        versions=can("text_document.publish_diagnostics.version_support"),
        related=any(can(f"{each}.related_information") for each in problems),
        descriptions=any(can(f"{each}.code_description_support") for each in problems),
        markdown=not formats or formats[0] == lsp.MarkupKind.Markdown,
        item_markdown=lsp.MarkupKind.Markdown
        in get_capability(capabilities, "text_document.completion.completion_item.documentation_format", ()),
        nests_symbols=can("text_document.document_symbol.hierarchical_document_symbol_support"),
        folds_lines=can("text_document.folding_range.line_folding_only"),
        link_tips=can("text_document.document_link.tooltip_support"),
        label_spans=can(
            "text_document.signature_help.signature_information.parameter_information.label_offset_support"
        ),
        document_changes=can("workspace.workspace_edit.document_changes"),
        literal_actions=can("text_document.code_action.code_action_literal_support"),
        lenses=get_capability(capabilities, "text_document.code_lens", None) is not None,
        progress=can("window.work_done_progress"),
        tells_settings=can("workspace.configuration"),
        registers_settings=can("workspace.did_change_configuration.dynamic_registration"),
        refreshes_problems=can("workspace.diagnostics.refresh_support"),
        refreshes_hints=can("workspace.inlay_hint.refresh_support"),
    )
