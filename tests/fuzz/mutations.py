"""Ways to damage the files of a model: blindly in their bytes, and knowingly in their structure."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

from tests.fuzz import formats
from tests.fuzz.seeds import Seed, seeds

Files: TypeAlias = "dict[str, bytes]"
Mutation: TypeAlias = Callable[[Files, Random], Files]

_INTERESTING = (
    0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32, 1 << 40, (1 << 53) + 1,
    (1 << 62) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - 8,
)  # fmt: skip
_TEXTS = (
    "", "/", "..", "../x", "/etc/passwd", "a/b", "a\0b", "\x1b[2J", "\u202eevil", "\ud800", "a" * 300, "kernel:0", "#1",
    ".unread", ".optimizer", "=1+1", "é", "e\u0301", "layers", "vars", "0", "-1", "10" * 40, "[", "{a,b}", "*",
)  # fmt: skip


def mutated(seed: Seed, steps: list[tuple[str, int]]) -> Files:
    """Return the files of a seed after some steps: names of mutations, each with a number of its own to draw from."""
    files = dict(seed.files)
    for name, number in steps:
        files = MUTATIONS[name](files, Random(number))
    return files


def drawn(seed: Seed, chance: Random) -> list[tuple[str, int]]:
    """Return steps for a seed: one to four, that fit its format."""
    names = BY_KIND[seed.kind]
    count = chance.choice((1, 1, 1, 2, 2, 4))
    return [(chance.choice(names), chance.getrandbits(32)) for _ in range(count)]


def _in_one(change: Callable[[bytes, Random], bytes]) -> Mutation:
    """Return the mutation that makes a change in one of the files; where the file is no such thing, in its bytes."""

    def mutation(files: Files, chance: Random) -> Files:
        name = chance.choice(sorted(files))
        try:
            return {**files, name: change(files[name], chance)}
        except Exception:
            return {**files, name: some_bytes(files[name], chance)}

    return mutation


# ------------------------------------------------------------------ bytes


def some_bytes(text: bytes, chance: Random) -> bytes:
    """Return bytes of which a few are others."""
    changed = bytearray(text)
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        if changed:
            at = _place(changed, chance)
            changed[at] = chance.choice(
                (changed[at] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 255)
            )
    return bytes(changed)


def _place(text: bytes | bytearray, chance: Random) -> int:
    """Return a position, oftener near the beginning or the end, where headers are."""
    near = min(len(text), chance.choice((64, 512, 4096, len(text))))
    return chance.randrange(near) if chance.random() < 0.7 else len(text) - 1 - chance.randrange(near)


def a_number(text: bytes, chance: Random) -> bytes:
    """Return bytes in which a number of 2, 4 or 8 bytes is another."""
    size = chance.choice((2, 4, 8, 8))
    if len(text) < size:
        raise ValueError("too short")
    at = min(_place(text, chance), len(text) - size) // chance.choice((1, 2, 8)) * chance.choice((1, 2, 8))
    at = min(at, len(text) - size)
    old = int.from_bytes(text[at : at + size], "little")
    new = chance.choice(
        (
            *_INTERESTING[:: chance.choice((1, 3))],
            len(text),
            len(text) - 1,
            len(text) + 1,
            old + 1,
            old - 1,
            old * 2,
            -old,
        )
    )
    return text[:at] + (new % (1 << 8 * size)).to_bytes(size, "little") + text[at + size :]


def another_address(text: bytes, chance: Random) -> bytes:
    """Return bytes in which a number of 8 bytes that may be an address in the file is another such, or a neighbour."""
    width = 8
    places = [
        at
        for at in range(0, len(text) - width, width)
        if 0 < int.from_bytes(text[at : at + width], "little") < len(text)
    ]
    if not places:
        raise ValueError("no addresses")
    at, other = chance.choice(places), chance.choice(places)
    new = int.from_bytes(text[other : other + width], "little")
    new = chance.choice(
        (new, new, at, chance.randrange(len(text)), (1 << 64) - 1, new + chance.choice((-8, 8, 24)))
    )
    return text[:at] + (new % (1 << 64)).to_bytes(width, "little") + text[at + width :]


def cut(text: bytes, chance: Random) -> bytes:
    """Return the beginning, or the end."""
    at = chance.randrange(len(text) + 1)
    return text[:at] if chance.random() < 0.8 else text[at:]


def moved(text: bytes, chance: Random) -> bytes:
    """Return bytes with a part of them left out, twice, elsewhere, or blank."""
    start = chance.randrange(len(text) + 1)
    part = text[start : start + chance.choice((1, 8, 40, 512, 4096))]
    rest = text[:start] + text[start + len(part) :]
    at = chance.randrange(len(rest) + 1)
    return chance.choice(
        (
            rest,
            text[:start] + part + text[start:],
            rest[:at] + part + rest[at:],
            text[:start] + bytes(len(part)) + text[start + len(part) :],
        )
    )


def grown(text: bytes, chance: Random) -> bytes:
    """Return bytes with more behind them."""
    return text + chance.choice((bytes(chance.choice((1, 48, 4096))), text[-64:], chance.randbytes(64)))


def spliced(files: Files, chance: Random) -> Files:
    """Return files of which one has a part of another model's."""
    name = chance.choice(sorted(files))
    other = chance.choice(seeds()).files
    foreign, text = other[chance.choice(sorted(other))], files[name]
    at, start = chance.randrange(len(text) + 1), chance.randrange(len(foreign) + 1)
    part = foreign[start : start + chance.choice((8, 64, 512, 1 << 20))]
    return {**files, name: text[:at] + part + text[at + chance.choice((0, len(part))) :]}


