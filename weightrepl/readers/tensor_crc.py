"""CRC-32C, with which TensorFlow protects its checkpoints: fast without a compiled library.

A CRC is the remainder of a message, as a polynomial over GF(2), by P. P divides x^563 + x^109 + x^58 + x^53 + x^31 +
1 (found by search; a test divides). So the first bits of a message can go if they are added, by XOR, to those 454,
505, 510, 532 and 563 bits further on. P divides the squares of that too: the same holds with all distances doubled,
any number of times. Whole stretches are folded so with one operation each, on Python's integers or NumPy's arrays,
until some 563 bits are left for the usual table. P: https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weightrepl.model.tensor import Array
    from weightrepl.readers.protobuf import Bytes

_POLYNOMIAL = 0x82F63B78  # the lowest bit of a byte stands for the highest power
_FOLDS = (454, 505, 510, 532, 563)
_ALL = 0xFFFFFFFF
_SHORT_NBYTES, _PIECE_NBYTES, _LONG_NBYTES = 64, 1 << 18, 1 << 16
_SCALES, _BLOCK_NBYTES = (64, 16, 4, 1), 1 << 21  # of NumPy's folds: they fit into a processor's cache


def crc32c(message: Bytes, crc: int = 0) -> int:
    """Return the CRC of a message. crc: of what stands before it."""
    state = crc ^ _ALL
    for start in range(0, len(message), _PIECE_NBYTES):
        state = _remainder(message[start : start + _PIECE_NBYTES], state)
    return state ^ _ALL


def _remainder(message: Bytes, state: int) -> int:
    """Return the remainder of a message that is put behind one of which `state` is the remainder."""
    if len(message) < _SHORT_NBYTES:
        return _by_table(message, state)
    rest, nbits = int.from_bytes(message, "little") ^ state, 8 * len(message)
    scale = 1
    while 4 * scale * _FOLDS[-1] < nbits:
        scale *= 2
    while scale:
        rest, nbits = _folded(rest, nbits, scale)
        scale //= 2
    rest <<= -nbits % 8  # zeros in front change no remainder
    return _by_table(rest.to_bytes((nbits + 7) // 8, "little"), 0)


def crc32c_of_array(array: Array, crc: int = 0) -> int:
    """Return the CRC of the bytes of a flat array. crc: of what stands before it."""
    import numpy as np

    octets = array.view(np.uint8)
    if octets.size < _LONG_NBYTES:
        return crc32c(octets.data, crc)
    words = octets[: octets.size // 8 * 8].view(np.uint64)
    room = np.empty(_SCALES[0] * _FOLDS[-1] + _BLOCK_NBYTES // 8, np.uint64)
    filled = done = 0
    while done < len(words):
        taken = words[done : done + len(room) - filled]
        room[filled : filled + len(taken)] = taken
        if not done:
            room.view(np.uint8)[:4] ^= np.frombuffer((crc ^ _ALL).to_bytes(4, "little"), np.uint8)
        filled, done = filled + len(taken), done + len(taken)
        filled = _fold(room, filled, _SCALES[0])
    for scale in _SCALES[1:]:
        filled = _fold(room, filled, scale)
    rest = room[:filled].tobytes() + octets[8 * len(words) :].tobytes()
    return crc32c(rest, _ALL)  # whose beginning has the state of what stands before it already


def masked(crc: int) -> int:
    """Return a CRC as it is written: so that the CRC of something that holds CRCs is one too."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & _ALL


def unmasked(crc: int) -> int:
    """Return the CRC that was written so."""
    rest = (crc - 0xA282EAD8) & _ALL
    return (rest >> 17 | rest << 15) & _ALL


def _fold(room: Array, filled: int, scale: int) -> int:
    """Make the message in the front of `room` shorter, in place; return how many words it has. scale: in words."""
    import numpy as np

    ahead, end = scale * _FOLDS[0], max(0, filled - scale * _FOLDS[-1])
    for start in range(0, end, ahead):
        first = room[start : min(start + ahead, end)]
        for fold in _FOLDS:
            further = room[start + scale * fold :][: len(first)]
            np.bitwise_xor(further, first, out=further)
    room[: filled - end] = room[end:filled].copy()
    return filled - end


def _folded(message: int, nbits: int, scale: int) -> tuple[int, int]:
    """Return a shorter message with the same remainder."""
    ahead, *distances = (scale * fold for fold in _FOLDS)
    mask = (1 << ahead) - 1
    while nbits - ahead >= scale * _FOLDS[-1]:
        first = message & mask
        message = message >> ahead ^ first
        for distance in distances:
            message ^= first << distance - ahead
        nbits -= ahead
    return message, nbits


def _by_table(message: Bytes, state: int) -> int:
    table = _table()
    for octet in message:
        state = table[(state ^ octet) & 255] ^ state >> 8
    return state


@lru_cache(maxsize=1)
def _table() -> list[int]:
    table = []
    for state in range(256):
        for _ in range(8):
            state = state >> 1 ^ (_POLYNOMIAL if state & 1 else 0)
        table.append(state)
    return table
