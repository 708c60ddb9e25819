"""`dequantize` against the floats that Keras computes with: of files, of live models, of odd layouts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import weightrepl
from tests import quantized_models, trees
from weightrepl.engine.evaluate import evaluate
from weightrepl.errors import FormatError
from weightrepl.model.tensor import TensorSpec, numpy_dtype
from weightrepl.model.tree import Content, Layer, Model, Quantization, Weight

FOLDER = quantized_models.FOLDER
SAVED = ("int8", "int4", "int4_channels", "float8", "bfloat16")


def by_keras(mode: str) -> dict[str, np.ndarray]:
    """Return the floats that Keras computed, by address below the model."""
    with np.load(FOLDER / f"{mode}.npz") as written:
        return dict(written)


def dequantized(model: Any, query: str = "**:*") -> dict[str, Any]:
    """Return what the stage gives, by address below the model."""
    found = weightrepl.select(model, f"{query} | dequantize")
    return {weight.address.partition("/")[2]: weight for weight in found}


def notes(model: Any, query: str = "**:*") -> list[str]:
    """Return what the stage tells."""
    return [note.message for note in weightrepl.select(model, f"{query} | dequantize").notes]


@pytest.mark.parametrize("mode", SAVED)
def test_archives_give_bit_for_bit_what_keras_computes_with(mode: str) -> None:
    with weightrepl.open(FOLDER / f"{mode}.keras") as model:
        weights = dequantized(model)
        for address, floats in by_keras(mode).items():
            assert weights[address].dtype == ("float32" if mode != "bfloat16" or "words" in address else mode)
            assert weights[address].shape == floats.shape
            np.testing.assert_array_equal(weights[address].numpy().astype("f4"), floats, err_msg=address)
        assert notes(model) == []


def test_archives_of_before_are_unpacked_along_their_first_axis() -> None:
    with weightrepl.open(FOLDER / "int4_3_13.keras") as model:
        weights = dequantized(model)
        for address, floats in by_keras("int4_3_13").items():
            if not address.startswith("attention"):
                assert weights[address].shape == floats.shape
                np.testing.assert_allclose(weights[address].numpy(), floats, rtol=1e-6, err_msg=address)
        (note,) = notes(model)
        assert note.startswith(
            "'int4_3_13/attention/query:kernel' is left as it is stored: the source does not"
        )
    with weightrepl.open(FOLDER / "gptq_3_13.keras") as model:
        weights = dequantized(model)
        for address, floats in by_keras("gptq_3_13").items():
            np.testing.assert_array_equal(weights[address].numpy(), floats, err_msg=address)
        assert notes(model) == []


@pytest.mark.tensorflow
@pytest.mark.parametrize("mode", quantized_models.MODES)
def test_live_models_give_bit_for_bit_what_keras_computes_with(mode: str) -> None:
    """Saved ones have the same names and schemes."""
    pytest.importorskip("keras")
    made = quantized_models.model(mode)
    with weightrepl.open(made) as model, weightrepl.open(FOLDER / f"{mode}.keras") as saved:
        weights = dequantized(model)
        for address, floats in quantized_models.floats(made):
            given = weights[address].numpy()
            assert given.dtype == floats.dtype
            np.testing.assert_array_equal(given.astype("f8"), floats.astype("f8"), err_msg=address)
        assert notes(model) == []
        columns = ["address", "scheme", "scale"]
        ours, theirs = (set(weightrepl.select(m, "**:*").table(columns).rows) for m in (model, saved))
        unsaved = {row for row in ours if row[0].endswith((":kernel_zero", ":zero_point"))}
        assert ours - (unsaved if mode in ("gptq", "awq") else set()) == theirs


# -- files that record no configuration -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", SAVED)
def test_bare_weights_have_the_names_of_the_archive(mode: str) -> None:
    with (
        weightrepl.open(FOLDER / f"{mode}.keras") as one,
        weightrepl.open(FOLDER / f"{mode}.weights.h5") as two,
    ):
        assert weightrepl.select(one, "**:*").addresses == weightrepl.select(two, "**:*").addresses


def test_bare_int8_is_taken_for_what_it_is_and_that_is_told() -> None:
    with weightrepl.open(FOLDER / "int8.weights.h5") as model:
        weights = dequantized(model)
        for address, floats in by_keras("int8").items():
            np.testing.assert_array_equal(weights[address].numpy(), floats)
        (note,) = notes(model)
        assert note == (
            "'int8/embed:embeddings' is taken for int8, as is usual: the file does not record whether it is int8 "
            "or int4 (and 12 more like it)"
        )
        unknown = weightrepl.select(model, "**:*").table(["name", "scheme"]).rows
        assert {name for name, scheme in unknown if scheme is None} == {
            "embeddings",
            "reverse_embeddings",
            "kernel",
        }


def test_bare_int4_is_unpacked_but_keeps_the_axes_of_its_matrices() -> None:
    with weightrepl.open(FOLDER / "int4.weights.h5") as model:
        weights = dequantized(model)
        for address, floats in by_keras("int4").items():
            np.testing.assert_array_equal(weights[address].numpy().reshape(-1), floats.reshape(-1))
        (note,) = notes(model)
        assert "has the two axes in which it is packed" in note
        assert (weights["odd:kernel"].shape, weights["split:kernel"].shape) == ((11, 9), (7, 15))


def test_bare_int4_with_one_scale_for_each_row_is_left_alone() -> None:
    """Nothing tells whether the embeddings have seven or eight columns."""
    with weightrepl.open(FOLDER / "int4_channels.weights.h5") as model:
        weights, told = dequantized(model), notes(model)
        assert weights["embed:embeddings"].dtype == "int8"
        np.testing.assert_array_equal(weights["one:kernel"].numpy(), by_keras("int4_channels")["one:kernel"])
        assert told[0].startswith(
            "'int4_channels/embed:embeddings' is left as it is stored: the source does not"
        )
        assert "'int4_channels/one:kernel' is taken for int4, as others here are" in told[2]


def test_bare_bfloat16_is_computed_in_the_dtype_of_its_scales() -> None:
    with weightrepl.open(FOLDER / "bfloat16.weights.h5") as model:
        kernel = dequantized(model, "odd")["odd:kernel"]
        assert kernel.dtype == "float32"
        np.testing.assert_allclose(kernel.numpy(), by_keras("bfloat16")["odd:kernel"], rtol=0.01)


@pytest.mark.parametrize("mode", ["gptq", "awq"])
def test_zero_points_that_were_not_saved_are_missed(mode: str) -> None:
    with weightrepl.open(FOLDER / f"{mode}.keras") as model:
        assert dequantized(model)["odd:kernel"].dtype == "uint8"
        assert "there are no zero points beside it" in notes(model)[0]
        assert "(and 4 more like it)" in notes(model)[0]


# -- layouts ----------------------------------------------------------------------------------------------------------


def layer(quantization: Quantization | None = None, class_name: str = "Dense", **arrays: Any) -> Any:
    """Return the workspace of one layer `m/a` with weights of these names and values."""
    weights = tuple(
        Weight(name.rstrip("_"), TensorSpec(array.shape, array.dtype.name), trees.ArraySource(array))
        for name, array in arrays.items()
    )
    made = Layer("a", Content(weights), class_name=class_name, quantization=quantization)
    return trees.workspace(Model(Layer("m", Content((), (made,))), ("m",)))


def floats_of(workspace: Any, weight: str = "kernel") -> Any:
    return evaluate(f"a:{weight} | dequantize", workspace).one()


def told(workspace: Any, query: str = "a:kernel") -> str:
    return "\n".join(note.message for note in evaluate(f"{query} | dequantize", workspace).notes)


def grouped(rows: int = 5, columns: int = 7, size: int = 2) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the weights of a grouped int4 kernel, and its floats as NumPy computes them."""
    drawn = np.random.default_rng(5)
    numbers = drawn.integers(-8, 8, (rows, columns))
    groups = np.arange(rows) // size
    scale = drawn.uniform(0.1, 1, (groups[-1] + 1, columns)).astype("f4")
    zero = drawn.integers(-8, 8, scale.shape).astype("i1")
    floats = (numbers.astype("f4") - zero[groups]) * scale[groups]
    even = np.pad(numbers, ((0, 0), (0, columns % 2))) & 15
    packed = (even[:, ::2] | even[:, 1::2] << 4).astype("u1").view("i1")
    return {
        "kernel": packed,
        "kernel_scale": scale,
        "kernel_zero": zero,
        "g_idx": groups.astype("f4"),
    }, floats


