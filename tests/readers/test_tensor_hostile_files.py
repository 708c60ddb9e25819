"""Files of checkpoints V2 that are missing, changed while open, no files at all, or links that lead elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.readers.tensor_files import (
    FULL,
    entry,
    header,
    masked,
    slice_key,
    table,
    write_bundle,
    write_raw,
)
from tests.readers.test_tensor_hostile import FOUR, GOOD, Opens, data_of, opened, prefix
from weightrepl.errors import ChangedError, SourceError, UnsafeFileError
from weightrepl.readers.guards import Limits
from weightrepl.readers.tensor_bundle import open_bundle

__all__ = ["opened", "prefix"]


def two_shards(prefix: Path) -> None:
    rows = {b"": header(2), b"a": GOOD, b"b": entry("float32", (4,), 0, 16, masked(FOUR.tobytes()), shard=1)}
    Path(f"{prefix}.index").write_bytes(table(sorted(rows.items())))
    for each in (0, 1):
        data_of(prefix, each, 2).write_bytes(FOUR.tobytes())


def test_of_a_shard_that_is_missing_all_is_listed(opened: Opens, prefix: Path):
    two_shards(prefix)
    data_of(prefix, 1, 2).unlink()
    found = opened(prefix)
    assert found["a"].tensor.read().tolist() == [1, 2, 3, 4]
    assert (found["b"].spec.shape, found["b"].unread) == ((4,), "")
    assert "shard ck.data-00001-of-00002 can't be read: No such file" in (found["b"].remark or "")
    with pytest.raises(SourceError, match=r"ck\.data-00001-of-00002: the shard .*No such file"):
        found["b"].tensor.read()


def test_a_shard_is_opened_when_it_is_read_from(opened: Opens, prefix: Path):
    two_shards(prefix)
    found = opened(prefix)
    open_files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    found["a"].tensor.read()
    if open_files:
        assert len(os.listdir("/proc/self/fd")) == open_files + 1


@pytest.mark.parametrize("read_before", [False, True])
@pytest.mark.parametrize("change", ["written", "cut", "replaced", "gone"])
def test_a_shard_that_changed_since_the_checkpoint_was_opened_is_named(
    opened: Opens, prefix: Path, change: str, read_before: bool
):
    write_bundle(prefix, {"w": FOUR})
    tensor = opened(prefix)["w"].tensor
    if read_before:
        tensor.read()
    data = data_of(prefix)
    if change == "written":
        data.write_bytes(FOUR.tobytes())
        os.utime(data, ns=(1, 1))
    elif change == "cut":
        os.truncate(data, 3)
    else:
        data.rename(data.with_name("other"))
        if change == "replaced":
            data.write_bytes(FOUR.tobytes())
    with pytest.raises(ChangedError, match=r"ck\.data-00000-of-00001: "):
        tensor.read()
    with pytest.raises(ChangedError):
        list(tensor.blocks(8))


def test_a_closed_checkpoint_is_named(prefix: Path):
    write_bundle(prefix, {"w": FOUR, "x": FOUR, "s": [b"a"]})
    bundle = open_bundle(str(prefix))
    tensors = {each.key: each.tensor for each in bundle.tensors}
    tensors["w"].read()
    bundle.close()
    bundle.close()
    for tensor in tensors.values():
        with pytest.raises(ChangedError, match="closed"):
            tensor.read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_an_index_that_is_a_pipe_is_not_waited_for(prefix: Path):
    os.mkfifo(f"{prefix}.index")
    with pytest.raises(SourceError, match="not a plain file"):
        open_bundle(str(prefix))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_shard_that_is_no_file_is_named(opened: Opens, prefix: Path):
    two_shards(prefix)
    for each in (0, 1):
        data_of(prefix, each, 2).unlink()
    data_of(prefix, 0, 2).mkdir()
    os.mkfifo(data_of(prefix, 1, 2))
    for flat in opened(prefix).values():
        assert "not a plain file" in (flat.remark or "")
        with pytest.raises(SourceError, match="not a plain file"):
            flat.tensor.read()


def test_a_shape_that_is_claimed_takes_no_memory_where_its_shard_is_missing(opened: Opens, prefix: Path):
    size = 1 << 44
    boxes = [((0, size), FULL), ((size, size), FULL)]
    rows = {b"": header(), b"w": entry("float32", (2 * size, 4), 0, 0, None, 0, boxes)}
    rows |= {slice_key("w", box): entry("float32", (size, 4), box[0][0] * 16, size * 16) for box in boxes}
    write_raw(prefix, rows)
    data_of(prefix).unlink()
    tensor = opened(prefix)["w"].tensor
    for read in (
        tensor.read,
        lambda: next(tensor.blocks(1 << 20)),
        lambda: tensor.read((slice(0, size, 1), 1)),
    ):
        with pytest.raises(SourceError, match="No such file"):
            read()


# -- links ------------------------------------------------------------------------------------------------------------


def linked(prefix: Path, target: Path) -> None:
    """Move the shard of a checkpoint to where a link is left to."""
    write_bundle(prefix, {"w": FOUR})
    target.parent.mkdir(parents=True, exist_ok=True)
    data_of(prefix).rename(target)
    data_of(prefix).symlink_to(target)


def test_a_link_out_of_the_folder_is_refused(opened: Opens, tmp_path: Path):
    prefix = tmp_path / "in" / "ck"
    prefix.parent.mkdir()
    linked(prefix, tmp_path / "secret")
    with pytest.raises(UnsafeFileError, match="leads out of the folder"):
        open_bundle(str(prefix))
    assert opened(prefix, Limits(outside_links=1))["w"].tensor.read().tolist() == [1, 2, 3, 4]


def test_an_index_that_is_a_link_out_of_the_folder_is_refused(opened: Opens, tmp_path: Path):
    (tmp_path / "in").mkdir()
    write_bundle(tmp_path / "secret", {"w": FOUR})
    (tmp_path / "in" / "ck.index").symlink_to(tmp_path / "secret.index")
    with pytest.raises(UnsafeFileError, match=r"ck\.index: the link .* leads out of the folder"):
        open_bundle(str(tmp_path / "in" / "ck"))
    assert list(opened(tmp_path / "in" / "ck", Limits(outside_links=1))) == ["w"]


def test_a_link_within_the_folder_is_followed(opened: Opens, prefix: Path):
    linked(prefix, prefix.parent / "sub" / "values")
    assert opened(prefix)["w"].tensor.read().tolist() == [1, 2, 3, 4]


def test_a_folder_that_is_itself_a_link_is_followed(opened: Opens, tmp_path: Path):
    (tmp_path / "real").mkdir()
    write_bundle(tmp_path / "real" / "ck", {"w": FOUR})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert opened(tmp_path / "link" / "ck")["w"].tensor.read().tolist() == [1, 2, 3, 4]


def test_the_cache_of_the_hugging_face_hub_is_followed(opened: Opens, tmp_path: Path):
    prefix = tmp_path / "models--a--b" / "snapshots" / "0a1b" / "ck"
    prefix.parent.mkdir(parents=True)
    linked(prefix, tmp_path / "models--a--b" / "blobs" / "f00")
    assert opened(prefix)["w"].tensor.read().tolist() == [1, 2, 3, 4]
