"""What a reader of files in a package of your own is made of, in one place: docs/reader-plugin.md shows one.

These names stay, and what their docstrings say; what is not here may move.
"""

from __future__ import annotations

from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.model.tensor import (
    Array,
    AxisIndex,
    TensorSource,
    TensorSpec,
    indexed_shape,
    numpy_dtype,
    read_in_pieces,
    take,
)
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.readers.flat_keys import Flat, flat_model
from weightrepl.readers.gathering import gathered
from weightrepl.readers.guards import STANDARD, Limits, Reading, bound, confined, parsed_json
from weightrepl.readers.registry import FileReader
from weightrepl.readers.sources import ByteSource, stem_of

__all__ = [
    "STANDARD",
    "Array",
    "AxisIndex",
    "ByteSource",
    "ChangedError",
    "Content",
    "FileReader",
    "Flat",
    "FormatError",
    "Layer",
    "Limits",
    "Model",
    "Reading",
    "SourceError",
    "TensorSource",
    "TensorSpec",
    "UnsafeFileError",
    "Weight",
    "bound",
    "confined",
    "flat_model",
    "gathered",
    "indexed_shape",
    "numpy_dtype",
    "parsed_json",
    "read_in_pieces",
    "stem_of",
    "take",
]
