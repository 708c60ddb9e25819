"""Incremental edits: a thousand at random places, with requests between them, end as if the text had been opened so."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcRequestCancelled

from tests.language_server.editors import Editor, position
from tests.language_server.test_order import sent
from weightrepl.frontends.language_server_texts import Text

EDITS = 1000
PIECES = (
    *(
        "m/",
        "custom_module",
        "/**",
        ":kernel",
        " | sort size",
        " | sorted",
        ", ",
        "$k",
        '"',
        "(",
        "[0]",
        "{a,",
    ),
    *("\n", "\r", "\r\n", "\n#: let k = m/**:*\n", "\n#: open ", "\n#: expect some\n", "\n  ", "# ", "|"),
    *("é", "层", "🙂", "👩‍💻", "\u2028", "\x0c", "\x85", "\0", "\ufeff", "\ud83d", "\ude42", "e\u0301"),
)
START = "#: open m = model.keras\nm/custom_module:*\r\nm/** | sort size # 🙂\n"
ENCODINGS = ("utf-8", "utf-16", "utf-32")


def whole(text: str) -> str:
    """Return a text in which two halves of a character that stand together are it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def place(text: str, offset: int) -> int:
    """Return an offset that a client can name: none between `\\r` and `\\n`."""
    return offset - (text[offset - 1 : offset + 1] == "\r\n" and offset > 0)


def told(text: str, offset: int, encoding: str, within: bool) -> lsp.Position:
    """Return a position. within: in the middle of the character that begins there, if it is of several units."""
    found = position(text, offset, encoding)
    units = position(text, offset + 1, encoding).character - found.character
    return lsp.Position(found.line, found.character + (within and units > 1))


def edits(
    draw: random.Random, text: str, encoding: str
) -> Iterator[tuple[str, lsp.TextDocumentContentChangeEvent]]:
    """Yield edits and the text after each."""
    while True:
        if draw.random() < 0.01:
            text = "".join(draw.choices(PIECES, k=20))
            change: lsp.TextDocumentContentChangeEvent = lsp.TextDocumentContentChangeWholeDocument(text)
            text = whole(text)
        else:
            start = place(text, draw.randint(0, len(text)))
            end = place(text, min(len(text), start + draw.choice((0, 0, 0, 0, 1, 2, 5, 30))))
            start = min(start, end)
            new = "" if draw.random() < 0.3 else "".join(draw.choices(PIECES, k=draw.randint(1, 3)))
            ends = (told(text, at, encoding, draw.random() < 0.2) for at in (start, end))
            change = lsp.TextDocumentContentChangePartial(lsp.Range(*ends), new)
            text = whole(text[:start] + new + text[end:])
        if len(text) > 2000:
            text, change = START, lsp.TextDocumentContentChangeWholeDocument(START)
        yield text, change


@pytest.mark.parametrize("encoding", ENCODINGS)
@example(seed=157)
@given(seed=st.integers(0, 2**32))
def test_a_text_is_as_the_client_has_it(encoding: str, seed: int):
    text = Text("a.wq", START, encoding)
    for (expected, change), version in zip(
        edits(random.Random(seed), START, encoding), range(40), strict=False
    ):
        text = text.edited([change], version)
        assert text.text == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=st.text(st.sampled_from("a\n\r\u2028\x0cé层🙂\ud83d")), data=st.data())
def test_places_there_and_back(encoding: str, text: str, data: st.DataObject):
    text = whole(text)
    offset = place(text, data.draw(st.integers(0, len(text))))
    document = Text("a.wq", text, encoding)
    assert document.position(offset) == position(text, offset, encoding)
    assert document.offset(document.position(offset)) == offset
    beyond = lsp.Position(document.position(offset).line, 10**6)
    line_end = re.compile(r"\r\n|\r|\n|\Z").search(text, offset)
    assert document.offset(beyond) == line_end.start()
    assert document.offset(lsp.Position(10**6, 0)) == len(text)


FEATURES = (
    (lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionParams),
    (lsp.TEXT_DOCUMENT_HOVER, lsp.HoverParams),
    (lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpParams),
    (lsp.TEXT_DOCUMENT_DEFINITION, lsp.DefinitionParams),
    (lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, lsp.DocumentHighlightParams),
    (lsp.TEXT_DOCUMENT_PREPARE_RENAME, lsp.PrepareRenameParams),
)
STATE = (
    (lsp.TEXT_DOCUMENT_DIAGNOSTIC, lsp.DocumentDiagnosticParams),
    (lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, lsp.SemanticTokensParams),
    (lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL, lsp.DocumentSymbolParams),
    (lsp.TEXT_DOCUMENT_FOLDING_RANGE, lsp.FoldingRangeParams),
    (lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensParams),
)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_thousand_edits_end_as_a_fresh_open(editor: Editor):
    draw = random.Random(editor.encoding)
    doc = editor.open(START)
    asked: list[asyncio.Future] = []
    text, changes = START, edits(draw, START, editor.encoding)
    for version in range(2, EDITS + 2):
        several = [next(changes) for _ in range(draw.choice((1, 1, 1, 2, 3)))]
        text = several[-1][0]
        identifier = lsp.VersionedTextDocumentIdentifier(version, doc.uri)
        params = lsp.DidChangeTextDocumentParams(identifier, [change for _, change in several])
        editor.client.text_document_did_change(params)
        if draw.random() < 0.2:
            method, kind = draw.choice((*FEATURES, *STATE))
            at = (position(text, place(text, draw.randint(0, len(text))), editor.encoding),)
            number = f"{version}-{editor.encoding}"
            asked.append(
                sent(editor, method, kind(doc.id, *(at if (method, kind) in FEATURES else ())), number)
            )
            if draw.random() < 0.2:
                editor.client.protocol.notify(lsp.CANCEL_REQUEST, lsp.CancelParams(number))
            if draw.random() < 0.1:
                await asyncio.wait(asked)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in answers if isinstance(each, Exception)} <= {JsonRpcRequestCancelled}
    fresh = editor.open(text, "fresh.wq")
    for method, kind in STATE:
        found, expected = await sent(editor, method, kind(doc.id)), await sent(editor, method, kind(fresh.id))
        if method == lsp.TEXT_DOCUMENT_CODE_LENS:
            found, expected = ([lens.range for lens in each] for each in (found, expected))
        if method == lsp.TEXT_DOCUMENT_DIAGNOSTIC:
            found, expected = (
                [(p.range, p.code, p.message) for p in each.items] for each in (found, expected)
            )
        assert found == expected, method
    doc.close()
    fresh.close()
