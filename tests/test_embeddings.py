"""Embeddings with their vocabulary, as TensorBoard's projector and word2vec's tools read them: both files or none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import weightrepl
from tests.readers.files import write_store
from weightrepl.errors import OutputError
from weightrepl.writers import check

VECTORS = np.random.default_rng(3).normal(size=(5, 3)).astype("f4")
WORDS = ["[PAD]", "[UNK]", "the", "of", "caf\u00e9"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model e.weights.h5 and its vocabulary, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    write_store(
        "e.weights.h5", {"layers/embedding": ("embedding", [VECTORS]), "layers/dense": ("dense", [VECTORS])}
    )
    Path("words.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    Path("keras.txt").write_text("\n" + "\n".join(WORDS[1:]) + "\n", encoding="utf-8")
    return tmp_path


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command's run over the model."""
    command = [sys.executable, "-m", "weightrepl", "e.weights.h5", "-q", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def word2vec(path: str) -> dict[str, np.ndarray]:
    """Read word2vec's text form: how many rows and columns, then words and their values, all between white space."""
    count, size, *items = Path(path).read_text(encoding="utf-8").split()
    rows = [items[i : i + int(size) + 1] for i in range(0, len(items), int(size) + 1)]
    assert len(rows) == int(count)
    return {word: np.array(values, "f4") for word, *values in rows}


def test_word2vecs_form_gives_back_every_bit(folder: Path):
    run = ran("**:embeddings", "-o", "vectors.txt", "--labels", "words.txt")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    read = word2vec("vectors.txt")
    assert list(read) == WORDS
    assert np.stack([*read.values()]).tobytes() == VECTORS.tobytes()
    assert Path("vectors.txt").read_text(encoding="utf-8").splitlines()[0] == "5 3"


def test_the_projector_gets_vectors_and_metadata(folder: Path):
    run = ran("**:embeddings", "-o", "vectors.tsv", "--labels", "keras.txt")
    assert run.returncode == 0
    assert run.stderr == (
        "note[labels-beside]: the labels are in vectors_metadata.tsv, one for each row of vectors.tsv\n"
    )
    assert np.loadtxt("vectors.tsv", "f4", delimiter="\t").tobytes() == VECTORS.tobytes()
    assert Path("vectors_metadata.tsv").read_text(encoding="utf-8").splitlines() == ['""', *WORDS[1:]]


def test_without_labels_there_is_no_metadata(folder: Path):
    assert ran("**:embeddings", "-o", "vectors.tsv").returncode == 0
    assert not Path("vectors_metadata.tsv").exists()


def test_python_takes_a_file_or_the_labels(folder: Path):
    with weightrepl.open("e.weights.h5") as model:
        selection = weightrepl.select(model, "**:embeddings[1:4, :2]")
        selection.save("a.txt", labels=WORDS[1:4])
        selection.save("a.tsv", labels=np.array(WORDS[1:4]))
        Path("some.txt").write_text("x\ny\nz\n")
        selection.save(Path("b.txt"), labels=Path("some.txt"))
        selection.save(Path("b.txt"), labels="some.txt", force=True)
    assert np.stack([*word2vec("a.txt").values()]).tobytes() == VECTORS[1:4, :2].tobytes()
    assert list(word2vec("b.txt")) == ["x", "y", "z"]
    assert Path("a_metadata.tsv").read_text().splitlines() == WORDS[1:4]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("**:embeddings -o v.txt", "v.txt: word2vec's form needs a label for each row: --labels FILE"),
        ("**:embeddings -o v.npz --labels words.txt", "v.npz: labels go to .tsv, for TensorBoard's projector, or .txt"),
        ("**:embeddings --labels words.txt", "--labels is for -o; see weightrepl --help"),
        ("**:embeddings[:3] -o v.tsv --labels words.txt", "words.txt: 5 labels for the 3 rows of e/embedding:embed"),
        ("**:embeddings[:2] -o v.tsv --labels words.txt", "words.txt: 5 labels for the 2 rows of e/"),
        ("**:embeddings -o v.txt --labels keras.txt", "keras.txt:1: an empty label, which word2vec's form can't"),
        ("**:embeddings -o v.txt --labels spaced.txt", "spaced.txt:2: white space in 'b c', which"),
        ("**:embeddings -o v.tsv --labels tabbed.txt", "tabbed.txt:4: a tab or a line's end in 'd\\te'"),
        ("**:embeddings -o v.tsv --labels no.txt", "no.txt: No such file or directory\n"),
        ("**:* -o v.tsv --labels words.txt", "v.tsv: holds exactly one weight, and 2 are selected"),
        ("**:embeddings[0] -o v.tsv --labels words.txt", "e/embedding:embeddings[0] is (3,), and vectors are the rows"),
        ("**:*|group\xa0name -o v.tsv --labels words.txt", "--labels names the rows of a weight, and this result is a"),
        ("**:embeddings -o old.tsv --labels words.txt", "old_metadata.tsv: exists already; --force"),
    ],
)  # fmt: skip
def test_what_does_not_fit_leaves_nothing(arguments: str, told: str, folder: Path):
    Path("spaced.txt").write_text("a\nb c\nd\ne\nf\n")
    Path("tabbed.txt").write_text("a\nb c\nd\nd\te\nf\n")
    Path("old_metadata.tsv").write_text("precious")
    before = sorted(os.listdir())
    run = ran(*(word.replace("\xa0", " ") for word in arguments.split(" ")))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(f"error: {told}")
    assert sorted(os.listdir()) == before
    assert Path("old_metadata.tsv").read_text() == "precious"


def test_force_overwrites_both(folder: Path):
    Path("v.tsv").write_text("old")
    Path("v_metadata.tsv").write_text("old")
    with pytest.raises(OutputError, match=r"v\.tsv: exists already"):
        check("v.tsv", labelled=True)
    check("v.tsv", force=True, labelled=True)
    assert ran("**:embeddings", "-o", "v.tsv", "--labels", "words.txt", "--force").returncode == 0
    assert "old" not in Path("v.tsv").read_text() + Path("v_metadata.tsv").read_text()


@pytest.mark.parametrize("failing", ["v.tsv", "v_metadata.tsv"])
def test_both_files_are_there_or_none(failing: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    replace = os.replace

    def refusing(source: str, target: str) -> None:
        if os.path.basename(target) == failing:
            raise PermissionError(1, "Operation not permitted")
        replace(source, target)

    before = sorted(os.listdir())
    monkeypatch.setattr(os, "replace", refusing)
    with weightrepl.open("e.weights.h5") as model:
        selection = weightrepl.select(model, "**:embeddings")
        with pytest.raises(OutputError, match=r"^v\.tsv: Operation not permitted$"):
            selection.save("v.tsv", labels=WORDS)
    assert sorted(os.listdir()) == before
