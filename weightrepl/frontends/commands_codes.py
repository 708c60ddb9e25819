"""What the codes of problems mean: of those that a text alone can have `query.codes` tells, here are the others."""

from __future__ import annotations

import os
import re
from functools import cache

from weightrepl.query.codes import CODES, FILE_CODES

MEANINGS: dict[str, str] = {
    # names that lead nowhere
    "no-such-layer": "a name that is spelled out is none of the layers there",
    "no-such-weight": "a name that is spelled out is none of the weights there",
    "no-such-attribute": "no layer is held under an attribute of this name",
    "no-such-sibling": "there are not so many of that name",
    "no-such-name": "a '$' is followed by the name of no query and the number of no result",
    "no-such-column": "there is no column of this name at this point of the query",
    "no-such-command": "there is no command of this name",
    "no-attributes": "the source does not record under which attributes layers are held",
    "no-layer": "layers are wanted, and the workspace is none",
    "no-location": "a weight stands without a layer, and several models are open",
    "no-model": "something is asked, and no model is open",
    "nothing-above": "'..' leads out of the workspace",
    "ambiguous-model": "several open models answer to this name",
    "more-siblings": "several share this name, and the first of them is selected",
    "not-built": "a layer was never built, so its weights do not exist yet",
    "no-weights": "the layers are there, but hold no weights",
    "no-match": "a pattern matches nothing; that may be right",
    "not-a-location": "a location is one layer, and this is none or several",
    # exclusions, names of queries
    "took-nothing-away": "a '!' matches nothing that was selected before it",
    "undone": "a later selector brings back what a '!' took away",
    "query-in-itself": "a query that has a name refers to itself",
    "not-a-selection": "what a name stands for is no rows of weights or layers",
    # slices and arrays
    "bad-slice": "a slice does not fit the shape of its weight",
    "slice-left-out": "a slice does not fit the shapes of some weights, which are left out",
    "bad-axis": "a weight has no such axis, or one is named twice",
    "no-reduction": "a weight can't be reduced in this way",
    "reduce-left-out": "some weights can't be reduced in this way, and are left out",
    "not-quantised": "nothing that is selected is quantised, so all stays as it is",
    "left-quantised": "values stay as they are stored, since the file does not tell how they are quantised",
    "dequantized-so": "what was taken for granted, since the file does not tell how values are quantised",
    # columns and values
    "no-condition": "what stands after 'where' is no yes or no",
    "no-shape": "something that is no shape takes an index",
    "no-size": "something that is no size stands in a shape",
    "no-value": "a list stands where one value had to",
    "wrong-kind": "two things are compared or computed with that are not of one kind",
    "needs-weights": "a stage or column is of weights, and these rows are none",
    "after-count": "a stage follows 'count', which gives one number",
    "unknown-left-out": "rows of which the source does not record what is asked are left out",
    "magnitudes": "histograms of complex numbers are of their magnitudes",
    # diff
    "diff-root": "the two sides of a 'diff' have no layer at which the left one begins",
    "diff-path": "what follows 'diff' does not lead to one layer or weight",
    "same-sides": "both sides of a 'diff' are the same",
    "nothing-paired": "no row of one side of a 'diff' has a partner on the other",
    # sources and files
    "source": "something worth knowing about the file that the weights come from",
    "unreadable": "values can't be read from their file",
    "labels-beside": "where the labels of rows were written",
    "raw-bytes": "a file holds a dtype that its format has no name for as raw bytes",
    "not-all-drawn": "there are more weights than a picture shows",
    # the prompt
    "command": "a command was given something that it does not take",
    "configuration": "a line of the settings file is not valid",
    # editors
    "cannot-open": "a model that a document names can't be opened",
    "outside-workspace": "a model that a document names lies in no folder that it may ask of, so it was left alone",
    # Python and notebooks
    "wrong-result": "a function of Python gives weights or layers, and the query gives something else",
    "no-such-model": "'-m' is followed by what is neither a variable's nor a model's name, nor a file",
    "bad-expansion": "with '--vars' something stands in braces that Python can't put a value for",
    "not-all-shown": "a result has more rows than are shown",
    "assigned": "what an assignment in Python wrote, or would have written but for 'dry_run=True'",
    "expectation": "a query finds something, or nothing, where '#: expect' says otherwise",
}  # fmt: skip

ALL_CODES: dict[str, tuple[str, str]] = {
    **{code: (meaning, "") for code, meaning in MEANINGS.items()},
    **FILE_CODES,
    **CODES,
}
"""All codes: what each means, and a text that has it where one is enough."""


@cache
def told_of_codes() -> dict[str, str]:
    """Return what the page of problems says of each code below its meaning, as plain text: the picture, what to do.

    That is nothing where the page was not installed.
    """
    try:
        with open(os.path.join(os.path.dirname(__file__), "problems.md"), encoding="utf-8") as file:
            entries = file.read().split("\n### ")[1:]
    except OSError:
        return {}
    return {entry.split("\n", 1)[0]: _plain(entry) for entry in entries}


def _plain(entry: str) -> str:
    """Return an entry without its heading and meaning, after an empty line, its blocks indented."""
    parts = "\n" + entry.strip().split("\n\n", 2)[2]
    return re.sub(
        r"```\w+\n(.*?)\n```", lambda block: re.sub("(?m)^", "  ", block[1]), parts, flags=re.DOTALL
    )
