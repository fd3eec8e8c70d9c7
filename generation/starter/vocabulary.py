"""What the starter model was shown: its nouns, colours, backgrounds, and other words for them.

A model of a few million weights that draws these well is better than one that draws everything
badly. The first word of each tuple is the one by which a thing is counted in the evaluation.
"""

from __future__ import annotations

# Noun: the code points of its drawing in fluent-emoji-3d, then other words for it.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "cat": ("1f431", "kitten", "kitty"),
    "dog": ("1f436", "puppy"),
    "lion": ("1f981",),
    "frog": ("1f438", "toad"),
    "rabbit": ("1f430", "bunny", "hare"),
    "owl": ("1f989",),
    "penguin": ("1f427",),
    "fish": ("1f420",),
    "butterfly": ("1f98b",),
    "turtle": ("1f422", "tortoise"),
    "dinosaur": ("1f995", "dino"),
    "duck": ("1f986",),
    "apple": ("1f34e",),
    "strawberry": ("1f353",),
    "cake": ("1f382", "birthday cake"),
    "mushroom": ("1f344", "toadstool"),
    "tree": ("1f333",),
    "tulip": ("1f337", "flower"),
    "donut": ("1f369", "doughnut"),
    "house": ("1f3e0", "home", "cottage"),
    "castle": ("1f3f0", "palace"),
    "car": ("1f697", "automobile"),
    "rocket": ("1f680", "spaceship"),
    "sailboat": ("26f5", "boat", "ship"),
    "airplane": ("2708-fe0f", "plane", "aeroplane"),
    "balloon": ("1f388",),
    "robot": ("1f916",),
    "ghost": ("1f47b",),
    "heart": ("2764-fe0f",),
    "star": ("2b50",),
    "gift": ("1f381", "present"),
    "snowman": ("26c4",),
}

PLURALS = {
    "fish": "fish",
    "butterfly": "butterflies",
    "strawberry": "strawberries",
    "toadstool": "toadstools",
}

# Colour: its hue in degrees, its saturation from 0 to 1, and the lightness of its middle tone.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (356, 0.85, 0.48),
    "orange": (28, 0.95, 0.53),
    "yellow": (52, 0.95, 0.56),
    "green": (125, 0.6, 0.42),
    "blue": (215, 0.85, 0.5),
    "purple": (272, 0.65, 0.48),
    "pink": (330, 0.85, 0.74),
    "white": (220, 0.12, 0.88),
    "black": (240, 0.08, 0.2),
}
COLOUR_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("crimson", "scarlet"),
    "purple": ("violet",),
    "pink": ("rose",),
    "yellow": ("golden",),
}

# Background: phrases that follow a subject, then phrases that stand alone.
BACKGROUNDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "beach": (
        ("on a beach", "on the beach", "at the beach", "by the sea", "on the sand by the ocean"),
        ("a beach", "beach", "a sunny beach", "seaside"),
    ),
    "forest": (
        ("in a forest", "in the forest", "in the woods", "among the trees"),
        ("a forest", "forest", "woods", "a deep forest"),
    ),
    "sunset": (
        ("at sunset", "in the sunset", "in front of a sunset", "at dusk", "in the evening sun"),
        ("sunset", "a sunset", "an orange sunset", "dusk"),
    ),
    "night": (
        ("at night", "in the night", "under the stars", "under a starry sky", "in the moonlight"),
        ("night", "a starry night", "night sky"),
    ),
    "snow": (
        ("in the snow", "on snow", "in winter", "in a snowy landscape"),
        ("snow", "winter", "a snowy landscape", "falling snow"),
    ),
    "city": (
        ("in a city", "in the city", "in town", "in front of skyscrapers", "in the street"),
        ("a city", "city", "city skyline", "skyscrapers"),
    ),
    "desert": (
        ("in a desert", "in the desert", "on the dunes", "among sand dunes"),
        ("a desert", "desert", "sand dunes", "dunes"),
    ),
    "meadow": (
        (
            "in a meadow",
            "on a meadow",
            "on the grass",
            "on a green hill",
            "in a field",
            "in a park",
        ),
        ("a meadow", "meadow", "green hills", "grass and blue sky", "a field"),
    ),
    "underwater": (
        ("underwater", "under water", "in the ocean", "under the sea", "in the deep sea"),
        ("underwater", "the deep sea", "underwater scene"),
    ),
    "mountains": (
        ("in the mountains", "in front of mountains", "before a mountain", "in the alps"),
        ("mountains", "a mountain landscape", "snowy peaks", "the alps"),
    ),
    "space": (
        ("in space", "in outer space", "in the galaxy", "among the planets", "floating in space"),
        ("space", "outer space", "a galaxy", "a nebula"),
    ),
    "room": (
        ("in a room", "indoors", "in a house", "in the living room", "on a wooden floor"),
        ("a room", "indoors", "living room", "interior"),
    ),
}

