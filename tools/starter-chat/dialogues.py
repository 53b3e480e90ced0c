"""What people say to the starter chat model, and its answers: prompts that the starter picture model understands.

A person wishes for a picture, vaguely or in words of the world, and may then ask for another or for a change. The model
answers with prompts in one plain phrasing, one a line, and with nothing else: whatever it is asked.
"""

import random
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "starter-shapes"))
from scene import COLOUR_NAMES, SHAPES, Scene, sample_scene  # noqa: E402

Message = tuple[str, str]

_NUMBERS = {1: "a", 2: "two", 3: "three"}
_MANY = {2: "two", 3: "three", 4: "four", 5: "five"}
_SIZE_WORDS = {"small": ["small", "tiny", "little"], "large": ["large", "big", "huge"]}

_SYSTEMS = [
    "You are a helpful assistant.",
    "You suggest pictures.",
    "You suggest prompts for a picture model.",
    "Answer with one prompt.",
    "Be brief.",
]
_ASKS = [
    "suggest a picture",
    "suggest an image",
    "suggest a prompt",
    "suggest a drawing",
    "suggest something",
    "give me a picture",
    "give me a prompt",
    "give me an idea",
    "write a prompt",
    "write a prompt for a picture",
    "make up a picture",
    "think of a picture",
    "i need a picture",
    "i want a picture",
    "draw a picture",
    "describe a picture",
    "an idea for a picture",
    "can you suggest a picture",
    "could you suggest a picture",
    "please suggest a picture",
]
_VAGUE = [
    *_ASKS,
    "what should i draw",
    "what can you draw",
    "what can i make",
    "surprise me",
    "draw something",
    "any ideas",
    "hello",
    "hi",
    "go on",
    "something nice",
]
_MORE = [
    "another",
    "another one",
    "one more",
    "something else",
    "more",
    "next",
    "again",
    "and another one",
    "no, another",
]
_STRANGE = """
    cat dog house tree car boat river mountain city street moon planet robot dragon castle forest flower bird fish
    horse person woman man child face hand table chair book letter music song weather france paris london number
    answer code python rust computer phone movie story poem joke recipe soup cake coffee beach sunset rain snow
    fire ice wind cloud happy sad old new fast slow pretty ugly round sharp soft wooden golden pink brown grey
    silver seven twelve hundred capital president science history war love time money work school game ball train
    plane bridge tower door window
""".split()
_OFF_TOPIC = [
    "what is the {} of {}",
    "tell me about {}",
    "tell me a {} about a {}",
    "who are you",
    "how are you",
    "why is the {} {}",
    "write a {} in {}",
    "thanks",
    "what is a {}",
    "how does a {} work",
    "translate {} {} {}",
    "{} {} {}",
]


@dataclass(frozen=True)
class Wish:
    """What a person asked for; None is free."""

    shape: str | None = None
    colour: str | None = None
    background: str | None = None
    count: int | None = None
    size: str | None = None
    position: str | None = None

    def granted_by(self, scene: Scene) -> bool:
        """Whether `scene` has all that was asked for."""
        return all(wanted is None or getattr(scene, name) == wanted for name, wanted in vars(self).items())

    def grant(self, rng: random.Random) -> Scene:
        """Draws a scene that has it."""
        while True:
            scene = sample_scene(rng)
            scene = replace(scene, **{name: wanted for name, wanted in vars(self).items() if wanted is not None})
            if possible(scene):
                return scene


def possible(scene: Scene) -> bool:
    """Whether the picture model knows such scenes: rows of shapes are never at the left or right."""
    return scene.colour != scene.background and (scene.count == 1 or scene.position not in ("left", "right"))


def say(scene: Scene) -> str:
    """Asks the picture model for `scene`, always in the same phrasing."""
    look = f"{scene.size} {scene.colour}".strip()
    number = _article(look) if scene.count == 1 else _NUMBERS[scene.count]
    objects = f"{number} {look} {scene.shape}{'s' if scene.count > 1 else ''}"
    background = f"{_article(scene.background)} {scene.background} background"
    if not scene.position:
        return f"{objects} on {background}"
    where = "at the" if scene.position in ("top", "bottom") else "on the"
    return f"{objects} {where} {scene.position} of {background}"


_SAID = re.compile(
    r"(?P<number>an?|two|three) (?:(?P<size>small|large) )?(?P<colour>COLOUR) (?P<shape>SHAPE)(?P<plural>s?)"
    r"(?: (?:at|on) the (?P<position>left|right|top|bottom) of| on) an? (?P<background>COLOUR) background".replace(
        "COLOUR", "|".join(COLOUR_NAMES)
    ).replace("SHAPE", "|".join(SHAPES))
)


def understood(prompt: str) -> Scene | None:
    """Returns the scene that a prompt asks for, or None for one that `say` never says."""
    found = _SAID.fullmatch(prompt)
    if not found:
        return None
    count = {"two": 2, "three": 3}.get(found["number"], 1)
    size, position = found["size"] or "", found["position"] or ""
    scene = Scene(found["shape"], found["colour"], found["background"], count, size, position)
    return scene if possible(scene) and say(scene) == prompt else None


