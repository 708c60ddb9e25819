"""%weights, %layers and %%weights in a shell of IPython: what they are asked, find and say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import weightrepl
from tests.frontends.notebooks import COLOURED, Notebook, bare, notebook
from weightrepl.engine.view import View
from weightrepl.frontends.magics import WeightreplMagics
from weightrepl.frontends.magics_options import OPTIONS

__all__ = ["bare", "notebook"]

KERNELS = [
    *("larger_model/custom_module/inner_dense1:kernel", "larger_model/custom_module/inner_dense2:kernel"),
    "larger_model/outer_dense:kernel",
]


# ------------------------------------------------------------------ what is found


def test_a_query_gives_what_select_gives(notebook: Notebook):
    found = notebook.run("%weights **:kernel")
    assert [*found.addresses] == KERNELS
    assert notebook.run("%weights outer_dense:kernel").one().shape == (8, 4)
    assert notebook.run("%weights **:* | count").value == 6
    assert notebook.run("%weights **:* | group layer").columns[0] == "layer"


def test_layers_are_asked_for_as_layers(notebook: Notebook):
    assert notebook.addresses("%layers custom_module/*:kernel") == [
        *("larger_model/custom_module/inner_dense1", "larger_model/custom_module/inner_dense2")
    ]


def test_without_a_query_it_is_all(notebook: Notebook):
    assert len(notebook.run("%weights")) == 6
    tree = notebook.run("%layers")
    assert len(tree) == 5
    assert tree.view.tree
    assert not notebook.run("%layers **").view.tree


def test_options_say_how_a_result_shows_itself(notebook: Notebook):
    assert notebook.run("%weights **").view == View()
    asked = notebook.run("%weights -f json --limit 7 --no-stats **")
    assert asked.view == View(most=7, seconds=0, format="json")


def test_a_variable_has_the_result_too(notebook: Notebook):
    found = notebook.run("%weights -o mine **:kernel")
    assert notebook.shell.user_ns["mine"] is found


def test_magics_return_within_functions(notebook: Notebook):
    notebook.shell.user_ns["path"] = weightrepl.demo_path()
    cell = "def f(name):\n    other = weightrepl.open(path, name)\n"
    cell += "    x = %weights -m other outer_dense:kernel\n    return x"
    notebook.run(f"import weightrepl\n{cell}")
    assert notebook.addresses("f('local')") == ["local/outer_dense:kernel"]


# ------------------------------------------------------------------ whose models


def test_variables_are_names_of_models(notebook: Notebook, tmp_path: Path):
    shutil.copy(weightrepl.demo_path(), tmp_path / "tuned.keras")
    notebook.shell.user_ns["tuned"] = weightrepl.open(tmp_path / "tuned.keras")
    assert notebook.addresses("%weights model/outer_dense:bias, tuned/outer_dense:bias") == [
        *("model/outer_dense:bias", "tuned/outer_dense:bias")
    ]
    assert notebook.run("%weights model/** | diff tuned").to_dicts()[0]["verdict"] == "same"
    notebook.run("%weights -m tuned outer_dense:bias").one().numpy()
    notebook.shell.user_ns["tuned"].close()


def test_one_model_in_two_variables_is_one(notebook: Notebook):
    notebook.run("again = model")
    assert notebook.addresses("%weights again/outer_dense:bias, model/outer_dense:bias") == [
        "larger_model/outer_dense:bias"
    ]


def test_what_was_computed_of_a_model_stays(notebook: Notebook):
    notebook.run("%weights **:* | stats")
    first = notebook.run("%weights **:*").workspace.models[0]
    assert first.figures
    assert notebook.run("%weights **:*").workspace.models[0] is first
    notebook.run("again = model")
    assert notebook.run("%weights again/**:*").workspace.models[0].names == ("larger_model", "model", "again")


def test_hidden_variables_hold_no_models(bare: Notebook):
    with weightrepl.open(weightrepl.demo_path()) as model:
        bare.shell.user_ns["_model"] = model
        bare.shell.push({"given": model}, interactive=False)
        assert "no variable holds a model" in bare.told("%weights")
        bare.shell.user_ns["mine"] = model
        assert len(bare.run("%weights")) == 6
        assert bare.run("%layers mine").workspace.models[0].names == ("larger_model", "mine")


def test_a_model_is_named_by_a_path_to_it(notebook: Notebook):
    notebook.run("class Trainer: pass\ntrainer = Trainer()\ntrainer.runs = {'a b': [None, model]}")
    assert len(notebook.run("%weights -m trainer.runs['a b'][1] **")) == 6
    assert len(notebook.run('%weights --model="larger_model" **')) == 6


def test_a_name_of_two_models_is_told(notebook: Notebook):
    notebook.run("import weightrepl\nother = weightrepl.open(weightrepl.demo_path())")
    told = notebook.told("%weights -m larger_model **").splitlines()
    assert told[0] == "error[ambiguous-model]: 2 models are called 'larger_model'"
    assert told[-1] == "  one of 'model', 'other'"


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("trainer.models[0]", "no variable, no model and no file is called 'trainer.models[0]'"),
        ("modle", "did you mean 'model'?"),
        ("lost", "'lost' is no model, but of the class int"),
        ("print('x')", "is called 'print(x)'"),
        ("nothing/there.keras", "nothing/there.keras"),
    ],
)
def test_what_is_no_model_is_told(notebook: Notebook, capsys: Any, path: str, seen: str):
    notebook.run("lost = 3")
    assert seen in notebook.told(f"%weights -m {path} **")
    assert capsys.readouterr().out == ""


def test_files_are_opened_once_and_again_when_they_change(bare: Notebook, tmp_path: Path):
    path = tmp_path / "my model.keras"
    shutil.copy(weightrepl.demo_path(), path)
    first = bare.run(f"%weights -m '{path}' **").workspace.models[0]
    assert first.names == ("larger_model", "my model")
    assert bare.run(f"%weights -m '{path}' **").workspace.models[0] is first
    os.utime(path, ns=(1, 1))
    second = bare.run(f"%weights -m '{path}' **:kernel")
    assert second.workspace.models[0] is not first
    bare.run("%unload_ext weightrepl")
    with pytest.raises(weightrepl.ChangedError):
        second[0].numpy()


def test_earlier_results_have_names(notebook: Notebook):
    notebook.run("k = %weights **:kernel\nnone = k[:0]\nd = %layers custom_module")
    assert notebook.addresses("%weights $k, !custom_module") == KERNELS[2:]
    assert notebook.addresses("%weights $none") == []
    assert notebook.addresses("%layers $d") == ["larger_model/custom_module"]
    assert "'$x'" in notebook.told("%weights $x")


# ------------------------------------------------------------------ variables within a query


def test_braces_are_the_querys_unless_asked(notebook: Notebook):
    notebook.run("n, k = 2, 'kernel'")
    assert len(notebook.run("%weights **/inner_dense{1,2}:kernel")) == 2
    assert notebook.addresses("%weights --vars **/inner_dense{n}:$k") == KERNELS[1:2]
    assert len(notebook.run("%weights --vars **/inner_dense{{1,{n}}}:*")) == 4
    told = notebook.told("%weights --vars **/inner_dense{1,2}:*, {nothing}:kernel")
    assert told.startswith("error[bad-expansion]: --vars: ")
    assert "{{a,b}}" in told


# ------------------------------------------------------------------ what is wrong


def test_an_error_is_a_picture(notebook: Notebook):
    assert notebook.told("%weights custom_modul/*dense1:kernel").splitlines() == [
        "error[no-such-layer]: no layer 'custom_modul' in larger_model",
        "  custom_modul/*dense1:kernel",
        "  ~~~~~~~~~~~~",
        "  did you mean 'custom_module'?",
    ]


def test_an_error_has_colours_where_the_shell_has(notebook: Notebook):
    notebook.shell.colors = COLOURED
    assert "\x1b[1;31merror[no-such-layer]:\x1b[0m" in notebook.told("%weights nope")


def test_an_error_keeps_nothing_alive(notebook: Notebook):
    error = notebook.shell.run_cell("%weights nope").error_in_exec
    assert isinstance(error, weightrepl.QueryError)
    assert error.__context__ is None
    trace, seen = error.__traceback__, []
    while trace is not None:
        seen.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert "_found" not in seen
    assert "weights" in seen


def test_an_error_of_a_file_is_a_line(notebook: Notebook, tmp_path: Path):
    (tmp_path / "x.keras").write_bytes(b"PK\x03\x04 and no more")
    told = notebook.told(f"%weights -m {tmp_path / 'x.keras'} **")
    assert told.startswith(f"error: {tmp_path / 'x.keras'}: ")
    assert "\n" not in told


def test_without_a_model_one_learns_to_open_one(bare: Notebook):
    told = bare.told("%weights **:kernel").splitlines()
    assert told[0] == "error[no-model]: no variable holds a model"
    assert told[1] == '  model = weightrepl.open("model.keras")'


# ------------------------------------------------------------------ several queries


CELL = """%%weights
#: let dense = **/@Dense
# kernels first
$dense:kernel
#: expect none
**:* |
  where size > 1000
