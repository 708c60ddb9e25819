"""Golden screens, and terminals that can show less: narrow, without colours, dumb, plain; and letters that are wide.

WEIGHTREPL_GOLDEN=1 writes the golden files and the pictures in docs/screens anew; look at them then.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pyte
import pytest

from tests.record_screens import SCENES, SCREENS, STILL_S, played, svg
from tests.terminal import ENTER, PROMPT, TAB, Terminal, repl

GOLDEN = Path(__file__).parent / "golden"
REWRITE = bool(os.environ.get("WEIGHTREPL_GOLDEN"))

WIDE = '''
import weightrepl
from tests.trees import model

weightrepl.repl(model("""net
  日本語 @Dense
    :kernel (2, 3)
  plain @Dense
    :kernel (20, 30)
  smile🙂 @Dense
    :kernel (4,)"""))
'''


@pytest.mark.parametrize("name", SCENES)
def test_a_screen_is_as_recorded(name: str, tmp_path: Path):
    scene = SCENES[name]
    text, drawing = GOLDEN / f"{name}.txt", SCREENS / f"{name}.svg"
    with played(scene, tmp_path) as seen:
        if REWRITE:
            seen.wait(lambda t: t.still_s > STILL_S)
            text.write_text(seen.text + "\n", encoding="utf-8")
            drawing.write_text(svg(seen.screen, scene.what), encoding="utf-8")
        wanted = text.read_text(encoding="utf-8"), drawing.read_text(encoding="utf-8")
        seen.wait(lambda t: wanted == (t.text + "\n", svg(t.screen, scene.what)) or t.still_s > 5 * STILL_S)
        assert seen.text + "\n" == wanted[0]
        assert svg(seen.screen, scene.what) == wanted[1]


def test_no_screen_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(SCENES)
    assert {path.stem for path in SCREENS.glob("*.svg")} == set(SCENES)


# -- terminals that can show less -------------------------------------------------------------------------------------


def test_nothing_is_wider_than_a_narrow_terminal(tmp_path: Path):
    with repl(tmp_path, columns=40, lines=12) as seen:
        seen.wait(lambda t: t.line == PROMPT)
        seen.send("outer_dense:*" + ENTER)
        seen.wait(lambda t: "$1" in t.text and t.line == PROMPT)
        assert "larger_model/outer_dense:kernel" in seen.text
        seen.send("custom_module/" + TAB)
        seen.wait("inner_dense2")
        assert any("inner_dense1" in row and "custom_module/" not in row for row in seen.rows)


def test_no_color_means_no_colours(tmp_path: Path):
    with repl(tmp_path, environment={"NO_COLOR": "1"}) as seen:
        seen.wait(lambda t: t.line == PROMPT)
        seen.send("custom_modul:kernel | where size > 10" + ENTER)
        seen.wait(lambda t: "error[" in t.text and t.line == PROMPT)
        seen.send("custom_module/" + TAB)
        seen.wait("inner_dense2")
        buffer = seen.screen.buffer
        cells = [buffer[y][x] for y in range(seen.screen.lines) for x in range(seen.screen.columns)]
        assert {(cell.fg, cell.bg) for cell in cells} == {("default", "default")}


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"WEIGHTREPL_PLAIN": "1"}], ids=["dumb", "plain"])
def test_a_terminal_of_lines_gets_no_escape_sequence(tmp_path: Path, environment: dict[str, str]):
    with repl(tmp_path, environment=environment) as seen:
        seen.wait(lambda t: t.line == PROMPT)
        seen.send("custom_modul:kernel" + ENTER)
        seen.wait(lambda t: "did you mean 'custom_module'?" in t.text and t.line == PROMPT)
        seen.send("**:*" + ENTER)
        seen.wait(lambda t: "6 weights" in t.text and t.line == PROMPT)
        seen.send("\x04")
        assert seen.end() == 0
        assert b"\x1b" not in seen.raw


def test_columns_line_up_behind_wide_letters(tmp_path: Path):
    with repl(tmp_path, code=WIDE) as seen:
        seen.wait(lambda t: t.line == "net>")
        seen.send("**:kernel" + ENTER)
        seen.wait(lambda t: "$1" in t.text and t.line == "net>")
        starts = {_column_of(seen, dtype_row, "float32") for dtype_row in ("日本語:", "plain:", "🙂:")}
        assert len(starts) == 1
        seen.send(TAB)
        seen.wait("Dense · 1 weight")
        assert len({_column_of(seen, name, "Dense ·") for name in ("日本語", "plain", "smile🙂")}) == 1


def _column_of(terminal: Terminal, row_with: str, text: str) -> int:
    """The column where a text begins in the last row that holds another one."""
    y = max(y for y, row in enumerate(terminal.rows) if row_with in row and text in row)
    line = terminal.screen.buffer[y]
    return next(
        x
        for x in range(terminal.screen.columns)
        if "".join(line[i].data for i in range(x, terminal.screen.columns)).startswith(text)
    )


# -- how a screen becomes a picture -----------------------------------------------------------------------------------


def picture(text: str) -> str:
    screen = pyte.Screen(20, 2)
    pyte.Stream(screen).feed(text)
    return svg(screen, 'what "it" <is>')


def test_a_picture_is_xml_that_loads_nothing():
    drawn = picture('<a> & "b"')
    root = ElementTree.fromstring(drawn)
    assert root.attrib["aria-label"] == 'what "it" <is>'
    assert '<a>\u00a0&\u00a0"b"' in [element.text for element in root]
    assert re.findall(r"url|href|@|https?://\S+", drawn) == ['http://www.w3.org/2000/svg"']


def test_what_stands_behind_a_wide_letter_stands_where_it_stood():
    places = {
        element.text: (float(element.attrib["x"]), float(element.attrib["textLength"]))
        for element in ElementTree.fromstring(picture("ab日c"))
        if element.text and "textLength" in element.attrib
    }
    cell = places["ab"][1] / 2
    assert places["日"][1] == pytest.approx(2 * cell)
    assert places["日"][0] == pytest.approx(places["ab"][0] + 2 * cell)
    assert next(x for text, (x, _) in places.items() if text.startswith("c")) == pytest.approx(
        places["ab"][0] + 4 * cell
    )