def fewer_files(files: Files, chance: Random) -> Files:
    """Return files of which one is missing, empty, or another one's copy."""
    name, other = chance.choice(sorted(files)), chance.choice(sorted(files))
    if chance.random() < 0.4 and len(files) > 1:
        return {each: text for each, text in files.items() if each != name}
    return {**files, name: chance.choice((b"", files[other]))}


# ------------------------------------------------------------------ JSON


def other_json(value: Any, chance: Random, depth: int = 0) -> Any:
    """Return a JSON value with something changed somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.75:
            return {**value, key: other_json(value[key], chance, depth + 1)}
        if chance.random() < 0.3:
            return {k: v for k, v in value.items() if k != key}
        return {(chance.choice(_TEXTS) if k == key else k): v for k, v in value.items()}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        if chance.random() < 0.7:
            return [*value[:at], other_json(value[at], chance, depth + 1), *value[at + 1 :]]
        return chance.choice((value[:at] + value[at + 1 :], [*value, value[at]], value[::-1], value * 3))
    return _other_value(value, chance)


def _other_value(value: Any, chance: Random) -> Any:
    nested: Any = value
    for _ in range(chance.choice((1, 3, 300))):
        nested = (
            [nested]
            if chance.random() < 0.5
            else {"config": nested, "class_name": "Dense", "module": "keras"}
        )
    number = chance.choice((*_INTERESTING, -1, 1.5, float("inf"), float("nan"), 10**30))
    return chance.choice(
        (None, True, number, number, -number, chance.choice(_TEXTS), [], {}, [value, value], nested)
    )


def _json(text: bytes, chance: Random) -> bytes:
    return formats.json_text(other_json(json.loads(text), chance))


def _safetensors_header(text: bytes, chance: Random) -> bytes:
    nbytes = int.from_bytes(text[:8], "little")
    header = _json(text[8 : 8 + nbytes], chance)
    return len(header).to_bytes(8, "little") + header + text[8 + nbytes :]


# ------------------------------------------------------------------ archives


def _in_archive(text: bytes, chance: Random) -> bytes:
    """Return an archive with another content of a member, or another name, and checksums that fit."""
    members = formats.members_of(text)
    name = chance.choice(sorted(members))
    content, method = members[name]
    if chance.random() < 0.1:
        members[chance.choice(_TEXTS) or "x"] = members.pop(name)
        return formats.archive_of(members)
    if name.endswith(".json"):
        changes: tuple[Callable[[bytes, Random], bytes], ...] = (_json, _json, _json, cut)
    elif name.endswith(".npy"):
        changes = (_npy_header, _npy_header, some_bytes, cut)
    else:
        changes = (some_bytes, a_number, another_address, another_address, moved, cut)
    method = chance.choice((method, method, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    members[name] = chance.choice(changes)(content, chance), method
    return formats.archive_of(members)


def _in_directory(text: bytes, chance: Random) -> bytes:
    """Return an archive with a field of its directory, of a member's header, or of its end changed."""
    signature = chance.choice((b"PK\1\2", b"PK\1\2", b"PK\3\4", b"PK\5\6"))
    places = [at for at in range(len(text)) if text.startswith(signature, at)]
    at = chance.choice(places) + 4 + 2 * chance.randrange(20)
    if at + 4 > len(text):
        raise ValueError("behind the end")
    value = chance.choice((*_INTERESTING, len(text))) % (1 << 32)
    return (
        text[:at]
        + value.to_bytes(4, "little")[: chance.choice((2, 4))].ljust(2, b"\0")
        + text[at + chance.choice((2, 4)) :]
    )


