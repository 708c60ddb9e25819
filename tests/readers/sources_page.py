"""What is read of each format, measured on the zoo and written as `tests/SOURCES.md`.

`make sources` (`python -m tests.readers.sources_page`) writes the page anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from tests.readers.files import ZOO
from tests.readers.zoo_files import Met, Range, ZooFile, files

PAGE = ZOO.parent / "SOURCES.md"
HEADINGS = {
    "keras3": "Keras 3",
    "tf_keras": "Keras 2 (tf_keras)",
    "tf": "TensorFlow",
    "flat": "Arrays under flat keys",
}
FORMATS = {
    ("keras3", "keras"): "`.keras`",
    ("keras3", "dir"): "`.keras`, unpacked",
    ("keras3", "weights"): "`.weights.h5`",
    ("keras3", "sharded"): "`.weights.json` and its shards",
    ("keras3", "h5"): "`.h5`",
    ("keras3", "saved_model"): "SavedModel, `tf.saved_model.save`",
    ("keras3", "export"): "SavedModel, `model.export`",
    ("keras3", "ckpt"): "`tf.train.Checkpoint(model=…)`",
    ("tf_keras", "keras"): "`.keras`",
    ("tf_keras", "weights"): "`.weights.h5`",
    ("tf_keras", "h5"): "`.h5`",
    ("tf_keras", "weights_h5"): "`.h5`, weights alone",
    ("tf_keras", "saved_model"): "SavedModel, `model.save`",
    ("tf_keras", "export"): "SavedModel, `model.export`",
    ("tf_keras", "weights_tf"): "checkpoint, `model.save_weights`",
    ("tf_keras", "ckpt"): "`tf.train.Checkpoint(model=…)`",
    ("tf", "saved_model"): "SavedModel of a `tf.Module`",
    ("tf", "ckpt"): "`tf.train.Checkpoint` of a `tf.Module`",
    ("tf", "ckpt_root"): "the same, `root=…`",
    ("tf", "v2"): "`tf.compat.v1.train.Saver`",
    ("tf", "v2_sharded"): "the same, a file for each device",
    ("tf", "v1"): "the same, first version",
    ("tf", "bundle"): "a checkpoint of all dtypes, in three files",
    ("flat", "npz"): "`.npz`",
    ("flat", "safetensors"): "`.safetensors`",
}
"""What wrote a file, and as what -> how the page calls it."""

_UNRECORDED = "not recorded"
_OWN = "unknown in classes of one's own"
_ATTRIBUTES = "attributes, where no variable's name tells"
WHY = {
    ("keras3", "keras", "roles"): _OWN,
    ("keras3", "keras", "trainable"): _OWN,
    ("keras3", "weights", "roles"): "classes are not recorded",
    ("keras3", "weights", "trainable"): _UNRECORDED,
    ("keras3", "sharded", "roles"): "classes are not recorded",
    ("keras3", "sharded", "trainable"): _UNRECORDED,
    ("keras3", "h5", "trainable"): _OWN,
    ("keras3", "ckpt", "names"): _ATTRIBUTES,
    ("keras3", "ckpt", "trainable"): _UNRECORDED,
    ("tf_keras", "keras", "names"): "attributes, in classes of one's own",
    ("tf_keras", "keras", "trainable"): _OWN,
    ("tf_keras", "weights", "names"): "classes and numbers are recorded, names are not",
    ("tf_keras", "weights", "trainable"): _UNRECORDED,
    ("tf_keras", "weights", "optimizer"): "which slot is which is not recorded",
    ("tf_keras", "weights_h5", "names"): "the layer within a TimeDistributed is not recorded",
    ("tf_keras", "weights_h5", "trainable"): _UNRECORDED,
    ("tf_keras", "weights_tf", "names"): _ATTRIBUTES,
    ("tf_keras", "weights_tf", "trainable"): _UNRECORDED,
    ("tf_keras", "ckpt", "names"): _ATTRIBUTES,
    ("tf_keras", "ckpt", "trainable"): _UNRECORDED,
    **{("tf", kind, "trainable"): _UNRECORDED for kind in ("ckpt", "ckpt_root", "v2", "v2_sharded", "v1", "bundle")},
    ("tf", "v1", "lazy"): "values stand among the keys",
    ("tf", "v1", "slices"): "a tensor is one record, packed",
    ("flat", "npz", "trainable"): _UNRECORDED,
    ("flat", "safetensors", "trainable"): _UNRECORDED,
}  # fmt: skip
"""Format and column -> why not all of it is there."""

Measure = Callable[[Sequence[ZooFile]], "tuple[int, int]"]
"""How many of how many have a feature."""


def format_of(file: ZooFile) -> tuple[str, str]:
    return ("flat" if file.kind in ("npz", "safetensors") else file.part, file.kind)


# ------------------------------------------------------------------ measures


def _network(some: Sequence[ZooFile]) -> list[Met]:
    return [met for file in some for met in file.network]


def names(some: Sequence[ZooFile]) -> tuple[int, int]:
    """Layers are called as in the live model, from below the root on."""
    met = _network(some)
    return sum(each.is_named for each in met), len(met)


def roles(some: Sequence[ZooFile]) -> tuple[int, int]:
    """A weight is called as in the live model."""
    met = _network(some)
    return sum(each.has_role for each in met), len(met)


def shapes(some: Sequence[ZooFile]) -> tuple[int, int]:
    """Shape and dtype are those of the live variable."""
    specs = [(each.row.weight.spec, each.live[0]) for each in _network(some)]
    right = [(spec.shape, spec.dtype) == (tuple(live["shape"]), live["dtype"]) for spec, live in specs]
    return sum(right), len(right)


def values(some: Sequence[ZooFile]) -> tuple[int, int]:
    """The bytes are those of the live variable."""
    met = _network(some)
    return sum(each.digest == each.live[0]["sha256"] for each in met), len(met)


def trainable(some: Sequence[ZooFile]) -> tuple[int, int]:
    """Whether a weight is trainable is told, and right."""
    met = _network(some)
    return sum(each.row.weight.trainable is each.live[0]["trainable"] for each in met), len(met)


def shared(some: Sequence[ZooFile]) -> tuple[int, int]:
    """A variable that the live model has in several places is met in as many."""
    found = total = 0
    for file in some:
        places = Counter(each.live[0]["var_id"] for each in file.network)
        several = {n for n, rows in file.live.items() if len(rows) > 1 and rows[0]["kind"] == "weight"}
        stored = several & {n for n in file.keys.values() if n is not None}
        found += sum(places[n] == len(file.live[n]) for n in stored)
        total += len(stored)
    return found, total


def optimizer(some: Sequence[ZooFile]) -> tuple[int, int]:
    """What an optimizer keeps hangs under `.optimizer`: below the slot's name and the weight's address."""
    met = [each for file in some for each in file.met if each.live and each.live[0]["kind"] == "optimizer"]
    return sum(_is_in_its_slot(each) for each in met), len(met)


KERAS_2 = {"m": "momentum", "v": "velocity"}
"""How its optimizer calls a slot -> how its attribute is called, and Keras 3's slot."""


