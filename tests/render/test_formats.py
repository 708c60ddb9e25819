"""What results look like in each format, for people and for machines, odd names and unknown facts included."""

from __future__ import annotations

import csv
import io
import json
from importlib.resources import files

import jsonschema
import pytest

from tests.trees import model, workspace
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.explain import explain
from weightrepl.engine.table import Table
from weightrepl.errors import OutputError, Problem, QueryError
from weightrepl.quantities import human_bytes
from weightrepl.render.cells import cell
from weightrepl.render.compose import explained, overview
from weightrepl.render.formats import FORMATS, Answer, Style, rendered
from weightrepl.render.json import document
from weightrepl.render.plain import plain_text
from weightrepl.render.text import Screen, lines

WORLD = workspace(
    model(
        r"""
m @Net
  enc @Encoder
    a @Dense .first
      :kernel (10, 12) float32 trainable key=enc/0
      :bias (12,) float32 trainable
    "\u001b[2J\n層" @Odd
      :table (5, 2) int64 frozen
  shared @Dense &s
    :kernel (3, 3) float32 unknown
  again @Wrap
    *s
  late @Dense unbuilt
  !.optimizer @Adam
    :iterations () int64
"""
    )
)
SCHEMA = json.loads((files("weightrepl") / "render" / "schema.json").read_text(encoding="utf-8"))


def answer(query: str, want: str | None = None) -> Answer:
    try:
        result = evaluate(query, WORLD, want=want)
    except QueryError as error:
        return Answer(query, None, error.problems)
    return Answer(query, result, tuple(result.notes))


def shown(*queries: str, want: str | None = None, **style) -> list[str]:
    return list(rendered([answer(q, want) for q in queries], Style(**style)))


# ------------------------------------------------------------------ for people


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4128, "4.1 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_510_998_016, "1.5 GB"),
        (10**18 * 12, "12,000.0 PB"),
    ],
)
def test_bytes_are_read_by_people(nbytes: int, text: str):
    assert human_bytes(nbytes) == text


@pytest.mark.parametrize(
    ("column", "value", "text", "role"),
    [
        ("bytes", 4128, "4.1 kB", "number"),
        ("params", 1_234_567, "1,234,567", "number"),
        ("bytes", None, "?", "unknown"),
        ("trainable", True, "yes", "word"),
        ("built", False, "no", "word"),
        ("shape", (), "()", "shape"),
        ("shape", (12,), "(12,)", "shape"),
        ("mean", 0.1234567891, "0.123457", "number"),
        ("mean", float("nan"), "nan", "number"),
        ("address", "m:k", "m:k", "name"),
        ("name", "a\x1b[2J\n", "a\\u{1b}[2J\\u{a}", "word"),
    ],
)
def test_cells(column, value, text, role):
    made = cell(column, value)
    assert (made.text, made.role) == (text, role)


def test_a_table_of_weights():
    assert shown("**/a:*, **/shared:* | show address, shape, dtype, bytes, trainable") == [
        "address          shape     dtype    bytes  trainable",
        "m/enc/a:kernel   (10, 12)  float32  480 B  yes",
        "m/enc/a:bias     (12,)     float32   48 B  yes",
        "m/shared:kernel  (3, 3)    float32   36 B  ?",
    ]


def test_totals_count_what_is_shared_once():
    last = shown("**:*", totalled=True)[-1]
    assert last == "4 weights · 151 params · 644 B"
    assert shown("**", want="layers", totalled=True)[-1].startswith(
        "7 layers · 4 weights · 151 params · 644 B"
    )
    assert shown("**:* | group dtype", totalled=True)[-1] == "2 rows"


def test_titles_stand_above_several_results():
    assert shown("**/a:bias", "**:* | count", titled=True) == [
        "**/a:bias",
        "address       shape  dtype    bytes",
        "m/enc/a:bias  (12,)  float32   48 B",
        "",
        "**:* | count",
        "4",
    ]


def test_nothing_found_is_no_line():
    assert shown("**/zz*:*") == []


