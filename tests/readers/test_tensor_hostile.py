"""Checkpoints V2 that are damaged, incomplete, changed while open, or made to do harm."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.readers.files import ZOO
from tests.readers.tensor_files import (
    entry,
    header,
    masked,
    message,
    number,
    opens_bundles,
    table,
    varint,
    write_bundle,
    write_raw,
)
from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import Limits
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_bundle import GRAPH_KEY, open_bundle
from weightrepl.readers.tensor_table import Table

Opens = Callable[..., Mapping[str, Flat]]
FOUR = np.array([1, 2, 3, 4], np.float32)
GOOD = entry("float32", (4,), 0, 16, masked(FOUR.tobytes()))


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "ck"


opened = pytest.fixture(opens_bundles)


def data_of(prefix: Path, number: int = 0, count: int = 1) -> Path:
    return Path(f"{prefix}.data-{number:05d}-of-{count:05d}")


# -- one wrong entry --------------------------------------------------------------------------------------------------

DEEP = b"".join(message(2, number(1, 1)) for _ in range(65))
WRONG = [
    # the value in the index, the reason
    (b"", "values of dtype number 0"),
    (b"\x08", "cut short"),
    (b"\x08\x01\x12\x7f", "runs past"),
    (b"\x08\x01\x12\x02\x12\x7f", "runs past"),
    (b"\x0b\x01", "wire type 3"),
    (varint(7 << 3 | 2) + b"\x05abc", "runs past"),
    (entry("float32", (4,), 0, 15), "has 15 bytes, which is not the size"),
    (entry("float32", (5,), 0, 16), "has 16 bytes, which is not the size"),
    (entry("int4", (4,), 0, 2), "has 2 bytes, which is not the size"),
    (entry("float32", (1 << 40, 1 << 40), 0, 16), "not the size"),
    (entry("float32", (1 << 62,) * 60, 0, 0), "not the size"),
    (entry("float32", (-4,), 0, 16), "negative size"),
    (number(1, 1) + message(2, number(3, 1)), "a shape without a rank"),
    (number(1, 1) + message(2, DEEP) + number(5, 4), "65 axes, and rank is limited to 64"),
    (entry("float32", (4,), 16, 16), "outside of its shard"),
    (entry("float32", (4,), 1 << 63, 16), "outside of its shard"),
    (entry("float32", (4,), 0, 16, shard=1), "shard 1 of 1"),
    (entry("float32", (4,), 0, 16, shard=(1 << 64) - 1), "shard 18446744073709551615 of 1"),
    (entry("string", (4,), 0, 17), "outside of its shard"),
    (entry("float32", (4,), 0, 16) + varint(4 << 3) + b"\xff" * 11, "cut short"),
]


@pytest.mark.parametrize(("value", "reason"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_entry_is_put_aside_and_the_others_are_read(
    opened: Opens, prefix: Path, value: bytes, reason: str
):
    found = opened(write_raw(prefix, {b"": header(), b"bad": value, b"good": GOOD}, FOUR.tobytes()))
    assert reason in found["bad"].unread
    with pytest.raises(SourceError, match=r"ck\.index: bad: "):
        found["bad"].tensor.read()
    assert found["good"].tensor.read().tolist() == [1, 2, 3, 4]


def test_bytes_of_two_tensors_are_refused(opened: Opens, prefix: Path):
    rows = {b"": header(), b"a": entry("int8", (8,), 0, 8), b"b": entry("int8", (8,), 8, 8)}
    rows |= {
        b"c": entry("int8", (3,), 2, 3),
        b"d": entry("int8", (4,), 6, 4),
        b"e": entry("int8", (0,), 4, 0),
    }
    found = opened(write_raw(prefix, rows, bytes(16)))
    assert {key: flat.unread for key, flat in found.items()} == {
        "a": "",
        "b": "its bytes are also those of 'd'",
        "c": "its bytes are also those of 'a'",
        "d": "its bytes are also those of 'a'",
        "e": "",
    }


def test_a_name_that_is_no_utf8_keeps_its_bytes(opened: Opens, prefix: Path):
    [key] = opened(write_raw(prefix, {b"": header(), b"\xffok": GOOD}, FOUR.tobytes()))
    assert key.encode("utf-8", "surrogateescape") == b"\xffok"


# -- the index --------------------------------------------------------------------------------------------------------

NO_HEADER = [
    ({b"a": GOOD}, "in how many shards"),
    ({b"": b""}, "in how many shards"),
    ({b"": number(1, 0)}, "in how many shards"),
    ({b"": message(1, b"abc")}, "in how many shards"),
    ({b"": b"\xff"}, "cut short"),
    ({b"": number(1, 1) + message(3, number(1, 2) + number(2, 2))}, "a later version of the format"),
    ({}, "in how many shards"),
]


@pytest.mark.parametrize(("rows", "reason"), NO_HEADER, ids=range(len(NO_HEADER)))
def test_an_index_without_a_header_is_named(prefix: Path, rows: dict[bytes, bytes], reason: str):
    write_raw(prefix, rows)
    with pytest.raises(FormatError, match=reason) as caught:
        open_bundle(str(prefix))
    assert str(caught.value).startswith(f"{prefix}.index: ")


def test_an_index_that_is_not_there_is_named(prefix: Path):
    with pytest.raises(SourceError, match=r"ck\.index: No such file"):
        open_bundle(str(prefix))


def test_a_claim_of_many_shards_costs_nothing(opened: Opens, prefix: Path):
    Path(f"{prefix}.index").write_bytes(table([(b"", header(1 << 40)), (b"a", GOOD)]))
    assert "No such file" in (opened(prefix)["a"].remark or "")


def test_the_number_of_tensors_is_limited(opened: Opens, prefix: Path):
    write_bundle(prefix, {"a": FOUR, "b": FOUR, "c": FOUR})
    with pytest.raises(UnsafeFileError, match="3 tensors, and tensors is limited to 2"):
        open_bundle(str(prefix), Limits(tensors=2))
    assert len(opened(prefix, Limits(tensors=3))) == 3


def test_the_number_of_axes_can_be_raised(opened: Opens, prefix: Path):
    rows = {b"": header(), b"a": number(1, 6) + message(2, DEEP) + number(5, 1)}
    assert opened(write_raw(prefix, rows, b"\x07"), Limits(rank=65))["a"].unread == ""


# -- values -----------------------------------------------------------------------------------------------------------


def test_a_changed_bit_is_noticed_when_all_is_read(opened: Opens, prefix: Path):
    array = np.arange(60_000, dtype=np.float32).reshape(300, 200)
    write_bundle(prefix, {"w": array})
    raw = bytearray(data_of(prefix).read_bytes())
    raw[7_000] ^= 4
    data_of(prefix).write_bytes(raw)
    tensor = opened(prefix)["w"].tensor
    for read in (tensor.read, lambda: list(tensor.blocks(10_000)), lambda: list(tensor.blocks(1 << 20))):
        with pytest.raises(FormatError, match=r"ck\.data-00000-of-00001: w: .*checksum"):
            read()
    assert tensor.read((slice(100, 300, 1), slice(0, 200, 1))).tolist() == array[100:].tolist()


def test_the_last_block_comes_after_the_check(opened: Opens, prefix: Path):
    """Who takes all values has not taken wrong ones."""
    write_raw(prefix, {b"": header(), b"w": entry("float32", (4,), 0, 16, 1)}, FOUR.tobytes())
    blocks = opened(prefix)["w"].tensor.blocks(4)
    assert [next(blocks)[0] for _ in range(3)] == [1, 2, 3]
    with pytest.raises(FormatError, match="checksum"):
        next(blocks)


def test_without_a_checksum_nothing_is_checked(opened: Opens, prefix: Path):
    write_raw(prefix, {b"": header(), b"w": entry("float32", (4,), 0, 16)}, FOUR.tobytes())
    assert opened(prefix)["w"].tensor.read().tolist() == [1, 2, 3, 4]


# -- the graph of objects ---------------------------------------------------------------------------------------------


def test_the_graph_is_no_tensor(prefix: Path):
    write_bundle(prefix, {GRAPH_KEY: [b"graph"], "w": FOUR})
    rows = {b"": header(), b"w": GOOD}
    raw = varint(5) + (masked(b"\5\0\0\0")).to_bytes(4, "little") + b"graph"
    rows[GRAPH_KEY.encode()] = entry("string", (), 16, len(raw))
    write_raw(prefix, rows, FOUR.tobytes() + raw)
    bundle = open_bundle(str(prefix))
    assert bundle.graph == b"graph"
    assert [each.key for each in bundle.tensors] == ["w"]
    bundle.close()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (entry("string", (1,), 16, 10), "no string"),
        (entry("int8", (), 16, 1), "no string"),
        (entry("string", (), 16, 10, 7), "checksum"),
        (entry("string", (), 17, 10), "outside of its shard"),
    ],
)
def test_a_graph_that_can_not_be_read_is_put_aside(prefix: Path, told: bytes, reason: str):
    raw = varint(5) + (masked(b"\5\0\0\0")).to_bytes(4, "little") + b"graph"
    write_raw(prefix, {b"": header(), GRAPH_KEY.encode(): told, b"w": GOOD}, FOUR.tobytes() + raw)
    bundle = open_bundle(str(prefix))
    assert bundle.graph is None
    found = {each.key: each.unread for each in bundle.tensors}
    assert reason in found[GRAPH_KEY]
    assert found["w"] == ""
    bundle.close()


# -- any damage -------------------------------------------------------------------------------------------------------


def outcome(prefix: Path) -> None:
    """Open a checkpoint and read all of it: what goes wrong is a SourceError."""
    with suppress(SourceError):
        bundle = open_bundle(str(prefix))
        for flat in bundle.tensors:
            with suppress(SourceError):
                flat.tensor.read()
                assert not flat.unread
        bundle.close()


@pytest.mark.parametrize("seed", range(26))
def test_a_mutated_index_ends_in_a_result_or_a_named_error(prefix: Path, seed: int):
    """Values of the index are mutated and the table made anew, so that its checksums don't hide what comes behind."""
    grid = {((r, 2), (c, 2)): FOUR.reshape(2, 2) for r in (0, 2) for c in (0, 2)}
    write_bundle(prefix, {"a": FOUR, "s": [b"one", b"two"], "w": ("float32", (4, 4), grid)})
    values = data_of(prefix).read_bytes()
    rows = dict(rows_of(prefix))
    chance = random.Random(seed)
    for _ in range(60):
        mutated = dict(rows)
        for key in chance.sample(sorted(rows), 2):
            value = bytearray(mutated[key])
            for _ in range(chance.randint(1, 3)):
                value[chance.randrange(len(value))] = chance.choice(
                    (0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256))
                )
            mutated[key] = bytes(value)
        outcome(write_raw(prefix, mutated, values))


def rows_of(prefix: Path) -> list[tuple[bytes, bytes]]:
    source = ByteSource(f"{prefix}.index")
    rows = list(Table(source).entries())
    source.close()
    return rows


@pytest.mark.parametrize("seed", range(26))
@pytest.mark.parametrize("case", ["escaped_keys/ck", "saver_v1_graph/v2/model.ckpt"])
def test_a_mutated_file_ends_in_a_result_or_a_named_error(prefix: Path, case: str, seed: int):
    chance = random.Random(seed)
    source = ZOO / "tf" / case
    for suffix in (".index", ".data-00000-of-00001"):
        content = bytearray(Path(f"{source}{suffix}").read_bytes())
        if chance.random() < 0.3:
            del content[chance.randrange(len(content)) :]
        else:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        Path(f"{prefix}{suffix}").write_bytes(content)
        outcome(prefix)
