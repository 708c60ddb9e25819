"""Pictures are well-formed, self-contained, told in words, and in colours that are told apart without seeing them.

The golden files are what they look like. WEIGHTREPL_GOLDEN=1 writes them anew; look at them in a browser, in light and
dark.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.held import matrix, selected
from weightrepl.engine.pictures import Bars, HeatMap, Panel, Picture
from weightrepl.engine.table import Histogram
from weightrepl.errors import OutputError
from weightrepl.render.plots import LARGE, SMALL, bars, class_of, fraction, heat_map, ticks
from weightrepl.render.svg import svg, thumbnail
from weightrepl.render.svg_elements import DARK, LEVELS, LIGHT, wrapped

GOLDEN = Path(__file__).parent / "golden"
NAMESPACE = "{http://www.w3.org/2000/svg}"


ODD = matrix(4, 6)
ODD[0, :4] = np.nan, np.inf, -np.inf, np.nan
KERNEL = np.cos(np.arange(3 * 3 * 2 * 5)).reshape(3, 3, 2, 5).round(3)
PICTURES = {
    "heat_map": selected("a:kernel", ODD).picture(),
    "filters": selected("a:kernel", KERNEL, class_name="Conv2D").picture(),
    "filters_in_a_line": selected("a:kernel", KERNEL[:, :, :1], class_name="Conv2D").picture(),
    "bars": selected("a:kernel", np.array([0.5, -0.25, 0, np.nan, np.inf, -np.inf])).picture(),
    "histogram": selected("a:kernel | hist bins=7", matrix(9, 9)).picture(),
    "sheet": selected(
        "**:kernel", matrix(3, 4), abs(matrix(3, 4)), -abs(matrix(1, 4)), np.zeros((2, 2)), np.array(3)
    ).picture(),
    "sheet_of_histograms": selected("**:kernel | hist bins=3", matrix(3, 4), np.full(2, np.nan)).picture(),
}


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def texts(text: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(text).iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_look_as_they_did(name: str):
    path = GOLDEN / f"{name}.svg"
    if os.environ.get("WEIGHTREPL_GOLDEN"):
        path.write_text(PICTURES[name].svg, encoding="utf-8")
    assert PICTURES[name].svg == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_well_formed_and_self_contained(name: str):
    root = parsed(PICTURES[name].svg)
    identities = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identities) == len(set(identities))
    assert all(identity.startswith(root.get("id")) for identity in identities)
    for element in root.iter():
        assert element.tag.removeprefix(NAMESPACE) in {
            "svg",
            "title",
            "desc",
            "style",
            "rect",
            "defs",
            "g",
            "path",
            "text",
            "use",
        }
        target = element.get("href")
        assert target is None or target.removeprefix("#") in identities
    assert "url(" not in PICTURES[name].svg
    labels = root.get("aria-labelledby").split()
    assert [root[i].get("id") for i in range(2)] == labels
    assert root.get("role") == "img"


@pytest.mark.parametrize("name", PICTURES)
def test_every_colour_has_one_for_dark_pages(name: str):
    root = parsed(PICTURES[name].svg)
    style = root.find(f"{NAMESPACE}style").text
    dark = dict(re.findall(rf"\.{root.get('id')}-(\w+){{color:(#\w+)}}", style))
    used = {
        (e.get("class").removeprefix(f"{root.get('id')}-"), e.get("color"))
        for e in root.iter()
        if e.get("class")
    }
    assert used == {(key, LIGHT[key]) for key in dark}
    assert dark == {key: DARK[key] for key in dark}
    assert re.fullmatch(r"@media \(prefers-color-scheme:dark\)\{.*\}", style)


def test_pictures_have_names_of_their_own():
    names = [parsed(picture.svg).get("id") for picture in PICTURES.values()]
    assert len(set(names)) == len(names)
    alike = [Picture((Panel("m", (3,), "f", Bars((1.0, middle, -1.0), "x")),)) for middle in (0.0, 0.5)]
    assert repr(alike[0]) == repr(alike[1])
    assert len({parsed(picture.svg).get("id") for picture in alike}) == 2
    assert svg(PICTURES["bars"]) == svg(Picture(PICTURES["bars"].panels))


# ------------------------------------------------------------------ colours


def lightness(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    light, dark = sorted((lightness(a), lightness(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("colours", "sign"), [(LIGHT, -1), (DARK, 1)])
def test_lightness_tells_the_magnitude(colours: dict[str, str], sign: int):
    for side in "pn":
        steps = [
            lightness(colours[key]) * sign for key in ("zero", *(f"{side}{i}" for i in range(1, LEVELS + 1)))
        ]
        assert steps == sorted(set(steps))
    for i in range(1, LEVELS + 1):
        assert contrast(colours[f"p{i}"], colours[f"n{i}"]) < 1.1


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_and_marks_can_be_read(colours: dict[str, str]):
    assert contrast(colours["ink"], colours["paper"]) > 12
    assert contrast(colours["dim"], colours["paper"]) > 4.5
    assert contrast(colours["ink"], colours["nan"]) > 4.5
    for i in range(1, LEVELS + 1):
        mark = colours["onhigh" if i > 3 else "onlow"]
        assert contrast(mark, colours[f"n{i}"]) > 2.5, i


@pytest.mark.parametrize(
    ("value", "scale", "key"),
    [
        (1, 1, "p7"), (-1, 1, "n7"), (0, 1, "zero"), (0.01, 1, "zero"), (0.08, 1, "p1"), (-3.2, 7, "n3"),
        (float("nan"), 1, "nan"), (float("inf"), 1, "above"), (float("-inf"), 0, "below"), (-1e308, 1e308, "n7"),
        (0, 0, "zero"),
    ],
)  # fmt: skip
def test_a_value_has_a_colour(value: float, scale: float, key: str):
    assert class_of(value, scale) == key


# ------------------------------------------------------------------ what is told


def test_a_heat_map_tells_what_is_where():
    assert texts(PICTURES["heat_map"].svg) == [
        "m/a:kernel", "(4, 6) float64", "inputs 0…3", "units 0…5", "-0.991", "0.991", "NaN in 2 cells",
        "+∞ in 1 cell", "-∞ in 1 cell",
    ]  # fmt: skip


def test_what_is_negative_carries_a_dash():
    drawn = HeatMap(((1.0, -1.0, -0.5), (None, 0.0, -0.25)), "x", "y")
    elements = "".join(heat_map(drawn, LARGE, "id-0").elements)
    dashed = re.findall(r'<use href="#id-0(\w+)"[^>]* stroke-dasharray', elements)
    assert dashed == ["n2", "n4", "n7"]
    assert re.findall(r'id="id-0(\w+)" d="([^"]*)"', elements) == [
        ("n2", "M2 1.5h1"), ("n4", "M2 0.5h1"), ("n7", "M1 0.5h1"), ("p7", "M0 0.5h1"), ("zero", "M1 1.5h1"),
    ]  # fmt: skip


def test_alike_neighbours_are_one_run_within_a_tile():
    drawn = HeatMap(((1.0,) * 6,) * 4, "x", "y", (2, 3))
    elements = "".join(heat_map(drawn, SMALL, "id-0").elements)
    (path,) = re.findall(r'id="id-0p7" d="([^"]*)"', elements)
    assert path == "M0 0.5h3M3.5 0.5h3M0 1.5h3M3.5 1.5h3M0 3h3M3.5 3h3M0 4h3M3.5 4h3"


@pytest.mark.parametrize(
    ("shape", "tile", "cell"),
    [
        ((2, 2), None, (14, 14)),
        ((10, 40), None, (5, 5)),
        ((62, 10), None, (7, 2.66)),  # too many rows for squares that can be seen
        ((10, 62), None, (3, 10)),
        ((62, 10), (31, 5), (2.64, 2.64)),
    ],
)
def test_cells_are_square_or_nearly(
    shape: tuple[int, int], tile: tuple[int, int] | None, cell: tuple[float, float]
):
    drawn = HeatMap(((1.0,) * shape[1],) * shape[0], "x", "y", tile)
    w, h = re.findall(r"scale\(([\d.]+) ([\d.]+)\)", heat_map(drawn, SMALL, "id-0").elements[0])[0]
    assert (float(w), float(h)) == cell


@pytest.mark.parametrize(
    ("values", "legend"),
    [
        ((1.0, -2.0), ["-2", "2"]),
        ((0.0, 2.0), ["0", "2"]),
        ((0.0, -2.0), ["-2", "0"]),
        ((0.0, 0.0), ["every value is 0"]),
        ((float("nan"), float("nan")), ["NaN in 2 cells"]),
    ],
)
def test_a_legend_has_the_numbers_at_its_ends(values: tuple[float, ...], legend: list[str]):
    picture = Picture((Panel("m", (2,), "f", HeatMap((values,), "x", "y")),))
    assert texts(picture.svg)[4:] == legend


def test_bars_say_their_ends_and_what_is_not_finite():
    told = texts(PICTURES["bars"].svg)
    assert told[2:] == ["0.5", "-0.25", "0", "axis 0: 0…5", "NaN in 1 bar", "+∞ in 1 bar", "-∞ in 1 bar"]
    assert texts(Picture((Panel("m", (1,), "f", Bars((float("nan"),), "x")),)).svg)[2:] == [
        "1",
        "0",
        "x",
        "NaN in 1 bar",
    ]


@pytest.mark.parametrize(
    "values", [(1e308, -1e308), (5e-324, 0.0), (-5e-324, 1.0), (0.0,), (1e-300, 1.0, -1.0)]
)
def test_bars_stay_within_their_frame(values: tuple[float, ...]):
    elements = "".join(bars(Bars(values, "x"), SMALL, "id-0").elements)
    for y, height in re.findall(r"M[\d.]+ ([\d.]+)h[\d.]+v(-?[\d.]+)", elements):
        assert -1 <= float(y) + float(height) <= SMALL.plot_height + 1
    assert "nan" not in elements


def test_a_sheet_says_how_many_more_there_are():
    picture = Picture(PICTURES["sheet"].panels, 1234)
    assert texts(picture.svg)[-1] == "and 1,234 more, which are not drawn"
    assert "and 1,234 more" in picture._repr_html_()


def test_words_tell_what_there_is_to_see():
    def told(name: str) -> str:
        return parsed(PICTURES[name].svg).find(f"{NAMESPACE}desc").text

    assert told("bars") == "m/a:kernel, (6,), float64, bars, axis 0: 0…5, from -0.25 to 0.5"
    assert told("filters").startswith(
        "m/a:kernel, (3, 3, 2, 5), float64, heat map, rows inputs 0…1, columns filters 0…4"
    )
    assert told("histogram").startswith(
        "m/a:kernel, (9, 9), float64, histogram from -0.982 to 0.999, at most"
    )
    assert "; m/e:kernel, (), int64, 3" in told("sheet")
    assert "nothing finite" in repr(Picture((Panel("m", None, "f", Bars((float("nan"),), "x")),)))
    line = HeatMap(((1.0,),), "filters 0…8", "", (1, 1))
    assert (
        repr(Picture((Panel("m", None, "f", line),)))
        == "<Picture: m, shape unknown, f, heat map, filters 0…8, from 1 to 1>"
    )


@pytest.mark.parametrize("name", ["<b>&\"'", "a\x00\x1b[2J", "层" * 60, "a" * 300, "\ud800"])
def test_odd_names_are_escaped_and_whole(name: str):
    picture = Picture((Panel(name, (2,), "f", Bars((1.0,), name), (name,)),))
    shown = "".join(texts(picture.svg)[:-4])
    assert len(shown) >= len(name)
    figure = picture._repr_html_()
    assert "<b>" not in figure
    assert "\x1b" not in figure
    parsed(figure)
    figure.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("model/encoder:kernel", ["model/encoder", ":kernel"]),
        ("a/b/c/d/e/f/g/h/i", ["a/b/c/d/e/f/g/", "h/i"]),
        ("each cell is large", ["each cell is", "large"]),
        ("x" * 20, ["x" * 14, "x" * 6]),
        (":" + "x" * 20, [":" + "x" * 13, "x" * 7]),
    ],
)
def test_long_lines_are_broken(text: str, lines: list[str]):
    assert list(wrapped(text, 14)) == lines


# ------------------------------------------------------------------ sizes and numbers


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def test_pictures_are_bounded():
    assert len(selected("a:kernel", noise(500, 700)).picture().svg) < 60_000
    assert len(selected("a:kernel", np.where(noise(500, 700) > 4, np.nan, 0.0)).picture().svg) < 200_000
    many = selected("**:kernel, **:kernel[1:], **:kernel[2:]", *[noise(200, 300)] * 26).picture()
    assert len(many.panels) == 60
    assert len(many.svg) < 1_500_000


@pytest.mark.parametrize(
    ("low", "high", "most", "marks"),
    [
        (0, 1, 4, [0, 0.5, 1]),
        (-0.93, 0.92, 5, [-0.5, 0, 0.5]),
        (-1.7e308, 1.7e308, 4, [-1e308, 0, 1e308]),
        (0, 5e-324, 4, [0, 5e-324]),
        (1e16, 1e16 + 2, 4, [1e16, 1e16 + 2]),
        (99.5, 101.5, 10, [99.6, 99.8, 100, 100.2, 100.4, 100.6, 100.8, 101, 101.2, 101.4]),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, most: int, marks: list[float]):
    assert ticks(low, high, most) == marks


def test_a_fraction_of_an_endless_way():
    assert fraction(0.0, -1.7e308, 1.7e308) == 0.5
    assert fraction(5e-324, 0.0, 5e-324) == 1.0


# ------------------------------------------------------------------ thumbnails, notebooks, files


def test_a_thumbnail_has_its_numbers_in_the_title():
    drawn = parsed(thumbnail(Histogram(-1.0, 1.0, (0, 5, 1), 2)))
    assert (drawn.get("width"), drawn.get("height")) == ("80", "18")
    assert drawn.find(f"{NAMESPACE}title").text == "6 values in 3 bins, -1 … 1; 2 NaN or infinite"
    assert drawn.find(f"{NAMESPACE}desc") is None
    assert not list(drawn.iter(f"{NAMESPACE}text"))
    assert parsed(thumbnail(Histogram(0.0, 1.0, (0, 0)))).find(f"{NAMESPACE}title").text == "no finite values"


def test_a_notebook_shows_it():
    picture = PICTURES["filters"]
    assert picture._repr_svg_() == picture.svg
    figure = parsed(picture._repr_html_())
    assert [child.tag.removeprefix(NAMESPACE) for child in figure] == ["svg", "figcaption"]
    assert figure[1].text == "m/a:kernel"


def test_a_picture_saves_itself(tmp_path: Path):
    path = tmp_path / "a.svg"
    PICTURES["bars"].save(path)
    assert path.read_text("utf-8") == PICTURES["bars"].svg
    with pytest.raises(OutputError, match="exists already"):
        PICTURES["bars"].save(path)
    PICTURES["heat_map"].save(path, force=True)
    with pytest.raises(OutputError, match=r"a picture goes to \.svg, not to \.csv"):
        PICTURES["bars"].save(tmp_path / "a.csv")
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_selection_saves_its_picture(tmp_path: Path):
    found = selected("a:kernel | hist", matrix(3, 3))
    found.save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text("utf-8") == found.picture().svg


def test_what_is_not_drawn_is_noted(tmp_path: Path):
    from weightrepl.writers import write

    found = selected("**:kernel, **:kernel[1:], **:kernel[2:]", *[np.arange(4.0)] * 21)
    (note,) = write(found, str(tmp_path / "a.svg"))
    assert note.message.endswith("a.svg shows the first 60 of 63 weights")
    assert write(found[:60], str(tmp_path / "b.svg")) == ()
