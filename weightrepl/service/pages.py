"""The help pages of stages, columns, operators and topics: what hover, completion and `%help` show."""

from __future__ import annotations

from weightrepl.engine.columns import LAYER_COLUMNS, PAIR_COLUMNS, WEIGHT_COLUMNS
from weightrepl.engine.figures import FIGURES
from weightrepl.values import Value


class Page(Value):
    """Help on a word of the language.

    usage: how it is written (`top N COLUMN`). summary: one sentence, without a full stop. text: more, Markdown.
    examples: queries that run on any model; a `diff` on models named `base` and `tuned`.
    """

    usage: str
    summary: str
    text: str = ""
    examples: tuple[str, ...] = ()


STAGE_PAGES: dict[str, Page] = {
    "where": Page(
        "where EXPRESSION",
        "keep the rows for which it holds",
        "Compares columns with `== != < <= > >=`, with patterns by `~` and `!~`, with lists by `in (…)`, and joins"
        " conditions by `and`, `or`, `not`. A comparison with something unknown (`?`) is false, and so is its `not`.",
        ("**:* | where size > 1K and dtype == float32", "**:* | where nans > 0", '** | where class ~ "Den*"'),
    ),
    "sort": Page(
        "sort COLUMN [desc], …",
        "order the rows, the smallest first",
        "The largest come first with `desc` after a column. Rows that are equal keep their order; unknown and NaN come"
        " last both ways.",
        ("**:* | sort size desc", "**:* | sort dtype, size desc"),
    ),
    "head": Page(
        "head [N]", "keep the first N rows, or 10", "", ("**:* | head", "**:* | sort bytes desc | head 3")
    ),
    "tail": Page("tail [N]", "keep the last N rows, or 10", "", ("**:* | tail 3",)),
    "top": Page(
        "top N COLUMN",
        "keep the N rows with the largest values of a column, the largest first",
        "The same as `sort COLUMN desc | head N`. Unknown and NaN come last.",
        ("**:* | top 5 size", "**:kernel | stats | top 5 norm"),
    ),
    "show": Page(
        "show COLUMN, …",
        "show these columns, in this order",
        "",
        ("**:* | show address, shape, trainable", "** | show name, class, params"),
    ),
    "count": Page("count", "give the number of rows", "", ("**:bias | count",)),
    "stats": Page(
        "stats",
        "show figures of each weight's values",
        "Figures of the finite values: `min max mean std norm absmax`. Counts: `zeros nans infs`, and `sparsity`. What"
        " looks wrong: `flags`. The values are read once, in blocks.",
        ("**:* | stats", "**:* | stats | sort std desc"),
    ),
    "hist": Page(
        "hist [bins=N]",
        "show a histogram of each weight's values",
        "In 20 equal bins, or N (at most 128), from the smallest finite value to the largest. What is NaN or infinite"
        " is told beside it. Of a single weight each bin has a line.",
        ("**:kernel | hist", "**:kernel | head 1 | hist bins=8"),
    ),
    "group": Page(
        "group COLUMN, …",
        "give one row for each value of a column, or each combination of several",
        "With the columns `weights`, `params` and `bytes`; of a query of layers `layers` too, each with the weights of"
        " its own. What follows works on these rows.",
        ("**:* | group class", "**:* | group dtype, trainable | sort bytes desc", "** | group class"),
    ),
    "reduce": Page(
        "reduce REDUCTION [axis=INT or (INT, …)]",
        "make smaller arrays, along some axes or all",
        "By `min`, `max`, `mean`, `sum`, `std`, `norm` or `absmax`, as NumPy does it: negative axes count from the"
        " end, NaN and infinite values go through. The new arrays keep the addresses; every stage works on them.",
        (
            "**:kernel | reduce norm axis=0 | show address, shape, values",
            "**:* | reduce absmax | show address, values",
        ),
    ),
    "diff": Page(
        "diff PATH[:WEIGHT]",
        "compare each weight with its counterpart below another layer, the largest change first",
        "The counterpart has the same address but for its beginning: the layer that the selectors spell out before"
        " their first pattern is replaced by PATH. `diff PATH:WEIGHT` names it itself.\n\nColumns: `other`, `verdict`"
        " (`same cast changed shape only-left only-right`), `maxabs`, `meanabs`, `rel`, `cosine`, `hint`.",
        ("base/**:* | diff tuned", "base/**:* | diff tuned | where verdict != same"),
    ),
    "dequantize": Page(
        "dequantize",
        "put the floats that quantised layers compute with in the place of the stored numbers",
        "What is not quantised stays as it is. A slice before it is one of the stored numbers.",
        ("**:kernel | dequantize | stats",),
    ),
}