INDICES = [
    (2, 3),
    (slice(0, 5, 1), 6),
    (slice(1, 4, 2), slice(0, 7, 3)),
    (slice(4, None, -2), slice(6, None, -1)),
    ((4, 0, 0), slice(2, 5, 1)),
    (1, (6, 2, 2)),
    (slice(0, 0, 1), slice(0, 7, 1)),
    (slice(0, 5, 1), slice(0, 0, 1)),
    (),
]


def turned() -> tuple[Any, np.ndarray]:
    """Return a layer of GPTQ with 3 bits, AWQ's scales and all, and its floats."""
    drawn = np.random.default_rng(6)
    numbers, groups = drawn.integers(0, 8, (7, 5)).astype("u1"), np.array([0, 1, 1, 0, 1])
    scale, zero = drawn.uniform(0.1, 1, (7, 2)).astype("f4"), drawn.integers(0, 8, (7, 2)).astype("u1")
    inputs = drawn.uniform(0.5, 2, 5).astype("f4")
    parts = {"kernel": numbers, "kernel_scale": scale, "kernel_zero": zero, "g_idx": groups.astype("f4")}
    floats = ((numbers - zero[:, groups].astype("f4")) * scale[:, groups]).T / inputs[:, None]
    return layer(**parts, awq_scales=inputs), floats


