"""The palette: a look for each role, legible on either page."""

from __future__ import annotations

from typing import get_args

import pytest

from weightrepl.render.palette import HUES, LOOKS, Look
from weightrepl.service.answers import Role


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, as WCAG 2.1 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_definition():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("hue", HUES)
def test_every_hue_can_be_read_on_either_page(hue: str):
    light, dark = HUES[hue]
    assert contrast(light, "#ffffff") >= 4.5
    assert contrast(dark, "#1e1e1e") >= 4.5


def test_every_role_has_a_look():
    assert set(LOOKS) == set(get_args(Role))
    assert {look.hue for look in LOOKS.values()} == set(HUES)


def test_a_look_in_the_words_of_terminals():
    assert [Look("blue", bold=True).ansi, Look("red").ansi, Look("", bold=True).ansi, Look("").ansi] == [
        "ansiblue bold", "ansired", "bold", "",
    ]  # fmt: skip