POSITIONS: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "on the left side", "to the left"),
    "right": ("on the right", "on the right side", "to the right"),
}
SIZES: dict[str, tuple[str, ...]] = {
    "small": ("small", "tiny", "little"),
    "large": ("big", "large", "huge", "giant"),
}

# Words that people put into prompts and that mean nothing here; the model learns to pass over.
OPENINGS = (
    "a picture of", "an image of", "a painting of", "an illustration of", "a photo of",
    "a drawing of", "a 3d render of", "a cute", "a beautiful picture of", "please draw",
    "show me",
)  # fmt: skip
ENDINGS = (
    "highly detailed", "4k", "beautiful", "digital art", "soft light", "masterpiece", "cute",
    "trending", "best quality", "in my style", "very nice", "cinematic", "for a friend",
)  # fmt: skip

# Common words of prompts that the model cannot draw, so that it learns to pass over them, too.
_OTHER_WORDS = """
about above abstract afternoon ancient angel angry animal anime another art artist astronaut
autumn baby background bag bear beard bed bedroom bee behind best between bicycle bike bird blonde
blossom book bottle bowl box boy bread bridge bright broken brown brush building bus camera candle
cartoon chair child church circle classic clean clear clock close closeup cloud clouds clown coat
coffee cold colorful colour computer concept cool corner cozy crown crystal cup dance dancing dark
day deep delicate desk detail detailed devil door dragon dramatic dream dreamy dress drink driving
earth eating elegant elephant epic evening eyes face fairy fancy fantasy fashion fast father
feather film fire flag flat floating flying focus food fox freedom friend friends from fruit full
funny future futuristic galaxy garden gentle giraffe girl glass glasses glowing gold golden good
grand gray great grey guitar hair half hand hands happy hat head hedgehog helmet hero high hill
holding holiday horse hot human ice inside into iphone island jacket japanese jumping jungle kids
king kitchen knight lady lake lamp landscape lego letter light lighthouse lights line logo long
looking lost love low machine macro mad magic magical man map market mask metal middle milk mirror
modern monkey monster moon morning mother motorcycle mouse movie music mystery neon new next nice
old one open outside over owl paint painted painting panda paper park party path peace people
person photo photography piano picture pirate pixel pizza plant plate playing portrait poster
prince princess puppet quality queen quiet rain rainbow raining rainy realistic reading retro rich
riding ring river road rock roof rose round running sad sailing samurai scary school sea shadow
sharp shining shiny shirt shoes shop sitting sketch skull sky sleeping sleepy slow smile smiling
smoke soft song space spring square squirrel standing statue steampunk stone storm story strange
street strong studio style sun sunglasses sunny sunrise super sweet swimming sword table tall tea
teacher teddy temple texture that their them they thing three throne tiger time together tower
town toy traffic train travel treasure tropical truck ultra umbrella under unicorn up vase very
video vintage volcano walking wall warm warrior watching water watercolor watercolour waterfall
wave waves wearing weather wedding whale wild wind window wine wings wise with without wizard wolf
woman wonderful wooden world yellowish young zebra zen
"""
OTHER_WORDS = tuple(_OTHER_WORDS.split())
