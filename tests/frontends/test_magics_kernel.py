"""%weights and %layers in a real kernel, over its protocol: files, without TensorFlow and pandas."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent

import pytest

import weightrepl
from tests.kernel import HTML, JSON, TEXT, WITHOUT, Kernel, Reply

ABSENT = ("tensorflow", "keras", "tf_keras", "pandas")

SETUP = """
%load_ext weightrepl
import weightrepl
model = weightrepl.open(weightrepl.demo_path())
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel with the extension and the demo's model in the variable `model`."""
    with Kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.ok(WITHOUT.format(names=ABSENT))
        kernel.ok(SETUP)
        yield kernel


def selected(query: str) -> list[str]:
    return [*weightrepl.select(weightrepl.demo_path(), query).addresses]


def problem(reply: Reply) -> str:
    """Return what a cell shows that failed by the user's mistake."""
    assert reply.status == "error"
    assert "Traceback" not in reply.traceback
    assert "site-packages" not in reply.traceback
    assert "/weightrepl/" not in reply.traceback
    return reply.traceback


# ------------------------------------------------------------------ loading


def test_loading_imports_nothing_heavy(tmp_path):
    with Kernel(tmp_path) as kernel:
        kernel.ok("import sys\nbefore = set(sys.modules)\n%load_ext weightrepl")
        heavy = {"tensorflow", "keras", "tf_keras", "numpy", "pandas", "h5py", "ml_dtypes"}
        assert kernel.value(f"sorted({heavy} & ({{*sys.modules}} - before))") == []
        assert "weightrepl" in kernel.value("sorted(sys.modules)")


TRACES = """
def traces():
    shell = get_ipython()
    inputs, kernel = shell.input_transformer_manager, shell.kernel
    events = {name: len(shell.events.callbacks[name]) for name in shell.events.callbacks}
    hooks = {name: str(vars(each)) for name, each in shell.strdispatchers.items()}
    own = sorted(name for name in vars(kernel) if name.startswith("do_"))
    return str((
        [len(shell.magics_manager.magics[kind]) for kind in ("line", "cell")],
        [len(inputs.cleanup_transforms), len(inputs.line_transforms), len(inputs.token_transformers)],
        len(shell.Completer.custom_matchers), len(shell.Completer.matchers), len(shell.configurables),
        len(shell.ast_transformers), len(shell.custom_exceptions), events, hooks, own,
        {name: getattr(shell.hooks, name) for name in vars(shell.hooks)},
        sys.path_hooks, sys.meta_path, sys.displayhook, sys.excepthook,
    ))
"""


def test_unloading_and_reloading_leave_nothing_behind(tmp_path):
    with Kernel(tmp_path) as kernel:
        kernel.ok(f"import sys\n{TRACES}")
        kernel.ok("get_ipython().register_magic_function(lambda line: 'mine', magic_name='layers')")
        kernel.run("%load_ext nothing_such")  # at the first time IPython makes magics of its own
        before = kernel.value("traces()")
        kernel.ok("%load_ext weightrepl")
        loaded = kernel.value("traces()")
        assert loaded != before
        kernel.ok("%reload_ext weightrepl")
        assert kernel.value("traces()") == loaded
        kernel.complete("%weights |")
        kernel.run("%weights **:kernel")
        kernel.ok("%unload_ext weightrepl")
        assert kernel.value("traces()") == before
        assert "not found" in kernel.run("%weights").text
        assert kernel.value("%layers x") == "mine"


# ------------------------------------------------------------------ what is asked


@pytest.mark.parametrize(
    "query",
    [
        "custom_module/*dense1:kernel",
        "larger_model/custom_module/*dense1:kernel",
        "**/{inner_dense1,outer_dense}:kernel",
        "**/inner_dense{1..2}:bias",
        "outer_dense:kernel[-1, :]",
        "outer_dense:kernel[:1]",
        "outer_dense:kernel[::-1, [0, -2]]",
        '"outer_dense":"kernel"',
        "'outer_dense':kernel",
        "**:* | where size > -1 and name != ';'",
        "**:* | where name != '$HOME' and name != '{model}'",
        "**:*, !outer_dense | top 2 size",
        "!custom_module",
        "**:kernel # {this} is $left",
        "outer_dense:bia?",
        "**/inner_dense?:kern?l",
        "**:bias?",
        "custom_module/inner_dense??:*, outer_dense:*",
        "custom_module/inner_dense?",
        "?????_dense:kerne?",
    ],
)
def test_the_query_is_what_stands_there(kernel, query):
    expected = selected(query)
    assert kernel.value(f"k = %weights {query}\n[*k.addresses]") == expected
    result = kernel.ok(f"%weights {query}").result
    assert [address for address in expected if address not in result[TEXT]] == []
    assert kernel.value("[*_.addresses]") == expected