outer_dense:*
"""


def test_the_queries_of_a_cell(notebook: Notebook):
    cell = CELL.replace("$dense:kernel", "$dense")
    found = notebook.run(cell)
    assert [len(result) for result in found] == [6, 0, 2]
    assert [*found[-1].addresses] == ["larger_model/outer_dense:kernel", "larger_model/outer_dense:bias"]
    assert len(found[1:]) == 2
    assert "outer_dense:*\n" in repr(found)
    assert set(found._repr_mimebundle_()) >= {"text/plain", "text/html"}
    assert notebook.run(f"%%weights -o out --limit 3\n{cell.partition(chr(10))[2]}")[0].view.most == 3
    assert len(notebook.shell.user_ns["out"]) == 3


def test_what_is_wrong_in_a_cell_is_told_together(notebook: Notebook, capsys: Any):
    told = notebook.told("%%weights\n**:kernel\nnope:*\n#: expect some\n**:* | where size > 1000\n:z")
    assert "larger_model/outer_dense:kernel" in capsys.readouterr().out
    assert told.splitlines()[:7] == [
        "error[no-such-layer]: no layer 'nope' in larger_model",
        "  nope:*",
        "  ~~~~",
        "  there are 'custom_module', 'outer_dense'",
        "error[expectation]: expected some, found 0",
        "  **:* | where size > 1000",
        "  ~~~~~~~~~~~~~~~~~~~~~~~~",
    ]
    assert "error[no-such-weight]" in told or "error[no-weights]" in told


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("%%weights\n#: let = x\n**:*\n", "#: let = x"),
        ("%%weights **:kernel\n**:bias\n", "the queries of a cell stand on the lines below"),
        ("%%weights -z\n**:bias\n", "no option '-z'"),
        ("%%weights\n#: open nothing.keras\n**:bias\n", "nothing.keras"),
    ],
)
def test_a_broken_cell_shows_nothing_else(notebook: Notebook, capsys: Any, cell: str, seen: str):
    assert seen in notebook.told(cell)
    assert capsys.readouterr().out == ""


def test_a_cell_opens_files(bare: Notebook):
    found = bare.run(f"%%weights\n#: open base = {weightrepl.demo_path()}\nbase/outer_dense:*")
    assert [*found[0].addresses] == ["base/outer_dense:kernel", "base/outer_dense:bias"]


def test_names_of_python_in_a_cell(notebook: Notebook):
    notebook.run("k = %weights **:kernel\nwhich = 'bias'")
    assert len(notebook.run("%%weights\n$k, !outer_dense")[0]) == 2
    assert len(notebook.run("%%weights --vars\nouter_dense:{which}")[0]) == 1


# ------------------------------------------------------------------ help, coming and going


@pytest.mark.parametrize("magic", [WeightreplMagics.weights, WeightreplMagics.layers])
def test_help_tells_of_all_options(magic: Any):
    for option in OPTIONS:
        spelled = " ".join(filter(None, (", ".join(filter(None, (option.short, option.name))), option.value)))
        assert f"{spelled:<22}{option.summary}\n" in magic.__doc__


def state(notebook: Notebook) -> tuple[Any, ...]:
    shell = notebook.shell
    return (
        [dict(shell.magics_manager.magics[kind]) for kind in ("line", "cell")],
        dict(shell.magics_manager.registry),
        [*shell.configurables],
        [*shell.input_transformer_manager.token_transformers],
        [*shell.Completer.custom_matchers],
        {name: [*each] for name, each in shell.events.callbacks.items()},
    )


def test_leaving_leaves_nothing(notebook: Notebook):
    notebook.run("%unload_ext weightrepl")
    notebook.shell.register_magic_function(lambda line: "mine", "line", "layers")
    before = state(notebook)
    notebook.run("%load_ext weightrepl")
    assert state(notebook) != before
    notebook.run("%reload_ext weightrepl")
    assert len(notebook.run("%layers")) == 5
    assert sum(type(each) is WeightreplMagics for each in notebook.shell.configurables) == 1
    notebook.run("%unload_ext weightrepl")
    assert state(notebook) == before
    assert notebook.run("%layers") == "mine"
