"""Writes weightrepl/frontends/problems.md, which editors open from a problem's code, from the tables of codes."""

from __future__ import annotations

from pathlib import Path

import weightrepl
from tests.problem_pictures import EXAMPLES, shown
from weightrepl.frontends.commands_codes import ALL_CODES

PATH = Path(weightrepl.__file__).parent / "frontends" / "problems.md"

HEAD = """# Problems

What is wrong with a query, or should be known of its result, is a problem. It has a code, and shows itself like this:

```text
{picture}
```

An `error` keeps the query from being answered; a `warning` or a `note` stands beside the answer. Below is each code:
what it means, a text that has it and what is shown of it, and what to type instead. At the prompt `%help no-such-layer`
tells of a code, in Python `QueryError.problems` has them."""

PARTS = ("what is wrong", "the query", "where in it", "what to do about it")


def page() -> str:
    """Return the page: a heading for each code, what it means, what it looks like, what to type instead."""
    lines = zip(shown("no-such-layer").picture.splitlines(), PARTS, strict=True)
    head = HEAD.format(picture="\n".join(f"{line:<66}{part}" for line, part in lines))
    return "\n\n".join([head, *(_entry(code) for code in sorted(ALL_CODES))]) + "\n"


def _entry(code: str) -> str:
    meaning = ALL_CODES[code][0]
    picture, instead = shown(code)
    sentence = f"{meaning[0].upper()}{meaning[1:]}".removesuffix(".")
    parts = [f"### {code}", sentence if sentence.endswith("?") else f"{sentence}."]
    parts.append(_block("text", picture))
    if instead and not picture.endswith(f"type instead: {instead}"):
        parts += ["Type instead:", _block("text" if instead.startswith("%") else "wq", instead)]
    if words := EXAMPLES.get(code, {}).get("do"):
        parts.append(words)
    return "\n\n".join(parts)


def _block(language: str, text: str) -> str:
    return "\n".join([f"```{language}", *(line.rstrip() for line in text.splitlines()), "```"])


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
