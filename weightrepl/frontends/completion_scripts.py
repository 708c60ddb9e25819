"""Completion in bash, zsh and fish: the scripts, and the words that they ask the command for.

    weightrepl --complete-words SHELL LINE [WORDBREAKS]

is what the scripts call: LINE is the command line up to the cursor, WORDBREAKS bash's variable of that name. The first
line of the answer says what follows: `files` (the shell completes paths itself), `words` (one per line, each whole), or
`query` (as words, and more may be typed right behind each).
"""

from __future__ import annotations

import os
from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from weightrepl.frontends.session import Session
    from weightrepl.service.answers import Completion

BASH = """\
# eval "$(weightrepl --completion bash)" in ~/.bashrc
_weightrepl() {
    local kind='' word
    COMPREPLY=()
    while IFS= read -r word; do
        if [ -z "$kind" ]; then kind=$word; else COMPREPLY+=("$word"); fi
    done < <(weightrepl --complete-words bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    case $kind in
        files) compopt -o default ;;
        query) compopt -o nospace -o filenames ;;
    esac
}
complete -F _weightrepl weightrepl
"""

ZSH = """\
#compdef weightrepl
# source <(weightrepl --completion zsh) in ~/.zshrc, after compinit
_weightrepl() {
    local -a words_found
    local line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX"
    words_found=("${(@f)$(weightrepl --complete-words zsh "$line" 2>/dev/null)}")
    case $words_found[1] in
        files) compset -P '*='; _files ;;
        words) (( $#words_found > 1 )) && compadd -- "${(@)words_found[2,-1]}" ;;
        query) (( $#words_found > 1 )) && compadd -S '' -- "${(@)words_found[2,-1]}" ;;
    esac
}
compdef _weightrepl weightrepl
"""

FISH = """\
# weightrepl --completion fish | source, in ~/.config/fish/config.fish
function __weightrepl_words
    set -l found (weightrepl --complete-words fish (commandline -cp | string collect) 2>/dev/null)
    if test "$found[1]" = files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found[2..-1]
    end
end
complete -c weightrepl -f -a '(__weightrepl_words)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

_CHOICES = {
    "--format": ("table", "tree", "json", "jsonl", "csv", "tsv", "paths"),
    "--color": ("auto", "always", "never"),
    "--completion": tuple(SCRIPTS),
}
_WITH_FILE = ("-f", "--file", "-o", "--output", "--labels")
_WITH_QUERY = ("-q", "--query", "-m", "--model")
_LAYERS = ("model", "layer", "attribute", "system")
_WITH_VALUE = (*_WITH_FILE, *_WITH_QUERY, *_CHOICES, "--allow")
OPTIONS = (
    *(
        "-q",
        "-f",
        "-m",
        "-o",
        "-h",
        "--query",
        "--file",
        "--model",
        "--layers",
        "--explain",
        "--unfold",
        "--output",
        "--force",
        "--labels",
        "--allow",
    ),
    *(*_CHOICES, "--demo", "--version", "--help"),
)


def answer(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the answer to a script."""
    shell, line, *rest = [*arguments, "", ""][:3] if len(arguments) < 3 else arguments
    *before, current, typed = split_line(line)
    kind, words = _candidates(before[1:], current)
    yield kind
    known = typed_for_readline(typed, rest[0]) if shell == "bash" and rest else ""
    for word in words:
        if word.startswith(known):
            yield word[len(known) :]


def split_line(line: str) -> list[str]:
    r"""Return the words of a command line without their quotes, the one at its end, and that one as it was typed.

    >>> split_line("weightrepl 'my model.keras' -q 'a/b")
    ['weightrepl', 'my model.keras', '-q', 'a/b', "'a/b"]
    """
    words, word, quote, start, i = [], "", "", 0, 0
    while i < len(line):
        char = line[i]
        if char == "\\" and quote != "'" and i + 1 < len(line) and (not quote or line[i + 1] in '"\\$`'):
            i += 1
            word += line[i]
        elif char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote = char
        elif not quote and char.isspace():
            if line[start:i]:
                words.append(word)
            word, start = "", i + 1
        else:
            word += char
        i += 1
    return [*words, word, line[start:]]


def typed_for_readline(typed: str, breaks: str) -> str:
    r"""Return what of a word readline takes as done, so that candidates must not repeat it.

    Readline completes from behind an open quote on, else from behind the last of its break characters.

    >>> typed_for_readline("a/b:ker", " :="), typed_for_readline("'a/b:ker", " :=")
    ('a/b:', '')
    """
    if typed[:1] in ("'", '"') and typed.count(typed[0]) == 1:
        return ""
    ends = [i for i, char in enumerate(typed) if char in breaks and typed[i - 1 : i] != "\\"]
    return split_line(typed[: ends[-1] + 1])[-2] if ends else ""


# ------------------------------------------------------------------ what may stand there


def _candidates(before: Sequence[str], current: str) -> tuple[str, Iterable[str]]:
    option = before[-1] if before else ""
    if option in _CHOICES:
        return "words", [word for word in _CHOICES[option] if word.startswith(current)]
    if option == "--allow":
        from weightrepl.readers.guards import STANDARD

        return "words", [f"{name}=" for name in STANDARD.names if name.startswith(current)]
    if option in _WITH_QUERY:
        return "query", _in_query(before, current, layers_only=option in ("-m", "--model"))
    if option not in _WITH_FILE and current.startswith("-"):
        return "words", [word for word in OPTIONS if word.startswith(current)]
    return "files", ()


def _in_query(before: Sequence[str], text: str, layers_only: bool) -> list[str]:
    from weightrepl.errors import WeightreplError
    from weightrepl.frontends.session import Session, split_name

    models = [w for w, previous in zip(before, ["", *before], strict=False) if previous not in _WITH_VALUE]
    with Session() as session:
        try:
            for name, path in (split_name(word) for word in models if not word.startswith("-")):
                session.open(os.path.expanduser(path), name)
            if not layers_only:
                _stand(before, session)
            return _continued(text, session, layers_only)
        except WeightreplError:
            return []


def _stand(before: Sequence[str], session: Session) -> None:
    for option, value in pairwise(before):
        if option in ("-m", "--model"):
            session.go(value)


def _continued(text: str, session: Session, layers_only: bool) -> list[str]:
    """Return texts that go on with `text` by one level; by more where there is but one way on."""
    found = list(_one_level(text, session, layers_only))
    while (
        len(found) == 1 and found[0][-1] in "/:" and (deeper := [*_one_level(found[0], session, layers_only)])
    ):
        found = deeper
    return found


def _one_level(text: str, session: Session, layers_only: bool) -> Iterator[str]:
    """Yield the texts that begin with `text`, each with the mark that leads on."""
    within_name = bool(text) and text[-1] not in "/:,|! "
    for item in _completions(text, session):
        whole = text[: item.span.start] + item.text
        leads_on = within_name and item.text[0] in "/:#"
        if whole.startswith(text) and not leads_on and item.kind not in ("pattern", "operator"):
            yield from _marked(whole, session, layers_only) if item.kind in _LAYERS else (whole,)


def _completions(text: str, session: Session) -> Sequence[Completion]:
    from weightrepl.service.complete import complete

    return complete(text, len(text), session.workspace, location=session.location).items


def _marked(name: str, session: Session, layers_only: bool) -> Iterator[str]:
    marks = {item.text[0] for item in _completions(name, session) if item.span.start == len(name)}
    if "/" in marks:
        yield f"{name}/"
    if layers_only or not marks & {"/", ":"}:
        yield name
    elif ":" in marks:
        yield f"{name}:"