def test_a_tree_of_weights_has_the_layers_above_them_and_the_figures_of_what_was_selected():
    assert shown("**:*, !**:bias, enc/a:kernel[0, :3]", format="tree") == [
        "m                       Net      142  608 B",
        "├── enc                 Encoder  133  572 B",
        "│   ├── a               Dense    123  492 B  kernel (10, 12)  kernel[0, :3] (3,)",
        "│   └── \\u{1b}\\[2J\\n層  Odd       10   80 B  table (5, 2) int64",
        "└── shared              Dense      9   36 B  kernel (3, 3)",
    ]


def test_a_tree_of_layers_has_figures_only_where_a_layer_was_selected():
    assert shown("**/a, late", format="tree") == [
        "m          Net",
        "├── enc    Encoder",
        "│   └── a  Dense    132  528 B  kernel (10, 12)  bias (12,)",
        "└── late   Dense      0    0 B  not built",
    ]


def test_a_tree_of_what_has_no_layers_is_a_table():
    assert shown("**:* | group dtype", format="tree") == shown("**:* | group dtype")


def test_the_overview_shows_everything_and_what_is_shared_once():
    assert list(lines(overview(WORLD), Screen())) == [
        "m                       Net      151  644 B",
        "├── enc                 Encoder  142  608 B",
        "│   ├── a               Dense    132  528 B  kernel (10, 12)  bias (12,)",
        "│   └── \\u{1b}\\[2J\\n層  Odd       10   80 B  table (5, 2) int64",
        "├── shared              Dense      9   36 B  kernel (3, 3)",
        "├── again               Wrap       9   36 B",
        "│   └── shared          Dense      9   36 B  same as m/shared",
        "├── late                Dense      0    0 B  not built",
        "└── .optimizer                     1    8 B  1 weight",
        "7 layers · 4 weights · 151 params · 644 B",
    ]


def test_what_is_of_unknown_size_makes_unknown_totals():
    world = workspace(model("m @Net\n  a @Dense\n    :text (3,) string"))
    assert list(lines(overview(world), Screen()))[-1] == "2 layers · 1 weight · 3 params · ? bytes"


def test_an_explanation_goes_step_by_step_and_ends_with_the_problems():
    assert list(lines(explained(explain("enc/b:kernel, **/a:*", WORLD)), Screen()))[:9] == [
        "enc/b:kernel",
        "├── enc       1 layer",
        "└── b         0 layers",
        "**/a:*",
        "├── **        7 layers",
        "├── a         1 layer",
        "└── :*        2 weights",
        "error[no-such-layer]: no layer 'b' in m/enc",
        "  enc/b:kernel, **/a:*",
    ]


def test_a_repr_is_bounded():
    world = workspace(model("\n".join(["m", *(f"  a{i}_\n    :k ({i},) float32" for i in range(40))])))
    text = plain_text(evaluate("**:k", world)).splitlines()
    assert len(text) == 1 + 30 + 2
    assert text[-2:] == ["… and 10 more", "40 weights · 780 params · 3.1 kB"]
    assert plain_text(evaluate("**:k | count", world)) == "40"
    assert plain_text(evaluate("**:k | group name", world)).endswith("1 row")


# ------------------------------------------------------------------ for machines


def test_csv_is_read_back_exactly():
    columns = "address, shape, dtype, bytes, trainable"
    rows = list(csv.reader(io.StringIO("\n".join(shown(f"**:* | show {columns}", format="csv")))))
    assert rows[0] == columns.split(", ")
    assert rows[1] == ["m/enc/a:kernel", "(10, 12)", "float32", "480", "true"]
    assert rows[4] == ["m/shared:kernel", "(3, 3)", "float32", "36", ""]


def test_tsv_has_no_quotes_around_shapes():
    assert shown("**/a:kernel", format="tsv")[1] == "m/enc/a:kernel\t(10, 12)\tfloat32\t480"


def test_several_tables_have_an_empty_line_between_them():
    assert shown("**/a:bias | show name", "**:* | count", format="csv") == ["name", "bias", "", "count", "4"]


def test_paths_are_addresses():
    assert shown("**:bias", "**/@Dense", format="paths") == ["m/enc/a:bias", "m/enc/a", "m/shared", "m/late"]
    with pytest.raises(OutputError, match=r"lists weights or layers, .*: \*\*:\* \| count"):
        shown("**:* | count", format="paths")


