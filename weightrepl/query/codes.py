"""The codes of the problems that a text alone can have: what each means, and a query that has it.

The documentation is made from this table; nothing else reads it.
"""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    # names
    "space-in-path": ("white space separates tokens, so within an address it is escaped or left out", "my layer"),
    "unescaped-character": ("a character of the language stands in a name without a backslash", "a=b"),
    "bad-escape": ("a backslash and what follows it stand for no character", r"a\q"),
    "unclosed-quote": ("a quote is opened and not closed on its line", '"a'),
    "unclosed-bracket": ("a '[' is never closed", "a[b"),
    "unclosed-brace": ("a '{' is never closed", "{a,b"),
    "bad-class": ("a character class holds a class that there is not, or a range that runs backwards", "[z-a]"),
    "colon-in-class": ("a character class seems to have swallowed a weight: ']' missing?", "a[b:kernel[0]"),
    "bad-range": ("a range of numbers has a step, or ends that are no whole numbers", "{0..10..2}"),
    "separator-in-braces": ("braces choose within one name, so no '/' or ':' is in them", "{a/b,c}"),
    "too-deep": ("brackets nest too deep, or an expression has too many operators", "{" * 31),
    # paths
    "empty-segment": ("there is no name between two slashes", "a//b"),
    "misplaced-dots": ("'.' or '..' does not stand at the beginning of a path", "a/../b"),
    "needs-slash": ("'**', '.' or '..' has an ordinal or a class, which only a name has", "**@Dense"),
    "bad-ordinal": ("what follows '#' is no number from 1 nor '*', or does not follow the name", "a#0"),
    "missing-name": ("a name had to stand here", "a/#2"),
    "missing-class": ("an '@' is followed by no class", "a@"),
    "missing-weight": ("a ':' is followed by no weight's name", "a:"),
    "call": ("something is called or has attributes, as in Python", 'model.get_layer("a").get_weights()[0]'),
    # selectors and slices
    "missing-selector": ("a selector had to stand here", "a,"),
    "missing-comma": ("two selectors, or two columns, stand side by side", "a:kernel b:bias"),
    "missing-pipe": ("a stage follows a selector without a '|'", "a:* where size > 1"),
    "double-exclusion": ("a second '!'", "!!a"),
    "excluded-slice": ("a '!' takes away whole weights, so it has no slice", "!a:kernel[0]"),
    "beyond-weight": ("something follows a weight as if it had parts", "a:kernel:0"),
    "unexpected": ("something stands where only ',' or '|' can", "$a/b"),
    "missing-index": ("a slice lacks an index", "a:kernel[0,]"),
    "bad-index": ("what stands in a slice or a subscript is no index", "a:kernel[x]"),
    "second-list": ("a slice holds two lists of integers", "a:kernel[[1], [2]]"),
    "second-ellipsis": ("a slice holds two '...'", "a:kernel[..., 0, ...]"),
    "comment": ("a comment begins where perhaps none was meant", "a #2"),
    # stages
    "missing-stage": ("a '|' is followed by no stage", "a |"),
    "no-such-stage": ("there is no stage of this name", "a | filter size > 1"),
    "unexpected-argument": ("a stage has an argument too many", "a | count 5"),
    "missing-column": ("a column had to stand here", "a | sort"),
    "missing-count": ("a whole number had to stand here", "a | top norm"),
    "bad-count": ("a number of rows is whole and not negative", "a | head -5"),
    "missing-path": ("'diff' lacks the path to compare with", "a | diff"),
    "bad-path": ("'diff' takes one path, neither excluded nor named nor sliced", "a | diff !b"),
    "missing-reduction": ("'reduce' lacks its reduction", "a | reduce"),
    "no-such-reduction": ("there is no reduction of this name", "a | reduce avg"),
    "missing-keyword": ("a value stands without the name of its argument", "a | hist 20"),
    "no-such-argument": ("a stage has no argument of this name, or has it already", "a | hist bin=20"),
    "bad-argument": ("the value of an argument is not of its kind", "a | hist bins=0"),
    # expressions
    "missing-value": ("a value had to stand here", "a | where size >"),
    "missing-operator": ("two values stand side by side", "a | where size 5"),
    "missing-list": ("'in' is followed by a value that is not in parentheses", "a | where dtype in float32"),
    "unclosed-paren": ("a '(' is never closed", "a | where (size > 5"),
    "bad-number": ("a number is spelled as none is", "a | where size > 1kb"),
    "unquoted-pattern": ("a pattern in an expression is not quoted", "a | where name ~ conv*"),
    "chained-comparison": ("comparisons do not chain", "a | where 1 < size < 5"),
    "only-in-shape": ("'_' or '...' stands outside of a shape", "a | where _ == 3"),
    "other-language": ("this is how another language writes it", "a | where size = 5"),
}  # fmt: skip

FILE_CODES: dict[str, tuple[str, str]] = {
    "no-such-directive": ("there is no directive of this name", "#: opne a.keras"),
    "late-directive": ("'open' and 'let' stand above all queries", "a:*\n#: open a.keras"),
    "missing-file": ("'open' lacks the path of a file", "#: open a ="),
    "missing-query": ("'let' lacks '=' or the query", "#: let a ="),
    "second-name": ("two queries have one name", "#: let a = b\n#: let a = c"),
    "bad-expectation": ("'expect' is followed by neither 'some' nor 'none'", "#: expect nothing\na"),
    "no-query": ("no query follows 'expect'", "#: expect none"),
    "nothing-to-continue": ("the first line begins with white space", "  a:*"),
}
"""The codes that only query files have; the examples are whole files."""