def _is_in_its_slot(met: Met) -> bool:
    path, name = met.row.path, met.row.weight.name
    if path[1] != ".optimizer":
        return False
    parts = [*path[2:], name] if len(path) > 2 else [name.removesuffix("s")]
    words = Counter(KERAS_2.get(word, word) for word in re.split("[/_:]", met.live[0]["keras_path"]))
    return not Counter(KERAS_2.get(word, word) for part in parts for word in part.split("_")) - words


def lazy(some: Sequence[ZooFile]) -> tuple[int, int]:
    """Listing reads no weight's values."""
    good = [_lists_without_values(file) for file in some]
    return sum(good), len(good)


def _lists_without_values(file: ZooFile) -> bool:
    met, listed = file.opened
    there = [each for each in met if each.row.weight.spec.size and each.digest]
    return all(each.read for each in there) and not any(
        of == own and begin <= start < end <= stop
        for of, start, end in listed
        for each in there
        for own, begin, stop in each.read
    )


def slices(some: Sequence[ZooFile]) -> tuple[int, int]:
    """Reading a weight's first row reads no more than that, and a few bytes."""
    met = [each for each in _network(some) if each.row_read is not None]
    return sum(map(_is_read_in_rows, met)), len(met)


FEW_NBYTES = 8


def _is_read_in_rows(met: Met) -> bool:
    rows = (met.row.weight.spec.shape or (1,))[0]
    row = _read(met.row_read or ())
    return 0 < row <= _read(met.read) / rows + FEW_NBYTES


def _read(ranges: Sequence[Range]) -> int:
    return sum(end - start for _, start, end in ranges)


MEASURES: dict[str, Measure] = {
    "names": names, "roles": roles, "shapes": shapes, "values": values, "trainable": trainable, "shared": shared,
    "optimizer": optimizer, "lazy": lazy, "slices": slices,
}  # fmt: skip


# ------------------------------------------------------------------ the page

HEAD = """\
# What is read of each format

Measured on the models of `tests/zoo`, each saved in every format that takes it: what opening a file finds, beside what
the live model had when it was saved. `make sources` writes this page anew, and `tests/readers/test_zoo_all.py` fails
where it is no longer true. A cell says `yes`, or of how many weights it is so and why not of the others; `–` where no
model of the zoo has such. Where layers are not called as in the live model, they have names that the file gives in
place of theirs, of attributes or classes, and never those of other layers.

| column | `yes` |
| --- | --- |
"""


def page() -> str:
    """Return the text of the page, measured now.

    Raises:
        LookupError: a reason is missing, or stands for what is there.
    """
    lines = [HEAD.rstrip("\n")]
    lines += [f"| {name} | {str(measure.__doc__).rstrip('.')} |" for name, measure in MEASURES.items()]
    left = dict(WHY)
    for part, heading in HEADINGS.items():
        lines += ["", f"## {heading}", "", f"| saved as | weights | {' | '.join(MEASURES)} |"]
        lines.append(f"| --- | ---: |{' --- |' * len(MEASURES)}")
        lines += [_row(each, left) for each in FORMATS if each[0] == part]
    if left:
        raise LookupError(f"nothing is missing there: {left}")
    return "\n".join(lines) + "\n"


def _row(of: tuple[str, str], left: dict[tuple[str, str, str], str]) -> str:
    some = [file for file in files() if format_of(file) == of]
    cells = [_cell(*measure(some), (*of, name), left) for name, measure in MEASURES.items()]
    return f"| {FORMATS[of]} | {len(_network(some))} | {' | '.join(cells)} |"


def _cell(have: int, total: int, of: tuple[str, str, str], left: dict[tuple[str, str, str], str]) -> str:
    if have == total:
        return "yes" if total else "–"
    if of not in left:
        raise LookupError(f"only {have} of {total}, and no reason: {of}")
    return f"{f'{have} of {total}' if have else 'no'}: {left.pop(of)}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
