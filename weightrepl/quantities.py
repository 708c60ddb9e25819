"""Amounts as a person reads them: bytes, large numbers, numbers of things."""

from __future__ import annotations


def human_bytes(nbytes: int) -> str:
    """Return a number of bytes in powers of 1000.

    >>> human_bytes(528), human_bytes(4128), human_bytes(999_950)
    ('528 B', '4.1 kB', '1.0 MB')
    """
    if nbytes < 1000:
        return f"{nbytes} B"
    amount, units = nbytes / 1000, iter(("kB", "MB", "GB", "TB", "PB"))
    unit = next(units)
    while amount >= 999.95 and unit != "PB":
        amount, unit = amount / 1000, next(units)
    return f"{amount:,.1f} {unit}"


def human_count(count: int) -> str:
    """Return a number exactly where it is short, else rounded.

    >>> human_count(399_242), human_count(3_350_000)
    ('399,242', '3.4 M')
    """
    for power, unit in ((12, "T"), (9, "G"), (6, "M")):
        if count >= 10**power:
            return f"{count / 10**power:,.1f} {unit}"
    return f"{count:,}"


def numbered(count: int, noun: str) -> str:
    """Return how many there are of a thing.

    >>> numbered(1, "layer"), numbered(1200, "layer")
    ('1 layer', '1,200 layers')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