def test_values_of_expressions_go_on_in_python(kernel):
    assert kernel.value("k = %weights outer_dense:kernel\nk.one().numpy().shape") == (8, 4)
    assert kernel.value("n = %weights **:* | count\nn.value") == 6
    assert kernel.value("tree = %layers custom_module\ntree.one().class_name") == "CustomModule"
    assert kernel.value("t = %weights **:kernel | group class\nt.to_dicts()[0]['weights']") == 3


def test_without_a_query_all_is_shown(kernel):
    assert kernel.value("k = %weights\n[*k.addresses]") == selected("**:*")
    layers = kernel.value("k = %layers\n[*k.addresses]")
    assert layers == [*weightrepl.select_layers(weightrepl.demo_path(), "**").addresses]


@pytest.mark.parametrize(
    "cell",
    [
        "for n in range(1):\n    k = %weights **/inner_dense?",
        "if True:\n    k = %weights **/inner_dense?\n",
        "def f():\n    x = 1\n    k = %weights **/inner_dense?\n    return k\nk = f()",
        "a, b = 1, 2\nk = %weights **/inner_dense?\nc = 3",
        "   k = %weights **/inner_dense?",
        "k=%weights    **/inner_dense?   ",
    ],
)
def test_a_question_mark_asks_for_no_help_anywhere(kernel, cell):
    reply = kernel.ok(cell)
    assert reply.help == ""
    assert kernel.value("[*k.addresses]") == selected("**/inner_dense?:*")


def test_text_that_looks_like_a_line_of_ours_is_left_alone(kernel):
    assert kernel.value('s = """\n%weights a?\n"""\ns') == "\n%weights a?\n"


def test_help_is_still_help(kernel):
    for asked in ("%weights?", "?%weights", "%layers?"):
        reply = kernel.ok(asked)
        assert "--limit" in reply.help
        assert "%weights" in reply.help or "%layers" in reply.help
    assert "abs(" in kernel.ok("abs?").help


def test_paths_of_windows_come_through(kernel):
    assert r"C:\new\table.keras" in problem(kernel.run(r"%weights -m C:\new\table.keras **:kernel"))
    assert r"C:\new\table:kernel" in problem(kernel.run(r"%weights C:\new\table:kernel"))


def test_variables_only_where_asked(kernel):
    kernel.ok("layer, which = 'outer_dense', 'kernel'")
    expected = selected("outer_dense:kernel")
    assert kernel.value("k = %weights --vars {layer}:{which}\n[*k.addresses]") == expected
    assert kernel.value("k = %weights --vars $layer:kernel\n[*k.addresses]") == expected
    function = (
        "def f(name):\n    k = %weights --vars {name}:bias\n    return [*k.addresses]\nf('outer_dense')"
    )
    assert kernel.value(function) == selected("outer_dense:bias")


def test_a_selection_is_a_name_in_a_query(kernel):
    kernel.ok("mine = %weights **:kernel")
    assert kernel.value("k = %weights $mine, !outer_dense\n[*k.addresses]") == selected(
        "custom_module/**:kernel"
    )


# ------------------------------------------------------------------ options


def test_options(kernel):
    assert kernel.ok("%weights -o found --limit 1 **:kernel").result[TEXT]
    assert kernel.value("[*found.addresses]") == selected("**:kernel")
    limited = kernel.ok("%weights --limit 2 **:*").result
    assert "4 more" in limited[TEXT]
    assert "4 more" in limited[HTML]
    as_json = kernel.ok("%weights -f json **:kernel").result
    assert HTML not in as_json
    assert as_json[TEXT].startswith("{")
    paths = kernel.ok("%weights --format=paths **:kernel").result
    assert paths[TEXT].splitlines() == selected("**:kernel")
    assert "not computed" in kernel.ok("%weights --no-stats **:kernel").result[HTML]
    assert "not computed" not in kernel.ok("%weights **:kernel").result[HTML]