def per_channel() -> tuple[Any, np.ndarray]:
    numbers = np.arange(35, dtype="i1").reshape(5, 7)
    scale = np.linspace(1, 2, 7, dtype="f4")
    return layer(kernel=numbers, kernel_scale=scale), numbers / scale


def float8() -> tuple[Any, np.ndarray]:
    kernel = np.linspace(-1, 1, 35, dtype="f4").reshape(5, 7)
    scale = np.float32(0.001)
    history = {"kernel_scale": np.array(scale), "kernel_amax_history": np.zeros(3, "f4")}
    rounded = np.clip(kernel / scale, -448, 448).astype(numpy_dtype("float8_e4m3fn")).astype("f4") * scale
    return layer(kernel=kernel, **history), rounded


def layouts() -> Iterator[Any]:
    parts, floats = grouped()
    yield pytest.param(layer(**parts), floats, id="grouped")
    yield pytest.param(*turned(), id="turned")
    yield pytest.param(*per_channel(), id="per channel")
    yield pytest.param(*float8(), id="float8")


@pytest.mark.parametrize(("workspace", "floats"), [*layouts()])
def test_any_part_can_be_read(workspace: Any, floats: np.ndarray) -> None:
    weight = floats_of(workspace)
    tensor = weight._site.tensor
    np.testing.assert_array_equal(weight.numpy(), floats)
    for index in INDICES:
        given = tensor.read(index)
        assert isinstance(given, np.ndarray)
        np.testing.assert_array_equal(given, trees.take(floats, index), err_msg=str(index))
    for nbytes in (1, 16, 40, 1000):
        blocks = list(tensor.blocks(nbytes))
        assert max(block.nbytes for block in blocks) <= max(4, nbytes)
        np.testing.assert_array_equal(np.concatenate(blocks), floats.reshape(-1))


