from __future__ import annotations

import json
import os
import random
import shutil
import struct
import time
import tracemalloc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.files import (
    ZOO,
    entry,
    functional,
    layers_of,
    rows_of,
    sequential,
    store_bytes,
    write_archive,
)
from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.readers.keras_archive import KerasArchiveReader
from weightrepl.readers.registry import open_source

DENSE = sequential("seq", entry("InputLayer", "in"), entry("Dense", "d", use_bias=True))
KERNEL = np.arange(12.0, dtype="f4").reshape(4, 3)
STORE = store_bytes({"": ("seq", []), "layers/dense": ("d", [KERNEL, np.zeros(3, "f4")])})


def archive(folder: Path, config: Any = DENSE, store: bytes | None = STORE, **more: Any) -> str:
    return str(write_archive(folder / "m.keras", config, store, **more))


def opened(path: str) -> dict[str, Any]:
    with open_source(path) as model:
        return {row.address: row.weight.tensor.read().tolist() for row in rows_of(model)}


def test_a_weight_is_a_range_of_the_archive(tmp_path: Path):
    path = archive(tmp_path)
    model = open_source(path)
    kernel = rows_of(model)[0].weight
    assert (model.format, model.source, model.names) == ("Keras archive (3.15.1)", path, ("seq", "m"))
    assert (kernel.key, kernel.source, kernel.trainable) == ("layers/dense/vars/0", path, True)
    np.testing.assert_array_equal(kernel.tensor.read((slice(1, 3), 2)), KERNEL[1:3, 2])
    assert Path(path).read_bytes()[kernel.tensor.offset :][:48] == KERNEL.tobytes()
    model.close()
    with pytest.raises(ChangedError, match="closed"):
        kernel.tensor.read()


def test_an_unpacked_folder_is_the_same(tmp_path: Path):
    path = archive(tmp_path)
    with zipfile.ZipFile(path) as packed:
        packed.extractall(tmp_path / "folder")
    assert opened(str(tmp_path / "folder")) == opened(path)
    os.rename(tmp_path / "folder" / "metadata.json", tmp_path / "metadata.json")
    with open_source(tmp_path / "folder") as model:
        assert (model.format, model.root.class_name) == ("Keras folder", "Sequential")
    os.rename(tmp_path / "metadata.json", tmp_path / "folder" / "metadata.json")
    os.remove(tmp_path / "folder" / "model.weights.h5")
    with pytest.raises(FormatError, match=r"no model\.weights\.h5"):
        opened(str(tmp_path / "folder"))


def test_an_archive_of_more_than_4_gb(tmp_path: Path):
    """A hole of 5 GB stands before the weights, so that zip64 has to tell where they are."""
    path = tmp_path / "big.keras"
    hole = 5 << 30
    with open(path, "wb") as file:
        name, entries = b"assets/hole", []
        file.write(
            struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), 20)
        )
        file.write(name + struct.pack("<2H2Q", 1, 16, hole, hole))
        entries.append((name, 0, hole, 0))
        file.seek(hole, os.SEEK_CUR)
        for name, content in ((b"config.json", json.dumps(DENSE).encode()), (b"model.weights.h5", STORE)):
            at, size = file.tell(), len(content)
            crc = zipfile.crc32(content)
            file.write(
                struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 0, crc, size, size, len(name), 0)
                + name
                + content
            )
            entries.append((name, at, size, crc))
        start = file.tell()
        for name, at, size, crc in entries:
            extra = struct.pack("<2H3Q", 1, 24, size, size, at)
            fields = (
                b"PK\1\2",
                45,
                45,
                0,
                0,
                0,
                0,
                crc,
                0xFFFFFFFF,
                0xFFFFFFFF,
                len(name),
                len(extra),
                0,
                0,
                0,
                0,
                0xFFFFFFFF,
            )
            file.write(struct.pack("<4s6H3I5H2I", *fields) + name + extra)
        end = file.tell()
        counts = (len(entries), len(entries))
        file.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, *counts, end - start, start))
        file.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        file.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    assert set(zipfile.ZipFile(path).namelist()) == {"assets/hole", "config.json", "model.weights.h5"}
    if os.stat(path).st_blocks * 512 > 1 << 30:
        pytest.skip("no sparse files here")
    assert opened(str(path))["seq/d:kernel"] == KERNEL.tolist()