def test_every_address_is_safe_to_print():
    for format in FORMATS:
        found = shown("**:* | show name, address, layer", format=format)
        assert all(line.replace("\t", "").isprintable() for line in found)


def documented(*answers: Answer) -> dict:
    text = "\n".join(document((a.query, a.result, a.problems) for a in answers))
    found = json.loads(text)
    jsonschema.validate(found, SCHEMA)
    return found


def test_json_has_every_column():
    (result,) = documented(answer("again/shared:kernel"))["results"]
    assert (result["query"], result["kind"], result["problems"]) == ("again/shared:kernel", "weights", [])
    assert result["rows"] == [
        {
            "address": "m/shared:kernel", "name": "kernel", "layer": "m/shared", "class": "Dense", "depth": 1,
            "shape": [3, 3], "rank": 2, "size": 9, "bytes": 36, "dtype": "float32", "trainable": None,
            "source": "", "key": None, "via": "m/again/shared:kernel",
            "scheme": "", "scale": "", "aliases": ["m/again/shared:kernel"],
        }
    ]  # fmt: skip


def test_json_of_everything_is_as_documented():
    found = documented(
        answer("**:*"),
        answer("**"),
        answer("**:* | show name, shape"),
        answer("**:* | group dtype"),
        answer("**:* | count"),
        answer("nope:*"),
        answer("zz*:*"),
        answer("[:"),
    )
    kinds = [result["kind"] for result in found["results"]]
    assert kinds == ["weights", "layers", "weights", "table", "count", "error", "weights", "error"]
    assert found["results"][1]["rows"][0]["name"] == "m"
    assert found["results"][2]["rows"][0] == {"name": "kernel", "shape": [10, 12]}
    assert found["results"][5]["problems"][0]["span"] == [0, 4]
    assert list(rendered([answer("**:*")], Style("json"))) == list(
        document([("**:*", answer("**:*").result, answer("**:*").problems)])
    )


def test_json_keeps_odd_names_exactly_and_prints_them_safely():
    lines_ = shown("**/@Odd", format="json")
    assert all(line.isprintable() for line in lines_)
    assert json.loads("".join(lines_))["results"][0]["rows"][0]["name"] == "\x1b[2J\n層"


def test_json_has_words_for_numbers_that_it_does_not_know():
    table = Table(("x", "y", "z"), ((float("nan"), float("inf"), float("-inf")), (1.5, None, True)))
    (result,) = documented(Answer("q", table))["results"]
    assert result["rows"][0] == {"x": "NaN", "y": "Infinity", "z": "-Infinity"}
    assert result["rows"][1] == {"x": 1.5, "y": None, "z": True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2, "results": []},
        {"version": 1},
        {"version": 1, "results": [{"query": "a", "kind": "weights", "problems": []}]},
        {"version": 1, "results": [{"query": "a", "kind": "error", "problems": []}]},
        {"version": 1, "results": [{"query": "a", "kind": "count", "problems": [], "count": -1}]},
        {
            "version": 1,
            "results": [{"query": "a", "kind": "weights", "problems": [], "rows": [{"shape": "(1,)"}]}],
        },
    ],
)
def test_the_schema_refuses_what_is_wrong(wrong: dict):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_the_schema_names_every_column():
    weight, layer = answer("**:*"), answer("**")
    for found, definition in ((weight, "weight"), (layer, "layer")):
        row = documented(found)["results"][0]["rows"][0]
        assert set(row) == set(SCHEMA["$defs"][definition]["properties"])


def test_jsonl_has_a_row_on_each_line():
    rows = [json.loads(line) for line in shown("**:bias", "**:* | count", format="jsonl")]
    assert [(r["version"], r["query"]) for r in rows] == [(1, "**:bias"), (1, "**:* | count")]
    assert rows[0]["address"] == "m/enc/a:bias"
    assert rows[1]["count"] == 4
    assert shown("nope:*", format="jsonl") == []


def test_problems_are_told_whole():
    problem = Problem("x", "y", hint="z")
    (result,) = documented(Answer("q", None, (problem,)))["results"]
    assert result["problems"] == [{"severity": "error", "code": "x", "message": "y", "hint": "z"}]
