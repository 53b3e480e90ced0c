"""The world of the starter model: what its pictures can show, how they look, and how people ask for them.

A scene is one to three equal shapes of one colour on a background of another. Everything here is plain Python and
numpy, and everything random comes from the generator that the caller passes in.
"""

import math
import random
from dataclasses import dataclass

import numpy as np

#: Side of a picture in pixels; the only size that the model knows.
RESOLUTION = 128

#: The colours and their sRGB values.
COLOURS = {
    "red": (220, 35, 35),
    "green": (35, 165, 65),
    "blue": (40, 80, 225),
    "yellow": (250, 220, 45),
    "orange": (245, 135, 25),
    "purple": (140, 50, 185),
    "white": (250, 250, 250),
    "black": (15, 15, 15),
}
COLOUR_NAMES = list(COLOURS)
SHAPES = ["circle", "square", "triangle", "star", "diamond"]
#: "" is the unsaid middle of both lists.
SIZES = ["small", "", "large"]
POSITIONS = ["", "left", "right", "top", "bottom"]

#: Radius in pixels by number of shapes and by size: three shapes share the width of the picture.
RADII = {1: (13, 25, 38), 2: (10, 18, 26), 3: (8, 13, 18)}
#: Distance of a shape's centre from the picture's centre when it is at a side, as far as it fits.
SIDE_OFFSET = 34.0
#: Horizontal places of the shapes, relative to the centre, by their number.
ROW = {1: (0,), 2: (-31, 31), 3: (-42, 0, 42)}

#: The share of (shape, colour, background) triples that training never sees.
HELD_OUT_SHARE = 0.10
#: Knuth's multiplicative hash constant: spreads the triples evenly.
_HASH = 2654435761

_SYNONYMS = {"small": ["small", "tiny", "little"], "large": ["large", "big", "huge"]}
_NUMBERS = {2: "two", 3: "three"}
_PREFIXES = ["a picture of ", "an image of ", "a drawing of "]


@dataclass(frozen=True)
class Scene:
    """One picture's content; `size` and `position` are "" where a prompt says nothing about them."""

    shape: str
    colour: str
    background: str
    count: int
    size: str
    position: str

    @property
    def held_out(self) -> bool:
        """Whether training never sees this (shape, colour, background) triple."""
        shape, colour = SHAPES.index(self.shape), COLOUR_NAMES.index(self.colour)
        number = shape * 64 + colour * 8 + COLOUR_NAMES.index(self.background)
        return number * _HASH % 2**32 < HELD_OUT_SHARE * 2**32


@dataclass(frozen=True)
class Mix:
    """How often each choice is drawn. `shapes=None` draws them evenly."""

    shapes: tuple[float, ...] | None = None
    counts: tuple[float, ...] = (0.6, 0.25, 0.15)
    sizes: tuple[float, ...] = (0.27, 0.46, 0.27)
    single_positions: tuple[float, ...] = (0.4, 0.15, 0.15, 0.15, 0.15)
    row_positions: tuple[float, ...] = (0.7, 0.15, 0.15)


#: What prompts and the first rounds of training draw from.
PLAIN = Mix()
#: Draws what the model finds hard more often: stars, triangles, small shapes, rows of three.
HARD = Mix(
    shapes=(0.13, 0.13, 0.25, 0.34, 0.15),
    counts=(0.55, 0.25, 0.2),
    sizes=(0.45, 0.33, 0.22),
    single_positions=(0.36, 0.16, 0.16, 0.16, 0.16),
    row_positions=(0.6, 0.2, 0.2),
)


@dataclass(frozen=True)
class Jitter:
    """How far a drawing may stray: `position` in pixels, `radius` as a share."""

    position: float
    radius: float


def sample_scene(rng: random.Random, mix: Mix = PLAIN, held_out: bool = False) -> Scene:
    """Draws a scene from the training triples, or with `held_out` from the others."""
    while True:
        shape = _pick(rng, SHAPES, mix.shapes)
        colour, background = rng.choice(COLOUR_NAMES), rng.choice(COLOUR_NAMES)
        scene = Scene(shape, colour, background, 1, "", "")
        if colour != background and scene.held_out == held_out:
            break
    count = _pick(rng, [1, 2, 3], mix.counts)
    size = _pick(rng, SIZES, mix.sizes)
    if count == 1:
        position = _pick(rng, POSITIONS, mix.single_positions)
    else:
        position = _pick(rng, ["", "top", "bottom"], mix.row_positions)
    return Scene(shape, colour, background, count, size, position)


def prompt_of(scene: Scene, rng: random.Random) -> str:
    """Asks for `scene` in one of several phrasings."""
    background = f"{_article(scene.background)} {scene.background}"
    objects = _objects(scene, rng)
    kind = rng.random()
    if scene.position:
        text = _placed(scene, objects, background, kind, rng)
    elif kind < 0.6:
        text = f"{objects} on {background} background"
    elif kind < 0.72:
        text = f"{objects}, {scene.background} background"
    elif kind < 0.84:
        text = f"{objects} on {scene.background}"
    elif kind < 0.92:
        text = f"{objects} in the center of {background} background"
    else:
        text = f"{background} background with {objects}"
    return _varied(text, rng)