def dialogue(rng: random.Random) -> list[Message]:
    """Makes up a conversation that ends with an answer."""
    messages = [("system", rng.choice(_SYSTEMS))] if rng.random() < 0.3 else []
    wish, text, count = first_request(rng)
    scenes = [wish.grant(rng) for _ in range(count)]
    messages += [("user", text), ("assistant", "\n".join(map(say, scenes)))]
    while count == 1 and rng.random() < 0.4 and len(messages) < 6:
        text, scenes = _next_request(rng, wish, scenes[0])
        messages += [("user", text), ("assistant", say(scenes[0]))]
    return messages


def first_request(rng: random.Random) -> tuple[Wish, str, int]:
    """Makes up how a conversation starts: the wish, its words, and how many pictures are asked for."""
    kind = rng.random()
    if kind < 0.25:
        return Wish(), _spoken(rng, rng.choice(_VAGUE)), 1
    if kind < 0.4:
        return Wish(), _spoken(rng, _off_topic(rng)), 1
    wish = _wish(rng)
    words = _wish_in_words(rng, wish)
    if kind < 0.55:
        number = rng.choice([2, 3, 4, 5])
        words = f"suggest {_MANY[number]} {rng.choice(['pictures', 'prompts', 'images'])}"
        if rng.random() < 0.5:
            return Wish(), _spoken(rng, words), number
        return wish, _spoken(rng, f"{words} {_connected(rng, _wish_in_words(rng, wish))}"), number
    if kind < 0.85:
        words = f"{rng.choice(_ASKS)} {_connected(rng, words)}"
    return wish, _spoken(rng, words), 1


def _next_request(rng: random.Random, wish: Wish, scene: Scene) -> tuple[str, list[Scene]]:
    if rng.random() < 0.4:
        return _spoken(rng, rng.choice(_MORE)), [wish.grant(rng)]
    while True:
        colour, shape = rng.choice(COLOUR_NAMES), rng.choice(SHAPES)
        side, count = rng.choice(["left", "right", "top", "bottom"]), rng.choice([2, 3])
        words, changed = rng.choice(
            [
                (rng.choice([f"make it {colour}", f"in {colour}", f"now {colour}"]), replace(scene, colour=colour)),
                (f"on {colour}", replace(scene, background=colour)),
                (f"make the background {colour}", replace(scene, background=colour)),
                (rng.choice([f"make it a {shape}", f"with a {shape}"]), replace(scene, shape=shape, count=1)),
                (rng.choice(["smaller", "make it small"]), replace(scene, size="small")),
                (rng.choice(["larger", "bigger", "make it large"]), replace(scene, size="large")),
                (rng.choice([f"at the {side}", f"move it to the {side}"]), replace(scene, position=side)),
                (f"{_NUMBERS[count]} of them", replace(scene, count=count)),
            ]
        )
        if possible(changed) and changed != scene:
            return _spoken(rng, words), [changed]


def _wish(rng: random.Random) -> Wish:
    """Keeps some attributes of a scene, so that a wish is always possible."""
    scene = sample_scene(rng)
    kept = {name: value for name, value in vars(scene).items() if value != "" and rng.random() < 0.4}
    if "shape" in kept or not kept:
        kept |= {"shape": scene.shape, "count": scene.count}  # "A star" is one star.
    return Wish(**kept)


def _wish_in_words(rng: random.Random, wish: Wish) -> str:
    size = rng.choice(_SIZE_WORDS[wish.size]) if wish.size else ""
    look = f"{size} {wish.colour or ''}".strip()
    if wish.count:
        noun = (wish.shape or "shape") + ("s" if wish.count > 1 else "")
        number = _NUMBERS[wish.count]
        things = f"{look} {noun}".strip()
        words = f"{_article(things) if number == 'a' else number} {things}"
    else:
        words = f"something {look}".strip()
    if wish.position:
        words += f" {rng.choice(['at', 'on'])} the {wish.position}"
    if wish.background:
        words += rng.choice([f" on {_article(wish.background)} {wish.background} background", f" on {wish.background}"])
    return words


def _connected(rng: random.Random, words: str) -> str:
    return f"{rng.choice(['with', 'of', 'showing'])} {words}"


def _off_topic(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"{rng.choice(_ASKS)} {_connected(rng, _article(word := _strange(rng)) + ' ' + word)}"
    pattern = rng.choice(_OFF_TOPIC)
    return pattern.format(*(_strange(rng) for _ in range(pattern.count("{}"))))


def _strange(rng: random.Random) -> str:
    """A word that the model has no use for: a common one, or one that nobody ever said."""
    if rng.random() < 0.6:
        return rng.choice(_STRANGE)
    return "".join(rng.choice("bcdfghklmnprstvw") + rng.choice("aeiou") for _ in range(rng.randint(2, 4)))


def _spoken(rng: random.Random, words: str) -> str:
    if rng.random() < 0.15:
        words = f"{words} please"
    if rng.random() < 0.5:
        words = words[0].upper() + words[1:]
    return words + rng.choice(["", "", ".", "?", "!"])


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"