def test_a_packed_archive_says_how_to_repair_it(tmp_path: Path):
    path = archive(tmp_path, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="unzip the archive into a folder and open that folder") as caught:
        opened(path)
    assert str(caught.value).startswith(f"{path}: model.weights.h5:")


def test_a_bomb_is_not_unpacked(tmp_path: Path):
    path = archive(tmp_path, b" " * (300 << 20), compression=zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    with pytest.raises(UnsafeFileError, match=r"config\.json: 314,572,800 bytes of JSON, and json_nbytes"):
        opened(path)
    assert tracemalloc.get_traced_memory()[1] < 5 << 20
    tracemalloc.stop()


def lying_size(content: bytearray) -> None:
    """config.json claims in the directory to be larger than it is."""
    at = content.rindex(b"config.json") - 46
    content[at + 24 : at + 28] = struct.pack("<I", 10_000_000)


def other_local_name(content: bytearray) -> None:
    at = content.index(b"model.weights.h5")
    content[at : at + 5] = b"madel"


def encrypted(content: bytearray) -> None:
    at = content.rindex(b"model.weights.h5") - 46
    content[at + 8] |= 1


def wrong_checksum(content: bytearray) -> None:
    at = content.index(b'"class_name"')
    content[at + 1 : at + 6] = b"klass"


@pytest.mark.parametrize("change", [lying_size, other_local_name, encrypted, wrong_checksum])
def test_what_does_not_add_up_is_refused(tmp_path: Path, change):
    path = archive(tmp_path)
    content = bytearray(Path(path).read_bytes())
    change(content)
    Path(path).write_bytes(content)
    with pytest.raises((UnsafeFileError, FormatError)):
        opened(path)


def test_two_members_of_one_name_are_refused(tmp_path: Path):
    path = archive(tmp_path)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as packed:
        warnings.simplefilter("ignore")
        packed.writestr("model.weights.h5", STORE)
    with pytest.raises(UnsafeFileError, match="two members"):
        opened(path)


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deep|not readable"),
        ("[]", "no JSON object"),
        ("{", "not readable as JSON"),
        (b"\xff\xfe", "not readable as JSON"),
    ],
)
def test_a_wrong_config_is_a_format_error(tmp_path: Path, config: Any, match: str):
    with pytest.raises(FormatError, match=match):
        opened(archive(tmp_path, config))


@pytest.mark.parametrize(
    "config",
    [
        *({}, {"class_name": 3, "config": {}}, {"class_name": "Sequential", "config": []}),
        *(
            {"class_name": "Sequential", "module": "keras", "config": {"layers": x}}
            for x in ("abc", 3, [1, None, {}], {})
        ),
        {**DENSE, "compile_config": {"optimizer": 7}},
        {**DENSE, "registered_name": 7, "module": 7},
    ],
)
def test_an_odd_config_leaves_the_weights_readable(tmp_path: Path, config: Any):
    found = opened(archive(tmp_path, config))
    assert KERNEL.tolist() in found.values()
    assert len(found) == 2


def test_a_config_may_not_unfold_for_ever(tmp_path: Path):
    config: Any = entry("Dense", "leaf")
    for i in range(300):
        config = {**entry("TimeDistributed", f"t{i}"), "config": {"name": f"t{i}", "layer": config}}
    config["config"]["layer"]["shared_object_id"] = 1
    with pytest.raises(UnsafeFileError, match="201 layers within each other"):
        opened(archive(tmp_path, functional("m", config)))