def test_a_kernel_of_three_axes_is_packed_as_a_matrix() -> None:
    parts, floats = grouped(6, 5)
    weight = floats_of(layer(Quantization("int4/2", "float32", (2, None, 5)), "EinsumDense", **parts))
    np.testing.assert_array_equal(weight.numpy(), floats.reshape(2, 3, 5))
    np.testing.assert_array_equal(weight[1, :, 2:], floats.reshape(2, 3, 5)[1, :, 2:])
    np.testing.assert_array_equal(np.concatenate(list(weight._site.tensor.blocks(8))), floats.reshape(-1))
    wrong = layer(Quantization("int4/2", "float32", (7, 5)), "EinsumDense", **parts)
    assert "has the two axes in which it is packed" in told(wrong)


def test_only_the_bytes_that_are_needed_are_read() -> None:
    workspace = layer(**grouped()[0])
    weight = floats_of(workspace)
    source = weight._site.weight.tensor
    assert source.reads == []
    weight[2, 3:5]
    assert source.reads == [(slice(2, 3, 1), slice(1, 3, 1))]


def test_a_slice_of_whole_bytes_is_one_of_the_floats() -> None:
    workspace, floats = per_channel()
    np.testing.assert_array_equal(floats_of(workspace, "kernel[1:, [6, 0]]").numpy(), floats[1:, [6, 0]])
    packed = layer(**grouped()[0])
    assert "the slice is one of packed numbers; dequantise it whole" in told(packed, "a:kernel[0]")


def test_an_update_that_is_not_merged_is_told() -> None:
    update = {"lora_kernel_a": np.ones((5, 2), "f4"), "lora_kernel_b": np.ones((2, 7), "f4")}
    workspace = layer(**grouped()[0], **update)
    assert told(workspace) == "'m/a:kernel' is without the LoRA update that its layer adds"
    assert told(workspace, "a:*") == told(workspace)


def test_what_was_dequantised_is_not_quantised_any_more() -> None:
    workspace, floats = per_channel()
    twice = evaluate("a:kernel | dequantize | dequantize", workspace)
    np.testing.assert_array_equal(twice.one().numpy(), floats)
    assert [note.code for note in twice.notes] == ["dequantized-so", "not-quantised"]
    assert told(workspace, "a:kernel_scale") == "nothing here is quantised: all is as it was"
    assert told(workspace, "a:none*") == "no weight matches 'none*'"


def test_keras_of_old_packed_the_first_axis() -> None:
    numbers = np.arange(-8, 7).reshape(5, 3)
    even = np.pad(numbers, ((0, 1), (0, 0))) & 15
    packed = (even[::2] | even[1::2] << 4).astype("u1").view("i1")
    scale = np.array([1, 2, 4], "f4")
    known = Quantization("int4", "float32", (5, 3))
    np.testing.assert_array_equal(
        floats_of(layer(known, kernel=packed, kernel_scale=scale)).numpy(), numbers / scale
    )
    one = layer(Quantization("int4", "float32", (5, 1)), kernel=packed[:, :1], kernel_scale=scale[:1])
    np.testing.assert_array_equal(floats_of(one).numpy(), numbers[:, :1])
    for shape in (None, (9, 3)):
        unknown = layer(Quantization("int4", "float32", shape), kernel=packed, kernel_scale=scale)
        assert "does not record the shape that it had" in told(unknown)


def test_the_rows_of_reversed_embeddings_are_packed() -> None:
    numbers = np.arange(-8, 7).reshape(5, 3)
    even = np.pad(numbers, ((0, 1), (0, 0))) & 15
    packed = (even[::2] | even[1::2] << 4).astype("u1").view("i1")
    known = Quantization("int4/-1", "float32", (3, 5))
    scale = np.array([1, 2, 4], "f4")
    workspace = layer(known, reverse_embeddings=packed, reverse_embeddings_scale=scale)
    np.testing.assert_array_equal(floats_of(workspace, "reverse_embeddings").numpy(), numbers / scale)