def test_a_model_by_name_variable_and_file(kernel):
    kernel.ok(
        "other = weightrepl.open(weightrepl.demo_path())\nnested = {'a': other}\npath = weightrepl.demo_path()"
    )
    try:
        for told in ("other", "nested['a']", weightrepl.demo_path()):
            k = kernel.value(f"k = %weights -m {told} outer_dense:kernel\n[*k.addresses]")
            assert [address.rpartition("/")[2] for address in k] == ["outer_dense:kernel"]
    finally:
        kernel.ok("del other, nested")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("%weights --limits 3 **:kernel", "--limit"),
        ("%weights --limit many **:kernel", "many"),
        ("%weights -f yaml **:kernel", "json"),
        ("%weights -o 'a b' **:kernel", "a b"),
        ("%weights -m", "-m"),
        ("%weights -m nobody **:kernel", "nobody"),
        ("%weights larger_model/custom_modul/*dense1:kernel", "did you mean 'custom_module'?"),
        ("%weights larger_model/custom_modul/*dense1:kernel", "~~~~~~~~~~~~"),
        ("%layers larger_model/[", "~"),
        ("x = %weights nothing:kernel", "nothing"),
    ],
)
def test_mistakes_are_told_without_a_traceback(kernel, line, told):
    assert told in problem(kernel.run(line))


def test_the_caret_stands_below_its_place(kernel):
    picture = problem(kernel.run("%weights larger_model/custom_modul/*dense1:kernel")).splitlines()
    at = next(n for n, line in enumerate(picture) if "~~~" in line)
    assert picture[at - 1].index("custom_modul/") == picture[at].index("~")


def test_an_error_can_be_caught(kernel):
    cell = """
    try:
        %weights nothing:kernel
    except weightrepl.QueryError as error:
        code = error.problems[0].code
    """
    kernel.ok(dedent(cell))
    assert kernel.value("code") == "no-such-layer"


def test_without_a_model_one_is_told_how_to_open_one(tmp_path):
    with Kernel(tmp_path) as kernel:
        kernel.ok("%load_ext weightrepl")
        assert "weightrepl.open(" in problem(kernel.run("%weights **:kernel"))


# ------------------------------------------------------------------ what is shown


def test_a_result_shows_itself_for_terminals_notebooks_and_tools(kernel):
    data = kernel.ok("%weights **:kernel").result
    assert set(data) == {TEXT, HTML, JSON}
    assert "larger_model/outer_dense:kernel" in data[TEXT]
    assert "<table" in data[HTML]
    assert "<script" not in data[HTML]
    assert data[JSON]["results"][0]["rows"][-1]["address"] == "larger_model/outer_dense:kernel"
    assert "<details" in kernel.ok("%layers").result[HTML]


def test_what_ends_in_a_name_shows_nothing(kernel):
    assert kernel.ok("k = %weights **:kernel").outputs == ()


def test_several_queries_in_a_cell(kernel):
    reply = kernel.ok("%%weights\n# the kernels\n**:kernel\n\nouter_dense:{*}\nouter_dense:*\n")
    assert reply.result[TEXT].count("larger_model/outer_dense:kernel") == 3
    assert kernel.value("[len(each) for each in _]") == [3, 2, 2]


def test_a_wrong_query_among_several_is_told_and_the_others_answered(kernel):
    reply = kernel.run("%%weights\n**:kernel\nnothing:*\nouter_dense:*\n")
    assert reply.status == "error"
    assert "larger_model/outer_dense:bias" in reply.text
    assert "no layer 'nothing'" in reply.text + reply.traceback


def test_keys_are_completed(kernel):
    kernel.ok("k = %weights **:kernel")
    for cell in ('k["larger_model/ou|', "k['larger_model/ou|", 'model["larger_model/outer_dense:k|'):
        completed = kernel.complete(cell)
        assert "larger_model/outer_dense:kernel" in completed.with_match(0)


def test_values_without_pandas_name_what_to_install(kernel):
    kernel.ok("k = %weights **:kernel")
    reply = kernel.run("k.to_pandas()")
    assert reply.status == "error"
    assert "pip install" in reply.traceback