def _columns(*rows: tuple[str, str, str, str]) -> dict[str, Page]:
    """Return pages by name; a row is a column's name, its summary, more, and an example or nothing."""
    return {
        name: Page(name, summary, text, (example,) if example else ())
        for name, summary, text, example in rows
    }


_FINITE = "Of the finite values; NaN where none is."

COLUMN_PAGES: dict[str, Page] = _columns(
    ("address", "the one path that leads to it: a query that selects exactly this", "", "**:* | show address"),
    ("name", "its own name: a layer's as its author gave it, a weight's by its role", "",
     '**:* | where name ~ "*bias"'),
    ("layer", "the address of the layer that owns the weight", "", "**:* | group layer"),
    ("class", "the name of the layer's class", "Of a weight, that of the layer that owns it.", "**:* | group class"),
    ("depth", "how many layers are above: 0 for a model", "Of a weight, that of its layer.", "** | where depth == 1"),
    ("shape", "the sizes of its axes",
     "Compared as in `shape == (784, _)`, where `_` is any size and `...` any number of axes; `shape[0]` is one size,"
     " unknown where there is no such axis.", "**:* | where shape == (_, _)"),
    ("rank", "the number of axes", "", "**:* | where rank >= 2"),
    ("size", "the number of values", "", "**:* | where size > 1K"),
    ("bytes", "what the values take in memory, in bytes",
     "Of a layer, all in and below it, each weight once.", "**:* | where bytes > 1KiB"),
    ("dtype", "the kind of its values, such as float32", "", "**:* | group dtype"),
    ("trainable", "whether training changes it", "A layer is trainable if any weight in or below it is.",
     "**:* | where trainable"),
    ("source", "the file that it was read from, or the live object", "", "**:* | group source"),
    ("key", "the name under which its values are stored in the file", "", "**:* | show address, key"),
    ("via", "the way on which it was reached, if that is not its address", "", '**:* | where via != ""'),
    ("scheme", "how the weight is quantised, such as int8 or gptq4", "Empty if it is not.",
     '**:* | where scheme != ""'),
    ("scale", "the address of the weight that holds its scales", "Empty if it is not quantised.",
     '**:* | where scale != ""'),
    ("min", "the least value", _FINITE, "**:* | show address, min"),
    ("max", "the largest value", _FINITE, "**:* | where max > 10"),
    ("mean", "the arithmetic mean of the values", _FINITE, "**:* | show address, mean"),
    ("std", "the standard deviation of the values", f"{_FINITE} Divided by their number, not by one less.",
     "**:* | where std < 1e-3"),
    ("norm", "the Euclidean norm of the values", "Of the finite values; of a matrix it is the Frobenius norm.",
     "**:kernel | top 5 norm"),
    ("absmax", "the largest magnitude of a value", _FINITE, "**:* | where absmax > 100"),
    ("zeros", "how many values are 0", "", "**:* | where zeros == size"),
    ("nans", "how many values are NaN", "", "**:* | where nans > 0"),
    ("infs", "how many values are infinite", "", "**:* | where infs > 0"),
    ("sparsity", "the part of the values that are 0, from 0 to 1", "", "**:* | where sparsity > 0.5"),
    ("flags", "what looks wrong, in words; a hint, not a verdict",
     "All values are 0: `dead`. All are equal: `constant`. There is one: `nan`, `inf`. Values near the largest that"
     " 16 bits hold: `overflow-risk`.", '**:* | where flags ~ "*dead*"'),
    ("values", "the first and last values, in short", "", "**:* | show address, values"),
    ("hist", "the histogram that the stage of this name gives", "It has no order, so nothing sorts by it.", ""),
    ("layers", "how many layers are below it", "Of a group, how many layers are in it.", "** | where layers > 1"),
    ("weights", "how many weights are in it and below, each counted once",
     "Of a group, how many weights are in it.", "** | where weights == 0"),
    ("params", "the number of values in it and below, each weight counted once",
     "Of a group, those of its weights.", "** | top 5 params"),
    ("built", "whether the layer has made its weights", "", "** | where not built"),
    ("other", "the address of the counterpart", "", "base/**:* | diff tuned | show address, other"),
    ("verdict", "what the comparison found",
     "`same`, `cast` (equal but for the rounding of a narrower dtype), `changed`, `shape` (other axes), `only-left`,"
     " `only-right`.", "base/**:* | diff tuned | group verdict"),
    ("maxabs", "the largest change of a value", "", "base/**:* | diff tuned | top 5 maxabs"),
    ("meanabs", "the mean change of the values, regardless of sign", "",
     "base/**:* | diff tuned | show address, meanabs"),
    ("rel", "the norm of the changes, divided by the left side's norm", "",
     "base/**:* | diff tuned | where rel > 1e-3"),
    ("cosine", "the cosine of the angle between both sides", "1: they point in one direction; -1: opposite.",
     "base/**:* | diff tuned | where cosine < 0.99"),
    ("hint", "what else was seen: another dtype or shape, a transpose, the same values elsewhere", "",
     "base/**:* | diff tuned | show address, hint"),
)  # fmt: skip


