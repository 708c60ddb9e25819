"""What the rows of a weight are called: a vocabulary, from a file or given, checked for the forms that hold one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from weightrepl.errors import OutputError
from weightrepl.values import Value

GivenLabels: TypeAlias = "str | os.PathLike[str] | Sequence[str]"
"""A file with a label on each line, or the labels themselves."""

_SPECIAL_TOKENS = 2


class Labels(Value):
    """Labels, one for each row. source: the file that they are from; empty where they were given."""

    texts: tuple[str, ...]
    source: str = ""

    def check_number(self, rows: int, address: str) -> None:
        """Raise if there is not one for each of `rows`.

        Raises:
            OutputError: names both numbers.
        """
        count = len(self.texts)
        if count == rows:
            return
        message = f"{self.source or 'labels'}: {count:,} labels for the {rows:,} rows of {address}"
        if abs(count - rows) <= _SPECIAL_TOKENS:
            message += (
                "\n  a vocabulary of Keras's begins with '' (mask) and '[UNK]': is that so on one side only?"
            )
        raise OutputError(message)

    def words(self) -> Iterator[str]:
        """Yield the labels as word2vec's text form holds them: nothing but a space ends one there.

        Raises:
            OutputError: an empty one, or one with white space.
        """
        for i, text in enumerate(self.texts):
            if not text:
                raise OutputError(
                    f"{self._where(i)}: an empty label, which word2vec's form can't hold; .tsv can"
                )
            if any(map(str.isspace, text)):
                raise OutputError(
                    f"{self._where(i)}: white space in {text!r}, which word2vec's form can't hold"
                )
            yield text

    def lines(self) -> Iterator[str]:
        """Yield the labels as TensorBoard's projector reads them, one that is blank in quotes: it skips blank lines.

        Raises:
            OutputError: one with a tab or a line's end.
        """
        for i, text in enumerate(self.texts):
            if any(char in text for char in "\t\r\n"):
                raise OutputError(
                    f"{self._where(i)}: a tab or a line's end in {text!r}: there is one label on a line"
                )
            yield text if text.strip() else f'"{text}"'

    def _where(self, i: int) -> str:
        return f"{self.source}:{i + 1}" if self.source else f"labels[{i}]"


def read_labels(given: GivenLabels) -> Labels:
    """Return the labels of a file, or those given.

    A file is in UTF-8 and may begin with a mark that says so; lines may end in CR LF. An empty line is a label (Keras's
    vocabularies begin with one), but for the last.

    Raises:
        OutputError: the file can't be read, or is not in UTF-8; what is given is no text.
    """
    if not isinstance(given, str | os.PathLike):
        return Labels(tuple(_text(label, f"labels[{i}]") for i, label in enumerate(given)))
    source = os.fspath(given)
    try:
        with open(source, "rb") as file:
            content = file.read()
        lines = [line.removesuffix("\r") for line in content.decode("utf-8-sig").split("\n")]
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise OutputError(f"{source}:{line}: not in UTF-8") from error
    except OSError as error:
        raise OutputError(f"{source}: {error.strerror or error}") from error
    for _ in range(2):  # what is behind the last line's end, and the last line
        if lines and not lines[-1]:
            lines.pop()
    return Labels(tuple(lines), source)


def _text(label: object, where: str) -> str:
    if not isinstance(label, str) or any("\ud800" <= char <= "\udfff" for char in label):
        raise OutputError(f"{where}: {label!r} is no text")
    return label