@pytest.mark.parametrize(
    ("more", "match"), [({"model.weights.json": b""}, "open the folder"), ({}, "without weights")]
)
def test_weights_that_are_elsewhere(tmp_path: Path, more: dict[str, Any], match: str):
    with pytest.raises(FormatError, match=match):
        opened(archive(tmp_path, DENSE, None, **more))


def test_layers_are_listed_where_keras_pickled_their_weights(tmp_path: Path):
    """As `saving_lib.save_model(model, path, weights_format="npz")` of Keras 3.15 does, which Keras can't load."""
    file = ZOO / "old_keras" / "npz_3.15.1.keras"
    with zipfile.ZipFile(file) as packed:
        packed.extractall(tmp_path)
    for path in (file, tmp_path):
        with open_source(path) as model:
            assert [layer.class_name for _, layer in layers_of(model)][2:] == [
                "Dense",
                "BatchNormalization",
                "Dense",
            ]
            found = {row.path: row.weight for row in rows_of(model)}
            assert {path[-2] for path in found} == {"net", "a", "bn", "b", ".optimizer"}
            assert {path[-1] for path in found} == {".unread"}
            for weight in found.values():
                with pytest.raises(FormatError, match="Python pickles"):
                    weight.tensor.read()


def test_a_folder_may_have_its_weights_in_shards(tmp_path: Path):
    case = ZOO / "keras3" / "seq_dense"
    for file in (*(case / "unzipped").glob("*.json"), *(case / "sharded").iterdir()):
        shutil.copy(file, tmp_path)
    with open_source(tmp_path) as model, open_source(case / "unzipped") as one:
        assert [row.address for row in rows_of(model)] == [row.address for row in rows_of(one)]
        assert model.root.children[0].class_name == "InputLayer"  # from the configuration
    (tmp_path / "model_00001.weights.h5").unlink()
    with open_source(tmp_path) as model:
        lost = [row.weight for row in rows_of(model) if row.path[-1] == ".unread"]
        assert lost
        for weight in lost:
            with pytest.raises(SourceError, match=r"a shard of the model can't be read: No such file"):
                weight.tensor.read()


def test_nothing_in_a_lambda_is_run(tmp_path: Path):
    with open_source(ZOO / "keras3" / "lambda_unsafe" / "model.keras") as model:
        assert [layer.class_name for _, layer in layers_of(model)] == [
            "Functional",
            "InputLayer",
            "Lambda",
            "Dense",
        ]


def test_cut_at_any_place(tmp_path: Path):
    content = Path(archive(tmp_path)).read_bytes()
    for size in range(0, len(content), max(1, len(content) // 60)):
        (tmp_path / "cut.keras").write_bytes(content[:size])
        with pytest.raises(SourceError):
            opened(str(tmp_path / "cut.keras"))


@pytest.mark.parametrize("case", ["seq_nested", "trained_optimizer", "attention"])
def test_mutations_only_raise_source_errors(tmp_path: Path, case: str):
    content = (ZOO / "keras3" / case / "model.keras").read_bytes()
    chance = random.Random(case)
    started = time.monotonic()
    path, refused = tmp_path / "m.keras", 0
    for _ in range(120):
        broken = bytearray(content)
        for _ in range(chance.choice((1, 5, 50))):
            at = chance.randrange(len(broken)) if chance.random() < 0.7 else chance.randrange(-400, 0)
            broken[at] = chance.choice((0, 255, chance.randrange(256)))
        path.write_bytes(broken)
        try:
            opened(str(path))
        except SourceError:
            refused += 1
    assert refused > 10
    assert time.monotonic() - started < 60


def test_a_zip_that_is_no_model_is_not_claimed(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("x", "y")
    head = (tmp_path / "a.zip").read_bytes()
    assert not KerasArchiveReader().recognises(str(tmp_path / "a.zip"), head)
    path = archive(tmp_path)
    os.rename(path, tmp_path / "renamed.bin")
    assert opened(str(tmp_path / "renamed.bin"))["seq/d:kernel"] == KERNEL.tolist()
