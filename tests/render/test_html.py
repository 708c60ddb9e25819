"""HTML leaves the page alone, needs nothing but itself, and reads well also where its style is taken away.

The golden files are what comes out, but the style sheet. WEIGHTREPL_GOLDEN=1 writes them anew; look at them in a
browser, in light and dark.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.held import matrix, selected
from tests.trees import model, workspace
from weightrepl.engine.evaluate import Result, evaluate
from weightrepl.engine.table import Histogram
from weightrepl.engine.view import View
from weightrepl.errors import Fix, Problem, QueryError
from weightrepl.render.blocks import (
    Cell,
    Chart,
    Facts,
    Heading,
    Line,
    ProblemBlock,
    TableBlock,
    TreeBlock,
    TreeRow,
)
from weightrepl.render.formats import Answer
from weightrepl.render.html import LONG, OPEN_ROWS, html
from weightrepl.render.html_style import SCOPE, SHEET
from weightrepl.render.sheets import sheet
from weightrepl.spans import Span

GOLDEN = Path(__file__).parent / "golden"
VIEW = View(seconds=60)

BLOCKS = "".join(
    f"""
  block_{i} @Block
    attention @Attention
      :kernel (8, 8) float32 trainable
      :bias (8,) float32 trainable =0
    norm @LayerNormalization
      :gamma (8,) float32 trainable"""
    for i in range(4)
)
TREE = f"""
bert @Functional
  embedding @Embedding
    :embeddings (10, 8) float32 frozen{BLOCKS}
  "<b>odd</b> & \\"names\\"" @Dense
    :kernel (2, 2) float16 unknown
  head @Head unbuilt unbuilt=model.build((None, 8))
