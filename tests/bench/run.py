"""Measures weightrepl beside other ways to read a weight and prints the table: `make bench`.

The exit status is 0 also where an aim is missed: the table says so. It is 1 where something does not work, or where
weightrepl and a peer find different things.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # run as a script: `tests` is what is imported from, not its folder `bench`

from tests.bench import (  # noqa: E402
    completions,
    differences,
    in_memory,
    language_server,
    magics,
    processes,
    prompts,
    sources,
    values,
)
from tests.bench.measure import BenchError, Progress, output_of, warm  # noqa: E402
from tests.bench.models import FULL, QUICK, Files  # noqa: E402
from tests.bench.processes import Setting  # noqa: E402
from tests.bench.table import Section, as_markdown, as_text, machine  # noqa: E402

SECTIONS: dict[str, Callable[[Setting], Section | tuple[Section, ...]]] = {
    "one": processes.one_weight,
    "start": processes.start,
    "list": processes.listing,
    "pattern": in_memory.patterns,
    "address": in_memory.addresses,
    "memory": processes.memory,
    "stats": values.statistics,
    "diff": differences.differences,
    "complete": completions.completions,
    "prompt": prompts.prompts,
    "magics": magics.magics,
    "sources": sources.sources,
    "lsp": language_server.language_server,
}
NEED_FILES = ("one", "list", "memory", "prompt")
NO_FILES = "Left out: the models are not written yet, and that needs TensorFlow, which is not installed."
ONLY_QUICK = "The models are tiny and each ran once: this says that the bench works, and nothing of speed."


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and return the exit status."""
    options = _parser().parse_args(arguments)
    head = (*machine(), *([ONLY_QUICK] if options.quick else []))
    setting = _setting(options)
    try:
        sections = _sections(options.only or list(SECTIONS), setting)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print("\n".join(as_text(sections, head)))
    if options.markdown:
        options.markdown.write_text("\n".join(as_markdown(sections, head)) + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure weightrepl beside other ways to read a weight.")
    parser.add_argument(
        "--only", action="append", choices=list(SECTIONS), help="this section; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="tiny models, one round: does the bench work?")
    parser.add_argument("--rounds", type=int, help="how often each runs at least (5; with --quick 1)")
    parser.add_argument(
        "--tensorflow",
        action=argparse.BooleanOptionalAction,
        help="with the peers that need TensorFlow (yes where it is installed; with --quick no)",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--cache", type=Path, default=ROOT / ".bench", help="where the models are kept")
    return parser


def _setting(options: argparse.Namespace) -> Setting:
    sizes = QUICK if options.quick else FULL
    wanted = not options.quick if options.tensorflow is None else options.tensorflow
    rounds = options.rounds or (1 if options.quick else 5)
    often = 1 if options.quick else 3
    peers_take_part = wanted and processes.tensorflow_is_installed()
    return Setting(Files.of(options.cache, sizes), sizes, rounds, often, peers_take_part, Progress())


def _sections(names: Sequence[str], setting: Setting) -> list[Section]:
    have_files = _have_files(setting) if set(names) & set(NEED_FILES) else False
    sections: list[Section] = []
    for name in names:
        if name in NEED_FILES and not have_files:
            sections.append(Section(f"Section {name}", (), (NO_FILES,)))
            continue
        measured = SECTIONS[name](setting)
        sections += measured if isinstance(measured, tuple) else (measured,)
    return sections


def _have_files(setting: Setting) -> bool:
    """Return whether the models are there, written now if need be, and in the page cache."""
    if not all(path.exists() for path in setting.files):
        if not processes.tensorflow_is_installed():
            return False
        setting.progress.say("Keras writes the models, once")
        output_of((sys.executable, "-m", "tests.bench.models", str(setting.scratch), setting.sizes.name))
    warm(setting.files)
    return True


if __name__ == "__main__":
    raise SystemExit(main())
