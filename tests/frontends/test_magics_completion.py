"""Completion and Shift-Tab in lines of %weights and %layers, as IPython asks for them. `¦` is the cursor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.frontends.notebooks import Notebook, bare, notebook
from weightrepl.frontends.magics import WeightreplMagics
from weightrepl.frontends.magics_inspect import inspecting
from weightrepl.frontends.magics_lines import asked_at

__all__ = ["bare", "notebook"]


# ------------------------------------------------------------------ where a line of ours is


@pytest.mark.parametrize(
    ("cell", "query"),
    [
        ("%weights a¦b", "a|b"),
        ("x = 1\n  %layers ¦a", "|a"),
        ("k = %weights -f json  a¦\nb", "a|"),
        ("d[1], k = %weights a¦", "a|"),
        ("%weights a, \\\n  b¦c, \\\n d\ne", "a,     b|c,    d"),
        ("%weights a, ¦\\\n  b\n", "a, |    b"),
        ("%weights 'a¦", "'a|"),
        ("%%weights\na¦\nb", "a|"),
        ("\n %%weights\na\nb¦", "b|"),
        ("%%weights -f json\n¦", "|"),
        ("%%weights\na |\n  count¦\n\nb", "a |\n  count|"),
        ("%%weights\na¦ |\n  count\nb", "a| |\n  count"),
        ("%%weights\n#: let x = a¦b\nb", "a|b"),
        ("%%weights\na\n#: exp¦", "#: exp|"),
        ("%%weights\n#: expect s¦\nb", "#: expect s|"),
        ("%%weights\n\n¦\nb", "|"),
    ],
)
def test_the_query_that_the_cursor_is_in(cell: str, query: str):
    asked = asked_at(cell.replace("¦", ""), cell.index("¦"))
    assert asked is not None
    at = asked.offset - asked.query.start
    assert f"{asked.query.text[:at]}|{asked.query.text[at:]}" == query


@pytest.mark.parametrize(
    "cell",
    [
        "wei¦ghts a", "%wei¦ghts a", "%weights¦ a", "%weights¦", "%weightsy a¦", "x %weights a¦", "%weights a\nb¦",
        "%%wei¦ghts\na", "%%weights¦\na", "%%weights\n# a¦", "%%weights\n#: let x¦ = a", "%%weights\n#: open a¦",
        "%%weightsy\na¦", "x = 5 % weights¦",
    ],
)  # fmt: skip
def test_places_that_are_not_ours(cell: str):
    assert asked_at(cell.replace("¦", ""), cell.index("¦")) is None


# ------------------------------------------------------------------ what may come


@pytest.mark.parametrize(
    ("marked", "cell"),
    [
        ("%weights lar¦", "%weights larger_model"),
        ("k = %layers custom_module/*den¦", "k = %layers custom_module/inner_dense1"),
        ("if x:\n  %weights outer_dense:¦\ny", "if x:\n  %weights outer_dense:kernel\ny"),
        ("%weights {custom_module, ou¦}:*", "%weights {custom_module, outer_dense}:*"),
        ("%weights 'outer¦'", "%weights 'outer_dense'"),
        ("%weights outer_dense:kernel[¦]", "%weights outer_dense:kernel[:]"),
        ("%weights cus¦tom_module:*", "%weights custom_module:*"),
        ("%weights **:* | whe¦", "%weights **:* | where"),
        ("%weights -m model ou¦", "%weights -m model outer_dense"),
        ("%weights --f¦", "%weights --format"),
        ("%weights -¦", "%weights --model"),
        ("%weights --limit 3 --no¦ a", "%weights --limit 3 --no-stats a"),
        ("%weights -f ¦", "%weights -f table"),
        ("%weights --format=js¦", "%weights --format=json"),
        ("%weights -m mo¦ **", "%weights -m model **"),
        ("%%weights\n**:*\n#: x\nou¦", "%%weights\n**:*\n#: x\nouter_dense"),
        ("%%weights\n#: let x = **:*\n$¦", "%%weights\n#: let x = **:*\n$x"),
        ("%%weights\n#: let x = ou¦\n", "%%weights\n#: let x = outer_dense\n"),
        ("%%weights\n#: exp¦\n", "%%weights\n#: expect\n"),
        ("%%weights\n**:*\n#: expect n¦", "%%weights\n**:*\n#: expect none"),
    ],
)
def test_the_best_comes_first(notebook: Notebook, marked: str, cell: str):
    assert notebook.completed(marked)[0] == cell


def test_details_are_in_the_type_column(notebook: Notebook):
    first = notebook.completions("%weights larger_model/cus¦")[0]
    assert (first.text, first.type) == ("custom_module", "CustomModule · 4 weights · 236 params")
    assert notebook.completions("%weights -f ¦")[0].type == "value"
    assert notebook.completions("%weights --li¦")[0].type == "show N rows at most, not 100"


def test_names_of_python_are_not_among_them(notebook: Notebook):
    notebook.run("outer, outer_dense_of_mine, zzz = 1, 2, 3")
    for use_jedi in (True, False):
        notebook.shell.Completer.use_jedi = use_jedi
        assert notebook.completed("%weights oute¦") == ["%weights outer_dense"]
        assert notebook.completed("%weights zz¦") == []
        assert notebook.completed("%weights outer_dense:kernel[0, 0] ¦") != []
        assert notebook.completed("%weights -o zz¦") == []
        assert "zzz" in notebook.completed("%weights **\nzz¦")[-1]


def test_what_stands_behind_the_cursor_is_not_doubled(notebook: Notebook):
    assert notebook.completed("%weights custom_module/inner_¦dense2") == [
        "%weights custom_module/inner_dense2"
    ]
    assert notebook.completed("%weights cus¦tom/x") == []


def test_completion_sees_what_the_last_cell_left(notebook: Notebook):
    assert notebook.completed("%weights -m rena¦") == []
    notebook.run("renamed = model")
    assert notebook.completed("%weights -m rena¦") == ["%weights -m renamed"]
    notebook.run("del renamed")
    assert notebook.completed("%weights -m rena¦") == []


def test_earlier_results_are_offered(notebook: Notebook):
    notebook.run("kernels = %weights **:kernel")
    found = notebook.completions("%weights $¦")
    assert [(each.text, each.type) for each in found] == [("kernels", "3 weights")]


def test_files_are_offered_as_models(bare: Notebook, tmp_path: Path, monkeypatch: Any):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my model.keras").touch()
    (tmp_path / "runs").mkdir()
    found = bare.completions("%weights -m ¦")
    assert [(each.text, each.type) for each in found] == [("runs/", "folder"), ('"my model.keras"', "file")]
    assert bare.completed("%weights -m 'my¦") == ['%weights -m "my model.keras"']


@pytest.mark.parametrize(
    "marked", ["%weights -m nobody a¦", "%weights --bad a¦", "%weights --limit ¦", "%weights -m x[¦"]
)
def test_nothing_is_offered_where_options_are_wrong(notebook: Notebook, marked: str):
    assert [cell for cell in notebook.completed(marked) if "outer" in cell] == []


def test_between_cells_models_stay_open(notebook: Notebook):
    kept = notebook.shell.magics_manager.registry[WeightreplMagics.__name__].kept
    asked = asked_at("%weights a", 10)
    assert asked is not None
    session = kept.session(asked.parts)
    notebook.completed("%weights ou¦")
    assert kept.session(asked.parts) is session
    notebook.run("1")
    assert kept.session(asked.parts) is not session


# ------------------------------------------------------------------ Shift-Tab


def inspected(notebook: Notebook, marked: str) -> Any:
    kept = notebook.shell.magics_manager.registry[WeightreplMagics.__name__].kept
    inspect = inspecting(lambda: kept, lambda *asked, **named: ("otherwise", asked, named))
    return inspect(marked.replace("¦", ""), marked.index("¦"), 0, omit_sections=())


@pytest.mark.parametrize(
    ("marked", "seen"),
    [
        ("%weights outer_dense:ker¦nel", ["larger_model/outer_dense:kernel", "shape      (8, 4)"]),
        ("x\nk = %layers custom_¦module", ["larger_model/custom_module", "class      CustomModule"]),
        ("%%weights\n#: let d = **:*\n$¦d", ["$d", "query  **:*"]),
        ("%weights **:* | whe¦re size > 1", ["where"]),
        ("%weights --vars¦", ["--vars"]),
        ("%weights -f¦ json a", ["-f --format FORMAT", "shown as text"]),
    ],
)
def test_what_stands_at_the_cursor_is_told(notebook: Notebook, marked: str, seen: list[str]):
    reply = inspected(notebook, marked)
    assert reply["found"]
    assert [text for text in seen if text not in reply["data"]["text/plain"]] == []
    assert reply["data"]["text/html"].startswith('<div class="weightrepl">')


@pytest.mark.parametrize(
    "marked", ["ab¦s(1)", "%wei¦ghts a", "%weights -m nobody a¦", "%weights zzz¦", "%weights --limit 3¦ a"]
)
def test_other_things_are_ipythons(notebook: Notebook, marked: str):
    expected = ("otherwise", (marked.replace("¦", ""), marked.index("¦"), 0), {"omit_sections": ()})
    assert inspected(notebook, marked) == expected


def test_a_kernel_gets_its_own_way_back(bare: Notebook):
    class Kernel:
        def do_inspect(self, code: str, cursor_pos: int) -> dict[str, Any]:
            return {"found": False}

    kernel = Kernel()
    bare.run("%unload_ext weightrepl")
    bare.shell.kernel = kernel  # type: ignore[attr-defined]
    bare.run("%load_ext weightrepl")
    assert kernel.do_inspect("%weights --vars", 13)["found"]
    assert not kernel.do_inspect("abs", 2)["found"]
    bare.run("%unload_ext weightrepl")
    assert vars(kernel) == {}
    kernel.do_inspect = others = lambda code, cursor_pos: {"found": "others"}  # type: ignore[method-assign]
    bare.run("%load_ext weightrepl")
    assert kernel.do_inspect("abs", 2) == {"found": "others"}
    bare.run("%unload_ext weightrepl")
    assert kernel.do_inspect is others