"""
BERT = workspace(model(TREE))


ODD = matrix(4, 6)
ODD[0, :3] = np.nan, np.inf, -np.inf


def answer(query: str) -> Answer:
    try:
        result: Result = evaluate(query, BERT)
    except QueryError as error:
        return Answer(query, None, error.problems)
    return Answer(query, result, tuple(result.notes))


SHOWN = {
    "layers": evaluate("**", BERT, want="layers"),
    "model": BERT.models[0],
    "weights": selected("**:kernel", matrix(3, 4), np.zeros(5), ODD),
    "weights_without_figures": evaluate("**:*", BERT).seen(View(seconds=0)),
    "weight": selected("a:kernel", ODD),
    "weight_of_one_value": selected("a:kernel", np.zeros(9)),
    "histograms": selected("**:kernel | hist bins=5", matrix(3, 4), ODD, np.full(2, np.nan)),
    "histogram": selected("a:kernel | hist bins=5", ODD),
    "groups": evaluate("**:* | group class", BERT),
    "answers": tuple(
        map(answer, ["**:bias | count", "nix:kernel", "**:gamma | head 2", "embedding:* | stat"])
    ),
}


def drawn(name: str) -> str:
    shown = SHOWN[name]
    view = VIEW if name != "weights_without_figures" else View(seconds=0)
    return html(sheet(shown, view)).replace(f"<style>\n{SHEET}\n</style>\n", "")


def part(*parts) -> str:
    return html(parts).partition("</style>\n")[2].removesuffix("\n</div>")


class Reader(HTMLParser):
    """Keeps the elements of a page, and its text as who reads it without style; knows what is left open."""

    VOID = ("rect", "path", "use")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.elements.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        if not {"style", "svg"} & set(self.open):
            self.words.append(text)


def without_style(text: str) -> list[str]:
    """The lines that are left where styles and pictures are taken away, as GitHub does."""
    return [line for line in "".join(Reader(text).words).splitlines() if line.strip()]


# ------------------------------------------------------------------ as a whole


@pytest.mark.parametrize("name", SHOWN)
def test_results_look_as_they_did(name: str):
    path = GOLDEN / f"{name}.html"
    if os.environ.get("WEIGHTREPL_GOLDEN"):
        path.write_text(drawn(name), encoding="utf-8")
    assert drawn(name) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SHOWN)
def test_html_is_well_formed_and_self_contained(name: str):
    reader = Reader(html(sheet(SHOWN[name], VIEW)))
    assert not reader.open
    assert {tag for tag, _ in reader.elements} <= {
        *("div", "style", "p", "code", "pre", "b", "mark", "span", "details", "summary", "ul", "li"),
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure"),
        *("svg", "title", "desc", "g", "path", "rect", "text", "use", "defs"),
    }
    for _, attributes in reader.elements:
        assert not [key for key in attributes if key.startswith("on")]
        assert attributes.get("href", "#").startswith("#")
        assert "src" not in attributes
    identities = [a["id"] for _, a in reader.elements if "id" in a]
    assert len(identities) == len(set(identities))
    assert "url(" not in html(sheet(SHOWN[name], VIEW))


def test_style_is_of_nothing_but_our_own():
    rules = re.sub(r"@media print\{(.*)\}", r"\1", SHEET)
    selectors = [each for rule in re.findall(r"([^{}]+)\{[^{}]*\}", rules) for each in rule.split(",")]
    assert len(selectors) > 40
    assert all(each.startswith(SCOPE) for each in selectors)
    classes = set(re.findall(r"\.(?!weightrepl)([a-z-]+)", " ".join(selectors)))
    assert all(name.startswith("wr-") for name in classes)


@pytest.mark.parametrize("name", SHOWN)
def test_all_classes_are_our_own(name: str):
    shown = {c for _, a in Reader(drawn(name)).elements for c in (a.get("class") or "").split()}
    assert all(name == "weightrepl" or name.startswith("wr") for name in shown)


def test_names_are_text():
    name = "<script>alert('a')</script>&\"\x1b[2J"
    shown = part(
        Heading(name),
        Line(name),
        TableBlock((name,), ((Cell(name, "name"),),), name),
        TreeBlock((TreeRow(0, (Cell(name, "name"), Cell(name, "list", (name, name)))),), (name, name), name),
        Facts(((name, Cell(name)),)),
        ProblemBlock(Problem("a", name, Span(0, 3), hint=name), name, where=name),
    )
    reader = Reader(shown)
    assert "script" not in {tag for tag, _ in reader.elements}
    assert "\x1b" not in shown
    assert shown.count("<script") == 0
    assert "".join(reader.words).count("alert('a')</script>&\"\\u{1b}[2J") == 17


# ------------------------------------------------------------------ colours


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)  # https://www.w3.org/TR/css-color-4/#color-conversion-code


def mixed(text: str, share: float, other: str) -> np.ndarray:
    """Return color-mix(in oklab, text share, other) as linear sRGB."""
    labs = [TO_LAB @ np.cbrt(TO_LMS @ linear(colour)) for colour in (text, other)]
    lab = labs[0] * share + labs[1] * (1 - share)
    return np.clip(np.linalg.inv(TO_LMS) @ (np.linalg.inv(TO_LAB) @ lab) ** 3, 0, 1)


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    """Return the contrast of two colours, as https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio has it."""
    light = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ colour) + 0.05 for colour in (a, b))
    return light[1] / light[0]


PAGES = [
    ("#212121", "#ffffff"), ("#ffffff", "#111111"),  # JupyterLab
    ("#3b3b3b", "#ffffff"), ("#cccccc", "#1f1f1f"),  # VS Code
    ("#000000", "#ffffff"), ("#e3e3e3", "#383838"),  # a plain page, Colab
]  # fmt: skip


@pytest.mark.parametrize(("text", "page"), PAGES)
def test_all_text_is_told_from_its_page(text: str, page: str):
    hues = re.findall(r"[;{]color:color-mix\(in oklab, currentColor (\d+)%, (#\w+|transparent)\)", SHEET)
    assert len(set(hues)) >= 5
    for share, hue in hues:
        other = page if hue == "transparent" else hue
        assert contrast(mixed(text, int(share) / 100, other), linear(page)) >= 4.5, hue


# ------------------------------------------------------------------ tables


def test_numbers_stand_to_the_right_and_headers_head():
    table = TableBlock(
        ("address", "shape", "bytes", "gap"),
        (
            (Cell("a", "name"), Cell("(2,)", "shape"), Cell("8 B", "number"), Cell("…", "dim")),
            (Cell("b", "name"), Cell("?", "unknown"), Cell("?", "unknown"), Cell("…", "dim")),
        ),
        "2 weights",
    )
    assert part(table).splitlines() == [
        '<div class="wr-box"><table><caption>2 weights</caption>',
        '<thead><tr><th scope="col">address</th><th scope="col">shape</th>'
        '<th scope="col" class="wr-right">bytes</th><th scope="col">gap</th></tr></thead>',
        "<tbody>",
        '<tr><th scope="row" class="wr-name">a</th><td class="wr-shape">(2,)</td>'
        '<td class="wr-right">8 B</td><td class="wr-dim">…</td></tr>',
        '<tr><th scope="row" class="wr-name">b</th><td class="wr-unknown">?</td>'
        '<td class="wr-unknown wr-right">?</td><td class="wr-dim">…</td></tr>',
        "</tbody></table></div>",
    ]


def test_a_long_table_scrolls_in_its_own_box_also_by_keys():
    def box(rows: int) -> str:
        return part(TableBlock(("n",), ((Cell("1", "number"),),) * rows, "all")).splitlines()[0]

    assert 'class="wr-box"' in box(LONG)
    assert '<div class="wr-box wr-long" tabindex="0" role="region" aria-label="all">' in box(LONG + 1)


def test_a_table_without_rows_has_its_header():
    assert without_style(part(TableBlock(("a", "b"), ()))) == ["ab"]


def test_a_histogram_is_a_picture_and_characters_where_there_are_none():
    seen = Cell("x", "bars", histogram=Histogram(-1.0, 2.0, (0, 1, 4), 3))
    beside = Cell("", "bars", histogram=Histogram(-1.0, 2.0, (0, 1, 4)))
    empty = Cell("", "bars", histogram=Histogram(0.0, 1.0, (0, 0)))
    shown = part(TableBlock(("a", "b", "c"), ((seen, beside, empty),)))
    assert without_style(shown)[-1] == "-1 \u2007▂█ 2 3 NaN or inf\u2007▂█no finite values"
    assert shown.count("<title>5 values in 3 bins, -1 … 2") == 2


# ------------------------------------------------------------------ trees


def rows(*depths: int) -> TreeBlock:
    return TreeBlock(tuple(TreeRow(depth, (Cell(f"n{i}", "name"),)) for i, depth in enumerate(depths)))


def test_what_has_something_below_it_folds():
    shown = part(rows(0, 1, 2, 1, 0))
    assert re.sub(r"<span[^>]*>|</span>|<div class=.*?>|</div>|\n", "", shown) == (
        '<ul style="--d:0"><li><details open><summary class="wr-row">n0</summary>'
        '<ul style="--d:1"><li><details open><summary class="wr-row">n1</summary>'
        '<ul style="--d:2"><li>n2</li></ul></details></li><li>n3</li></ul></details></li><li>n4</li></ul>'
    )


def test_the_first_levels_are_open_as_far_as_they_are_seen_at_a_glance():
    blocks = [depth for _ in range(5) for depth in (1, 2, 2, 2, 2, 2)]
    shown = part(rows(0, *blocks))
    assert shown.count("<details open>") == 1 + (OPEN_ROWS - 6) // 5
    assert shown.count("<details>") == 5 - (OPEN_ROWS - 6) // 5
    assert part(rows(0, *[1] * 30, 2)).count("<details open>") == 1  # a single one opens whatever it holds


def test_all_rows_of_a_tree_have_columns_of_the_same_width():
    tree = TreeBlock(
        (
            TreeRow(0, (Cell("model", "name"), Cell("1,000", "number"))),
            TreeRow(1, (Cell("层", "name"), Cell("x" * 100))),
        ),
        ("layer", "params"),
    )
    assert '<div class="wr-tree" style="--c:8ch 48ch;--w:60ch">' in part(tree)
    assert part(TreeBlock(())) == ""


def test_a_tree_reads_well_without_style():
    assert without_style(drawn("layers"))[:6] == [
        "16 layers · 14 weights · 404 params · 1.6 kB",
        "layer · class · × · params · bytes · trainable · weights",
        "bert · Functional · 404 params · 1.6 kB",
        "embedding · Embedding · 80 params · 320 B · 0 % trainable · embeddings (10, 8)",
        "block_{0..3} · Block · 4 × · 80 params · 320 B · 100 % trainable",
        "attention · Attention · 72 params · 288 B · 100 % trainable · kernel (8, 8),  bias (8,)",
    ]


# ------------------------------------------------------------------ problems


def test_a_problem_is_marked_in_its_query():
    problem = Problem("no-such-layer", "no layer 'b'", Span(4, 5), Fix(Span(4, 5), "c"))
    assert part(ProblemBlock(problem, "a/*\nb/<x>:k", "file:1:2")).splitlines() == [
        '<div class="wr-problem wr-error">',
        "<p>file:1:2: <b>error[no-such-layer]:</b> no layer &#x27;b&#x27;</p>",
        "<pre><code><mark>b</mark>/&lt;x&gt;:k</code></pre>",
        '<p class="wr-hint">did you mean &#x27;c&#x27;?</p>',
        "</div>",
    ]


def test_a_problem_at_the_end_marks_a_blank_and_a_long_one_its_first_line():
    assert "<code>a:<mark> </mark></code>" in part(ProblemBlock(Problem("a", "b", Span(2, 2)), "a:"))
    assert "<code>a<mark>:k</mark></code>" in part(ProblemBlock(Problem("a", "b", Span(1, 9)), "a:k\nb:k\nc"))
    assert "<code>" not in part(ProblemBlock(Problem("a", "b", severity="note"), "a:k"))


def test_a_chart_is_a_picture():
    assert "histogram from -1 to 1, at most 5 in a bin" in part(Chart(Histogram(-1.0, 1.0, (1, 5))))