def _npy_header(text: bytes, chance: Random) -> bytes:
    """Return an array with another header, its length made to fit."""
    nbytes = int.from_bytes(text[8:10], "little")
    header = text[10 : 10 + nbytes].decode("latin-1")
    shape = chance.choice(
        ("()", "(-1,)", f"({1 << 62}, 4)", "(2,) * 9", "(0, 9)", "(1,)*70", "None", "(3, 4, 5)", "(1.5,)")
    )
    old, new = chance.choice(
        (
            (
                "'<f4'",
                repr(
                    chance.choice(
                        ("<f8", ">f4", "|O", "<U4", "|V2", "<M8[s]", "?", "<f16", "[('a', 'f4')]", "<i0")
                    )
                ),
            ),
            ("False", chance.choice(("True", "1", "None", "[]", "__import__('os')"))),
            ("(", chance.choice(("(1, ", "((", "(" * 200, "(-"))),
            (header[header.find("(") : header.find(")") + 1], shape),
            ("}", ", 'shape': (1,)}"),
        )
    )
    changed = header.replace(old, new, 1).encode("latin-1")
    return text[:8] + len(changed).to_bytes(2, "little") + changed + text[10 + nbytes :]


# ------------------------------------------------------------------ protocol buffers and tables


def other_message(text: bytes, chance: Random, depth: int = 0) -> bytes:
    """Return a message with something changed in it, or in a message within it."""
    fields = formats.fields_of(text)
    if not fields:
        return formats.message([(chance.randrange(1, 9), 0, chance.choice(_INTERESTING))])
    at = chance.randrange(len(fields))
    number, kind, value = fields[at]
    action = chance.random()
    if action < 0.12:
        del fields[at]
    elif action < 0.2:
        fields.insert(chance.randrange(len(fields) + 1), (number, kind, value))
    elif action < 0.25:
        fields[at] = (chance.choice((number + 1, max(1, number - 1), 15, 2000)), kind, value)
    elif isinstance(value, int):
        fields[at] = (number, kind, chance.choice((*_INTERESTING, value + 1, value - 1)))
    elif kind == 2:
        fields[at] = (number, kind, _other_bytes(value, chance, depth))
    else:
        fields[at] = (number, kind, chance.randbytes(len(value)))
    return formats.message(fields)


