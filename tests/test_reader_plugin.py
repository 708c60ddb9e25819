"""The reader of `examples/reader_plugin`, installed beside the tests and found by its entry point."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import weightrepl
import weightrepl.plugin
from tests import pages
from weightrepl.errors import ChangedError, FormatError, SourceError, UnknownFormatError, UnsafeFileError
from weightrepl.service.complete import complete

ROOT = Path(__file__).resolve().parent.parent
TFJS = ROOT / "tests" / "zoo" / "tfjs"
PLUGIN = ROOT / "examples" / "reader_plugin"
PAGE = ROOT / "docs" / "reader-plugin.md"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the reader in it, for PYTHONPATH; nothing else is installed or asked of the net."""
    folder = tmp_path_factory.mktemp("packages")
    options = (
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--no-compile",
        "--target",
        folder,
    )
    subprocess.run([sys.executable, "-m", "pip", "install", *options, PLUGIN], check=True)
    return folder


@pytest.fixture
def installed(packages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(packages)
    yield
    sys.modules.pop("weightrepl_tfjs", None)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return shutil.copytree(TFJS / "plain", tmp_path / "web") / "model.json"


def values_of(kind: str) -> dict[str, np.ndarray]:
    return weightrepl.select(TFJS / kind / "model.json", "**:*").arrays()


def test_without_the_package_the_format_is_told():
    with pytest.raises(UnknownFormatError, match=r"TensorFlow\.js"):
        weightrepl.open(TFJS / "plain" / "model.json")


@pytest.mark.usefixtures("installed")
def test_every_value_is_the_one_that_was_written():
    found = values_of("plain")
    assert [*found] == [
        f"larger_model/{layer}:{weight}"
        for layer, weights in {
            "inner_dense1": "kernel bias",
            "norm": "gamma beta moving_mean moving_variance",
            "outer_dense": "kernel bias",
        }.items()
        for weight in weights.split()
    ]
    for number, values in enumerate(found.values()):
        assert values.dtype == np.float32
        assert np.array_equal(values.reshape(-1), np.arange(values.size) / 8 - number)


@pytest.mark.usefixtures("installed")
def test_quantised_values_are_the_floats_that_they_stand_for():
    plain, quantized = values_of("plain"), values_of("quantized")
    assert [*plain] == [*quantized]
    for address, values in plain.items():
        step = np.ptp(values) / 255 if address.endswith("kernel") else 0
        assert np.abs(quantized[address] - values).max() <= 0.51 * step
    kernel = weightrepl.select(TFJS / "quantized" / "model.json", "inner_dense1:kernel").one()
    assert (kernel.dtype, kernel.nbytes) == ("float32", 120)


@pytest.mark.usefixtures("installed")
def test_a_slice_is_that_of_the_whole_also_where_a_weight_lies_in_two_files():
    whole = values_of("plain")["larger_model/inner_dense1:kernel"]
    for text, index in (
        ("[7:, 3]", np.s_[7:, 3]),
        ("[[9, 0]]", [9, 0]),
        ("[::-1]", np.s_[::-1]),
        ("[3:3]", np.s_[3:3]),
    ):
        part = weightrepl.select(TFJS / "plain" / "model.json", f"inner_dense1:kernel{text}").one()
        assert np.array_equal(part.numpy(), whole[index])


@pytest.mark.usefixtures("installed")
def test_statistics_and_completion_work_as_on_any_model():
    with weightrepl.open(TFJS / "plain" / "model.json") as model:
        (row,) = weightrepl.select(model, "outer_dense:bias").stats().to_dicts()
        assert row["norm"] == pytest.approx(np.linalg.norm(np.arange(4) / 8 - 7))
        found = complete("norm:mov", 8, weightrepl.Workspace((model,)))
        assert [item.text for item in found.items] == ["moving_mean", "moving_variance"]


def change(path: Path, **changes: object) -> None:
    """Write other values into what a `model.json` says of its first weight, or (`paths`) of its files."""
    description = json.loads(path.read_text())
    group = description["weightsManifest"][0]
    (group if "paths" in changes else group["weights"][0]).update(changes)
    path.write_text(json.dumps(description))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"shape": [10, 13]}, FormatError, "its weights take 968 bytes, and the files have 928"),
        ({"shape": [-1]}, FormatError, r"no values of dtype float32 and shape \(-1,\) are read"),
        ({"shape": [1] * 65}, UnsafeFileError, "65 axes, and rank is limited to 64"),
        ({"shape": None}, FormatError, "damaged"),
        ({"dtype": "string"}, FormatError, "no values of dtype string"),
        ({"quantization": {"dtype": "int3"}}, FormatError, "no values of dtype float32 stored as int3"),
        ({"paths": ["../out.bin"]}, UnsafeFileError, "leads out of the folder"),
        ({"paths": ["none.bin"]}, SourceError, "No such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    copied: Path, changes: dict[str, object], error: type[SourceError], reason: str
):
    change(copied, **changes)
    with pytest.raises(error, match=reason) as caught:
        weightrepl.open(copied)
    assert caught.value.path.startswith(str(copied.parent))


@pytest.mark.usefixtures("installed")
def test_whatever_is_damaged_is_told_or_makes_another_model(copied: Path):
    reader = importlib.import_module("weightrepl_tfjs").TensorFlowJSReader()
    text = copied.read_bytes()
    for length in range(1, len(text), 7):
        copied.write_bytes(text[:length])
        with pytest.raises(SourceError):
            reader.open(str(copied))
    for at in range(text.index(b"weightsManifest"), len(text)):
        copied.write_bytes(text[:at] + b"9" + text[at + 1 :])
        with suppress(SourceError), reader.open(str(copied)) as model:
            weightrepl.select(model, "**:*").stats()


@pytest.mark.usefixtures("installed")
def test_a_model_that_a_browser_saved_is_opened(copied: Path):
    """There files are called `./NAME`, and the model stands in the place of its Keras file's `model_config`."""
    text = copied.read_text().replace('"group1-', '"./group1-')
    description = json.loads(text)
    description["modelTopology"] = description["modelTopology"]["model_config"]
    copied.write_text(json.dumps(description))
    assert weightrepl.select(copied, "outer_dense:bias").addresses == ("larger_model/outer_dense:bias",)


@pytest.mark.usefixtures("installed")
def test_a_closed_model_reads_no_more(copied: Path):
    with weightrepl.open(copied) as model:
        weight = weightrepl.select(model, "outer_dense:bias").one()
    with pytest.raises(ChangedError):
        weight.numpy()


def test_the_page_is_as_it_says(packages: Path, tmp_path: Path):
    before, mark, after = PAGE.read_text("utf-8").partition("<!-- from here on it is installed -->")
    begins = pages._BEGINS.search(before)
    assert mark
    assert begins
    environment = pages.environment_with(str(tmp_path))
    there = {**environment, "PYTHONPATH": str(packages)}
    for part, variables in ((before, environment), (f"{begins[0]}\n{after}", there)):
        (tmp_path / "page.md").write_text(part, encoding="utf-8")
        assert pages.run(tmp_path / "page.md", variables, tensorflow=False) == []


def test_the_page_names_all_that_a_plugin_may_import():
    named = {name for name in weightrepl.plugin.__all__ if f"`{name}`" in PAGE.read_text("utf-8")}
    assert named == {*weightrepl.plugin.__all__}
    imported = importlib.import_module("weightrepl.plugin")
    assert all(hasattr(imported, name) for name in weightrepl.plugin.__all__)
