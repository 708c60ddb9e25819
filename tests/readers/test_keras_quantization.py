"""What configurations tell of quantised layers."""

from __future__ import annotations

from typing import Any

import pytest

from weightrepl.model.tree import Quantization
from weightrepl.readers.keras_quantization import attention_kernel, recorded

PLAIN = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}
INT4 = {"class_name": "Int4DTypePolicy", "config": {"mode": "int4/128", "source_name": "mixed_float16"}}


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (None, None),
        ("float32", None),
        (PLAIN, None),
        ({"config": 3}, None),
        ("int8_from_float32", ("int8", "float32")),
        ("gptq/4/128_from_mixed_bfloat16", ("gptq/4/128", "bfloat16")),
        (INT4, ("int4/128", "float16")),
    ],
)
def test_policies(dtype: Any, expected: tuple[str, str] | None) -> None:
    told = recorded("Conv2D", {"dtype": dtype}, None)
    assert told == (None if expected is None else Quantization(*expected))


@pytest.mark.parametrize(
    ("class_name", "values", "inputs", "shape"),
    [
        ("Dense", {"units": 4}, [None, 5, 3], (3, 4)),
        ("Dense", {"units": 4}, None, None),
        ("Dense", {"units": "4"}, [None, 3], None),
        ("Embedding", {"input_dim": 7, "output_dim": 5}, None, (7, 5)),
        ("ReversibleEmbedding", {"input_dim": 7, "output_dim": 0}, None, None),
        ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [None, 3, 4]}, [None, 5, 2], (2, 3, 4)),
        ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 4}, [None, 5, 2], (2, 4)),
        ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": [4, 9]}, [None, 2, 9], (2, 4)),
        ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [None, None, 4]}, [None, 5, 2], None),
        ("EinsumDense", {"equation": "abc", "output_shape": [4]}, [None, 5, 2], None),
        ("EinsumDense", {"equation": 3, "output_shape": [4]}, [None, 5, 2], None),
    ],
)
def test_shapes(class_name: str, values: Any, inputs: Any, shape: tuple[int, ...] | None) -> None:
    told = recorded(class_name, {**values, "dtype": INT4}, inputs)
    assert told is not None
    assert told.shape == shape


def test_attention() -> None:
    """Its projections may be quantised where its own policy says nothing of it."""
    grouped = {"num_query_heads": 6, "num_key_value_heads": 2, "head_dim": 5, "dtype": PLAIN}
    shapes = {
        attribute: recorded(
            "EinsumDense", attention_kernel("GroupedQueryAttention", attribute, grouped), None
        )
        for attribute in ("_query_dense", "_key_dense", "_value_dense", "_output_dense")
    }
    assert shapes == {
        "_query_dense": Quantization(None, "bfloat16", (None, 6, 5)),
        "_key_dense": Quantization(None, "bfloat16", (None, 2, 5)),
        "_value_dense": Quantization(None, "bfloat16", (None, 2, 5)),
        "_output_dense": Quantization(None, "bfloat16", (6, 5, None)),
    }
    assert attention_kernel("MultiHeadAttention", "_query_dense", {"num_heads": "2", "key_dim": 3}) == {}
    assert attention_kernel("LSTM", "_output_dense", {"num_heads": 2, "key_dim": 3}) == {}