def test_the_equation_tells_what_is_scaled() -> None:
    numbers, scale = np.arange(8, dtype="i1").reshape(2, 2, 2), np.array([[[1, 2], [4, 8]]], "f4")
    wanted = {
        "abc,cde->ade": numbers / scale[0],
        "abc,cde->aed": numbers / scale[0].T,
        "abc,dec->ade": numbers / scale[0][:, :, None],
        "...c,cde->...de": numbers / scale[0],
    }
    for equation, floats in wanted.items():
        known = layer(Quantization("int8", "float32", None, equation), kernel=numbers, kernel_scale=scale)
        np.testing.assert_array_equal(floats_of(known).numpy(), floats, err_msg=equation)
    unknown = layer(kernel=numbers, kernel_scale=scale)
    np.testing.assert_array_equal(floats_of(unknown).numpy(), numbers / scale)
    assert "has axes of one size, and is scaled along the last of them" in told(unknown)
    sure = layer(kernel=np.zeros((2, 1, 3), "i1"), kernel_scale=np.ones((1, 1, 3), "f4"))
    assert "has axes of one size" not in told(sure)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kernel_scale": np.ones((3, 6), "f4")}, "do not fit each other"),
        (
            {"kernel_scale": np.ones((3, 9), "f4"), "kernel_zero": np.ones((3, 9), "i1")},
            "do not fit each other",
        ),
        ({"g_idx": None}, "do not fit each other"),
        ({"g_idx": np.zeros((5, 1), "f4")}, "do not fit each other"),
        ({"kernel_zero": np.full((3, 7), "a", object)}, "do not fit each other"),
        ({"kernel_zero": None}, "its shape (5, 4) does not fit that of its scales, (3, 7)"),
        ({"kernel_scale": np.ones(3, "f4"), "kernel_zero": None}, "does not record the shape"),
    ],
)
def test_what_does_not_fit_is_left_alone(changed: dict[str, Any], reason: str) -> None:
    parts = {name: array for name, array in (grouped()[0] | changed).items() if array is not None}
    assert reason in told(layer(**parts))


def test_shapes_that_no_layer_has_are_left_alone() -> None:
    many = {"kernel": np.zeros((1,) * 12, "i1"), "kernel_scale": np.ones((1,) * 12, "f4")}
    assert "does not fit that of its scales" in told(layer(**many))
    for equation in ("abc,cde->abcdefgh", "abc,dde->abd", "abc,cd->abd", "nonsense"):
        known = Quantization("int8", "float32", None, equation)
        odd = layer(known, kernel=np.zeros((2, 2, 2), "i1"), kernel_scale=np.ones((1, 2, 2), "f4"))
        assert "does not fit that of its scales" in told(odd), equation
    history = {"kernel_scale": np.ones(7, "f4"), "kernel_amax_history": np.zeros(3, "f4")}
    assert "one is all that float8 has" in told(layer(kernel=np.ones((5, 7), "f4"), **history))
    words = layer(kernel=np.zeros((2, 3), "i1"), kernel_scale=np.full(3, "a", object))
    assert evaluate("a:kernel | show scheme", words).table().rows == (("",),)


def test_a_group_without_scales_is_a_fault_of_the_file() -> None:
    parts, _floats = grouped()
    for group in (3, -1, np.nan):
        workspace = layer(**parts | {"g_idx": np.array([0, 1, 2, group, 0], "f4")})
        with pytest.raises(FormatError, match="names a group that is not there: there are 3"):
            floats_of(workspace).numpy()


def test_a_layer_that_was_not_calibrated_computes_with_its_floats() -> None:
    parts, _floats = grouped()
    kernel = parts["kernel"].view("u1").T
    both = layer(kernel=np.ones((5, 7), "f4"), kernel_=kernel, kernel_scale=np.ones((7, 1), "f4"))
    assert evaluate("a:kernel#* | show scheme, scale", both).table().rows == (("", ""), ("", ""))


def test_unknown_shapes_are_told() -> None:
    workspace, _floats = per_channel()
    place = workspace.models[0].place.children[0]
    (weight, scale) = place.layer.weights
    weights = (Weight(weight.name, TensorSpec(None, "int8"), weight.tensor), scale)
    model = Model(Layer("m", Content((), (Layer("a", Content(weights)),))), ("m",))
    assert "does not record its shape" in told(trees.workspace(model))