def _other_bytes(text: bytes, chance: Random, depth: int) -> bytes:
    if depth < 30 and chance.random() < 0.85:
        try:
            return other_message(text, chance, depth + 1)
        except (ValueError, LookupError):
            pass
    return chance.choice(
        (b"", text * 2, chance.choice(_TEXTS).encode("utf-8", "surrogatepass"), some_bytes(text, chance))
    )


def in_table(files: Files, chance: Random) -> Files:
    """Return a checkpoint with an entry of its index changed, and checksums that fit."""
    name = chance.choice([each for each in sorted(files) if each.endswith(".index")] or sorted(files))
    try:
        entries = formats.entries_of(files[name])
    except (ValueError, LookupError):
        return {**files, name: some_bytes(files[name], chance)}
    if not entries:
        return files
    at = chance.randrange(len(entries))
    key, value = entries[at]
    match chance.randrange(6):
        case 0:
            entries[at] = (chance.choice(_TEXTS).encode("utf-8", "surrogatepass"), value)
        case 1:
            del entries[at]
        case 2:
            entries.insert(at, (key, value))
        case _:
            entries[at] = (key, _other_bytes(value, chance, 0))
    return {**files, name: formats.table_of(entries)}


def in_graph(files: Files, chance: Random) -> Files:
    """Return a checkpoint whose graph of objects has something changed, stored anew at the end of its file."""
    try:
        graph = formats.graph_of(files)
        for _ in range(chance.choice((1, 1, 3))):
            graph = other_message(graph, chance)
        return formats.with_graph(files, graph)
    except (LookupError, ValueError):
        return in_table(files, chance)


def in_proto(files: Files, chance: Random) -> Files:
    """Return a SavedModel with something changed in its graph."""
    found = [each for each in sorted(files) if each.endswith(".pb")]
    graphs = [each for each in found if each.endswith(("saved_model.pb", "keras_metadata.pb"))]
    name = chance.choice(graphs or found or sorted(files))
    text = files[name]
    for _ in range(chance.choice((1, 1, 4))):
        try:
            text = other_message(text, chance)
        except (ValueError, LookupError):
            text = some_bytes(text, chance)
    return {**files, name: text}


# ------------------------------------------------------------------ which for which format


MUTATIONS: dict[str, Mutation] = {
    **{each.__name__: _in_one(each) for each in (some_bytes, a_number, another_address, cut, moved, grown)},
    **{each.__name__: each for each in (spliced, fewer_files, in_table, in_graph, in_proto)},
    "json": _in_one(_json),
    "safetensors": _in_one(_safetensors_header),
    "archive": _in_one(_in_archive),
    "directory": _in_one(_in_directory),
    "npy": _in_one(_npy_header),
}
_ALWAYS = ("some_bytes", "a_number", "cut", "moved", "grown", "spliced")
BY_KIND: dict[str, tuple[str, ...]] = {
    "checkpoint": (*_ALWAYS, "fewer_files", *("in_table", "in_graph") * 4),
    "checkpoint1": (*_ALWAYS, *("in_table",) * 5),
    "folder": (*_ALWAYS, "fewer_files", "another_address", *("json",) * 4),
    "keras": (*_ALWAYS, "directory", *("archive",) * 5),
    "legacy": (*_ALWAYS, *("another_address",) * 5),
    "library": (*_ALWAYS, *("another_address",) * 5),
    "npy": (*_ALWAYS, *("npy",) * 4),
    "npz": (*_ALWAYS, "directory", *("archive",) * 5),
    "safetensors": (*_ALWAYS, *("safetensors",) * 6),
    "saved_model": (*_ALWAYS, "fewer_files", "in_table", "in_graph", *("in_proto",) * 6),
    "shards": (*_ALWAYS, "fewer_files", "another_address", *("json", "safetensors") * 2),
    "state": (*_ALWAYS, "fewer_files", "in_table", "in_graph"),
    "store": (*_ALWAYS, *("another_address",) * 5),
}
"""The mutations that are drawn for a kind of seed; one that stands there more often is drawn more often."""