_EQUAL = (
    "A bare word beside a text column is a string: `dtype == float32`. Text with white space is quoted. A shape is"
    " compared with one in parentheses: `shape == (784, _)`."
)
_ORDER = (
    "Numbers by size, texts by alphabet. Units are `K M G T`, powers of 1000, and `Ki Mi Gi Ti`, of 1024, with a `B`"
    " for bytes. A comparison with something unknown or NaN is false."
)
_PATTERN = (
    "In quotes, with `*`, `?`, `[a-z]`, `{a,b}`, `{0..11}`; here `*` matches `/` too. Several patterns in parentheses"
    " stand for either."
)
_CLOSER = "As usual `*` and `/` bind closer than `+` and `-`."


def _operators(*rows: tuple[str, str, str, str, str]) -> dict[str, Page]:
    """Return pages by operator; a row is the operator, its usage, its summary, more, and an example."""
    return {name: Page(usage, summary, text, (example,)) for name, usage, summary, text, example in rows}


OPERATOR_PAGES: dict[str, Page] = _operators(
    ("==", "COLUMN == VALUE", "equal", _EQUAL, "**:* | where dtype == float32"),
    ("!=", "COLUMN != VALUE", "not equal", _EQUAL, "**:* | where dtype != float32"),
    ("<", "COLUMN < VALUE", "less", _ORDER, "**:* | where size < 1K"),
    ("<=", "COLUMN <= VALUE", "less or equal", _ORDER, "**:* | where rank <= 1"),
    (">", "COLUMN > VALUE", "greater", _ORDER, "**:* | where size > 100"),
    (">=", "COLUMN >= VALUE", "greater or equal", _ORDER, "**:* | where bytes >= 1KiB"),
    ("~", "COLUMN ~ PATTERN", "the whole text matches a pattern", _PATTERN, '**:* | where address ~ "*inner*"'),
    ("!~", "COLUMN !~ PATTERN", "the whole text does not match a pattern", _PATTERN, '**:* | where name !~ "b*"'),
    ("in", "COLUMN in (VALUE, …)", "one of these", "The others are asked for by `not in`.",
     "**:* | where dtype in (float16, bfloat16, float32)"),
    ("and", "CONDITION and CONDITION", "both hold",
     "Binds closer than `or`. What needs no values is asked first, and may decide alone.",
     "**:* | where rank == 2 and zeros > 0"),
    ("or", "CONDITION or CONDITION", "at least one holds", "", "**:* | where nans > 0 or infs > 0"),
    ("not", "not CONDITION", "does not hold", "What is unknown stays unknown.", "** | where not trainable"),
    ("+", "NUMBER + NUMBER", "the sum", _CLOSER, "**:* | where nans + infs == size"),
    ("-", "NUMBER - NUMBER", "the difference", _CLOSER, "**:* | where max - min > 1"),
    ("*", "NUMBER * NUMBER", "the product", _CLOSER, "**:* | where absmax > 3 * std"),
    ("/", "NUMBER / NUMBER", "the quotient", f"{_CLOSER} Divided by zero a number gives `inf` or `nan`.",
     "**:* | where bytes / size > 2"),
    ("true", "true", "yes", "", "**:* | where trainable == true"),
    ("false", "false", "no", "", "**:* | where trainable == false"),
    ("inf", "inf", "infinity", "", "**:* | where max < inf"),
    ("nan", "nan", "not a number", "It equals nothing, itself neither: `nans > 0` finds it.",
     "**:* | where nans > 0"),
    ("_", "(784, _)", "any size of an axis", "Only in a shape.", "**:* | where shape == (12, _)"),
    ("...", "(..., 3)", "any number of axes", "Only in a shape.", "**:* | where shape == (..., 4)"),
    ("desc", "sort COLUMN desc", "the largest first", "", "**:* | sort size desc"),
    ("axis", "axis=INT or axis=(INT, …)", "the axes that go; all where none is given",
     "Negative ones count from the end.", "**:kernel | reduce norm axis=-1"),
    ("bins", "bins=N", "the number of bins of a histogram, at most 128", "Without it there are 20.",
     "**:kernel | hist bins=10"),
)  # fmt: skip


