"""Vocabularies: how a file is read, and what each form can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from weightrepl.engine.labels import Labels, read_labels
from weightrepl.errors import OutputError


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", ()),
        (b"\n", ()),
        (b"a", ("a",)),
        (b"a\nb\n", ("a", "b")),
        (b"a\nb", ("a", "b")),
        (b"\xef\xbb\xbfa\r\nb\r\n", ("a", "b")),
        (b"\n[UNK]\nthe\n", ("", "[UNK]", "the")),
        (b"\r\na\r\n\r\n", ("", "a")),
        (b"a\n\nb\n\n", ("a", "", "b")),
        (b"a\n\n\n", ("a", "")),
        (" a\u2028b \x0c\n\u00e9\n".encode(), (" a\u2028b \x0c", "\u00e9")),
        (b"a\rb\n", ("a\rb",)),
    ],
)
def test_a_file_has_a_label_on_each_line(content: bytes, texts: tuple[str, ...], tmp_path: Path):
    file = tmp_path / "vocab.txt"
    file.write_bytes(content)
    assert read_labels(file) == read_labels(str(file)) == Labels(texts, str(file))


def test_labels_may_be_given():
    assert read_labels(["a", "", "b c"]) == Labels(("a", "", "b c"))
    for wrong in (b"a", 3, "\ud800"):
        with pytest.raises(OutputError, match=r"^labels\[1\]: .* is no text$"):
            read_labels(["a", wrong])  # type: ignore[list-item]


def test_a_file_that_can_not_be_read_is_named_with_the_line(tmp_path: Path):
    with pytest.raises(OutputError, match=r"no\.txt: No such file or directory$"):
        read_labels(tmp_path / "no.txt")
    (tmp_path / "latin.txt").write_bytes("\ufeffa\nb\n".encode() + b"\xe9\n")
    with pytest.raises(OutputError, match=r"latin\.txt:3: not in UTF-8$"):
        read_labels(tmp_path / "latin.txt")


def test_the_number_must_be_that_of_the_rows():
    labels = Labels(("a",) * 1200, "vocab.txt")
    labels.check_number(1200, "m/e:embeddings")
    with pytest.raises(OutputError) as error:
        labels.check_number(1300, "m/e:embeddings")
    assert str(error.value) == "vocab.txt: 1,200 labels for the 1,300 rows of m/e:embeddings"
    for rows in (1198, 1199, 1201, 1202):
        with pytest.raises(
            OutputError, match=rf"^vocab\.txt: 1,200 labels for the {rows:,} rows .*\n.*'\[UNK\]'"
        ):
            labels.check_number(rows, "m/e:embeddings")
    with pytest.raises(OutputError, match=r"^labels: 0 labels for the 9 rows"):
        Labels(()).check_number(9, "m/e:embeddings")


def test_a_word_holds_no_white_space():
    assert list(Labels(("the", "[UNK]", "\u00e9", "a_b", '"')).words()) == [
        "the",
        "[UNK]",
        "\u00e9",
        "a_b",
        '"',
    ]
    for wrong in ("a b", "a\tb", "\u00a0", "\u2028", "a\r"):
        with pytest.raises(OutputError, match=r"^vocab\.txt:2: white space in "):
            list(Labels(("a", wrong), "vocab.txt").words())
    with pytest.raises(OutputError, match=r"^labels\[0\]: an empty label"):
        list(Labels(("", "a")).words())


def test_a_line_is_never_blank():
    assert list(Labels(("a b", "", " ", "\u00a0", '"')).lines()) == ["a b", '""', '" "', '"\u00a0"', '"']
    for wrong in ("a\tb", "a\r", "\n"):
        with pytest.raises(OutputError, match=r"^vocab\.txt:1: a tab or a line's end in "):
            list(Labels((wrong,), "vocab.txt").lines())