def render(scene: Scene, rng: random.Random, jitter: Jitter) -> np.ndarray:
    """Draws `scene` with soft edges: float32 [3, RESOLUTION, RESOLUTION] in -1..1."""
    mask = np.zeros((RESOLUTION, RESOLUTION), np.float32)
    for x, y, radius in layout(scene, rng, jitter):
        reach = 1.3 * radius + 3
        left, right, top, bottom = (
            int(min(max(edge, 0), RESOLUTION)) for edge in (x - reach, x + reach, y - reach, y + reach)
        )
        part = np.s_[top:bottom, left:right]
        distance = shape_distance(scene.shape, _X[part] - x, _Y[part] - y, radius)
        mask[part] = np.maximum(mask[part], np.clip(0.5 - distance, 0, 1))
    ground, paint = (_rgb(name)[:, None, None] for name in (scene.background, scene.colour))
    return ground * (1 - mask) + paint * mask


def layout(scene: Scene, rng: random.Random, jitter: Jitter) -> list[tuple[float, float, float]]:
    """Places the shapes: (centre x, centre y, radius) of each, in pixels."""
    radius = RADII[scene.count][SIZES.index(scene.size)] * rng.uniform(1 - jitter.radius, 1 + jitter.radius)
    offset = min(SIDE_OFFSET, 58 - radius)
    dx = {"left": -offset, "right": offset}.get(scene.position, 0.0) + rng.uniform(-jitter.position, jitter.position)
    dy = {"top": -offset, "bottom": offset}.get(scene.position, 0.0) + rng.uniform(-jitter.position, jitter.position)
    if scene.count == 3:
        dx *= 0.6  # Three shapes have less room at the sides.
    centre = RESOLUTION / 2
    return [(centre + dx + x, centre + dy, radius) for x in ROW[scene.count]]


def shape_distance(shape: str, x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """Returns the approximate signed distance to the shape's edge in pixels, negative inside."""
    if shape == "circle":
        return np.hypot(x, y) - radius
    if shape == "square":
        return np.maximum(np.abs(x), np.abs(y)) - radius * 0.9
    if shape == "diamond":
        return (np.abs(x) * 1.25 + np.abs(y) - radius * 1.15) / 1.6
    if shape == "triangle":
        return np.maximum((np.abs(x) * 1.8 - (y + radius)) / 2.06, y - radius * 0.85)
    return _star_distance(x, y - 0.08 * radius, radius)


def _star_distance(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """Folds the five-pointed star into half of one ray and measures to the one edge left."""
    ray = 2 * math.pi / 5
    angle = np.abs((np.arctan2(x, -y) + ray / 2) % ray - ray / 2)
    length = np.hypot(x, y)
    along, across = length * np.cos(angle), length * np.sin(angle)
    tip, notch = 1.12 * radius, 0.48 * radius
    notch_along, notch_across = notch * math.cos(ray / 2), notch * math.sin(ray / 2)
    normal_along, normal_across = notch_across, tip - notch_along
    norm = math.hypot(normal_along, normal_across)
    return ((along - tip) * normal_along + across * normal_across) / norm


def held_out_prompts(count: int, seed: int) -> list[tuple[Scene, str]]:
    """Draws scenes that training never saw, with a prompt for each; the same for the same seed."""
    rng = random.Random(seed)
    scenes = [sample_scene(rng, held_out=True) for _ in range(count)]
    return [(scene, prompt_of(scene, rng)) for scene in scenes]


def _objects(scene: Scene, rng: random.Random) -> str:
    size = scene.size
    if size and rng.random() < 0.4:
        size = rng.choice(_SYNONYMS[size])
    look = f"{size} {scene.colour}".strip()
    if scene.count == 1:
        return f"{_article(look) if rng.random() < 0.93 else 'one'} {look} {scene.shape}"
    return f"{_NUMBERS[scene.count]} {look} {scene.shape}s"


def _placed(scene: Scene, objects: str, background: str, kind: float, rng: random.Random) -> str:
    at_first = scene.position in ("top", "bottom")
    where = "at the" if at_first != (rng.random() < 0.2) else "on the"
    where = f"{where} {scene.position}"
    if kind < 0.5:
        return f"{objects} {where} of {background} background"
    if kind < 0.7:
        return f"{objects} {where}, {scene.background} background"
    if kind < 0.85:
        return f"{objects} {where} on {background} background"
    return f"{background} background with {objects} {where}"


def _varied(text: str, rng: random.Random) -> str:
    """Drops an article, adds a lead-in, a capital or a full stop now and then."""
    if text.startswith(("a ", "an ")) and rng.random() < 0.08:
        text = text.split(" ", 1)[1]
    if rng.random() < 0.06:
        text = rng.choice(_PREFIXES) + text
    if rng.random() < 0.12:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.12:
        text += "."
    return text


def _pick(rng: random.Random, options: list, weights: tuple[float, ...] | None):
    return rng.choices(options, weights)[0] if weights else rng.choice(options)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


def _rgb(colour: str) -> np.ndarray:
    return np.array(COLOURS[colour], np.float32) / 127.5 - 1


_Y, _X = np.mgrid[0:RESOLUTION, 0:RESOLUTION].astype(np.float32) + 0.5