TOPIC_PAGES: dict[str, Page] = {
    "queries": Page(
        "SELECTOR, … | STAGE | …",
        "selectors say which layers or weights, stages what to do with them",
        "A selector with a `:` is of weights, as `encoder/**:kernel`; a query without any is of layers. White space is"
        " free around `,` and `|`; `#` begins a comment.",
        ("**:kernel | top 3 size", "**", "**:*, !**:bias | stats"),
    ),
    "addresses": Page(
        "model/layer/…/layer:weight",
        "each layer and weight has one address, which is itself a query that selects exactly it",
        "A path that begins with `/`, or with the name of an open model, starts at the top; every other where you"
        " stand. There `..` is the layer above, and `.` the place itself. Of siblings of one name the second is"
        " `name#2`. The attribute under which its parent holds a layer is `.name`; so are the system's layers, such as"
        " `.optimizer`.\n\n"
        "A character with a meaning of its own is written behind a backslash, as in `my\\ layer`, or in quotes,"
        ' `"my layer"`.',
        (":*", "*:bias", "./**"),
    ),
    "patterns": Page(
        "* ? [a-z] {a,b} {0..11} **",
        "wildcards match within one name, and ** any number of layers",
        "Any run of characters is `*`, one character `?`, one of a class `[a-z]`, one not of it `[!0-9]`; either of"
        " several is `{a,b}`, a number in a range `{0..11}`. Layers of a class are `@Dense`, also behind a name:"
        " `block*@Dense`. No wildcard matches a leading dot.\n\nA name that is spelled out must exist; a pattern may"
        " match nothing.",
        ("**/*dense[0-9]:kernel", "**/@Dense:{kernel,bias}", "**:*"),
    ),
    "slices": Page(
        ":weight[INDEX, …]",
        "a part of a weight, and only that is read",
        "As in NumPy: `3`, `-1`, `:16`, `::2`, `...`, and one list `[12, 99]`. Axes keep their places.",
        ("**:kernel[0] | show address, values", "**:kernel[:2, [0, -1]] | stats"),
    ),
    "exclusion": Page(
        "!SELECTOR",
        "take weights or layers away again",
        "Those weights with `!**:bias`, all in and below a layer with `!head`, under all their names. Selectors apply"
        " from left to right. A query that begins with `!` starts from everything but the system's layers.",
        ("**:*, !**:bias", "!**/@Dense:bias | stats"),
    ),
    "stages": Page(
        "| STAGE ARGUMENT …",
        "each stage takes a table and gives another",
        f"The stages are {', '.join(f'`{name}`' for name in STAGE_PAGES)}. They apply from left to right:"
        " `top 5 size` behind `where` is of what that kept.",
        ("**:* | where rank == 2 | group class | sort bytes desc",),
    ),
    "expressions": Page(
        "where COLUMN == VALUE and …",
        "conditions on columns, as the stage where takes them",
        f"Operators: {' '.join(f'`{name}`' for name in OPERATOR_PAGES if not name.isalpha())} `in` `not` `and` `or`."
        " A bare word beside a text column is a string, elsewhere a column. Numbers are `1e6`,"
        " `1_000`, `64Ki`, `2GB`. An unknown value, `?`, makes a comparison false, and its `not` too.",
        ("**:* | where size > 1K and not class in (Embedding, Dense)",),
    ),
    "columns": Page(
        "show COLUMN, …",
        "what is known of a row; computed when it is asked for",
        f"Of weights: `{' '.join(WEIGHT_COLUMNS)}`; of their values, in addition: `{' '.join(FIGURES)} values`.\n\n"
        f"Of layers: `{' '.join(LAYER_COLUMNS)}`.\n\nOf what `diff` compared: `{' '.join(PAIR_COLUMNS)}`.",
        ("**:* | show address, size, norm",),
    ),
    "names": Page(
        "$NAME",
        "a named query, or an earlier result, where a selector may stand",
        "A query gets a name by `%alias NAME QUERY`, in a file by `#: let NAME = QUERY`. The last result is `$_`, that"
        " of input 3 is `$3`: its very rows.",
    ),
}
