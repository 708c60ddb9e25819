"""The oracle of a case: what was in the model when it was saved, and what lies where in its files.

root_name, root_class   of the outermost layer; its name is the first of every layer_path
built                   false: the model has no weights yet, or not all
versions                of the libraries that made it
layers                  every layer on every way, parents first: {"path": names from the root, "class",
                        "attr_path": attributes, keys and indices that lead to it, "built"}
weights                 a row for every address; a shared variable has several, of one var_id: {"layer_path",
                        "name", "index": among its owner's, "owner_class", "attr_path", "var_id",
                        "kind": weight|seed|optimizer, "keras_path": the name that the library has for it,
                        "shape", "dtype", "trainable", "sha256": of the bytes in C order, little-endian}, and
                        "ordinal" (from 0) where layer_path and name are those of another row too
sha_collisions          the var_ids of variables with the values of another
files                   by format: {"path", "keys": {key in the file: var_id}, "missing": var_ids that are not
                        in that file, "note"}, or {"error"}; the var_id of a tensor that equals no variable (of
                        merged LoRA, a counter of steps) is null, of one that equals several a list
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo_maker.cases import Case
from tests.zoo_maker.stored import Stored
from tests.zoo_maker.values import digest
from tests.zoo_maker.walk import Row, Walk

Ids = dict[str, set[int]]


def weight_row(row: Row, array: Any, dtype: str, trainable: bool) -> Row:
    """Return the row of a weight, complete with what its variable says and holds."""
    array = np.asarray(array)
    facts = {"shape": list(array.shape), "dtype": dtype, "trainable": trainable, "sha256": digest(array)}
    return {**row, **facts}


def model_facts(model: Any, walk: Walk, weights: list[Row]) -> Row:
    """Return what the oracle has of a model of Keras."""
    root = {"root_name": model.name, "root_class": type(model).__name__, "built": bool(model.built)}
    return {**root, "layers": walk.layers, "weights": weights}


def written(
    case: Case, writers: Mapping[str, Callable[[Any, Path], Stored]], model: Any, folder: Path
) -> Row:
    """Write the model in each format of the case; return what lies in the files, or why there is none."""
    files: dict[str, Any] = {}
    for name in case.formats.split():
        try:
            files[name] = writers[name](model, folder)
        except Exception as error:
            files[name] = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
            if name not in case.refused.split():
                print(f"  !! {case.folder}/{name}: {files[name]['error']}", file=sys.stderr)
        else:
            if name in case.refused.split():
                print(f"  !! {case.folder}/{name}: was to be refused", file=sys.stderr)
    return files


def write(folder: Path, case: Case, libraries: Iterable[Any], facts: Row, files: Mapping[str, Any]) -> None:
    """Write the oracle of a case into its folder, with the versions of the libraries that made it."""
    versions = {library.__name__: library.__version__ for library in libraries}
    oracle = {"schema": 1, "part": case.part, "name": case.name, "notes": case.notes, "versions": versions}
    oracle |= {"root_name": "", "root_class": "", "built": True, "layers": [], **facts}
    ids = ids_by_digest(number_alike(facts["weights"]))
    oracle["files"] = {name: file_row(file, ids) for name, file in files.items()}
    if alike := sorted(each for group in ids.values() if len(group) > 1 for each in group):
        oracle["sha_collisions"] = alike
    (folder / "oracle.json").write_text(json.dumps(oracle, indent=1) + "\n", encoding="utf-8")
    variables = {each for group in ids.values() for each in group}
    print(f"{case.folder}: {len(facts['weights'])} addresses, {len(variables)} variables")


def number_alike(weights: list[Row]) -> list[Row]:
    """Number the rows that have their path and name in common with others."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in weights:
        groups.setdefault((*row["layer_path"], row["name"]), []).append(row)
    for group in groups.values():
        for ordinal, row in enumerate(group if len(group) > 1 else ()):
            row["ordinal"] = ordinal
    return weights


def ids_by_digest(weights: list[Row]) -> Ids:
    """Return which variables have the values of each digest."""
    ids: Ids = {}
    for row in weights:
        ids.setdefault(row["sha256"], set()).add(row["var_id"])
    return ids


def file_row(file: Stored | Row, ids: Ids) -> Row:
    """Return what the oracle has of one file: under which key it holds which variable, and which it does not."""
    if not isinstance(file, Stored):
        return file
    if file.digests is None:
        return {"path": file.path, **file.more}
    held = {key: sorted(ids.get(each, ())) for key, each in file.digests.items()}
    keys = {key: found[0] if len(found) == 1 else found or None for key, found in held.items()}
    missing = set().union(*ids.values()).difference(*held.values())
    return {"path": file.path, **file.more, "keys": keys, "missing": sorted(missing)}
