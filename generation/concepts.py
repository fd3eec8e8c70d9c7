"""What pictures may show, in words: a fixed list of our own, which a model that was trained on
pictures and words compares a picture with (`generation.recognition`).

They are about things, places, techniques, light and moods. Of people they say how a picture shows
them (a portrait, a crowd), and nothing of who they are: no origin, no age, no sex, no faith, no
body. A server keeps them by their words, so that they may be put in another order, and added to.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Group = Literal["subject", "place", "medium", "light", "mood"]


class Concept(NamedTuple):
    """One of them.

    words: as a sentence has them. prompt: how captions of such pictures are written.
    """

    group: Group
    words: str
    prompt: str


# How the caption of a picture with one of them would be. Contrastive models know whole captions
# better than bare words (Radford et al. 2021, 3.1.4).
_CAPTIONS: dict[Group, str] = {
    "subject": "a picture of {}",
    "place": "a picture of {}",
    "medium": "a picture made as {}",
    "light": "a picture with {}",
    "mood": "a picture that feels {}",
}
_WORDS: dict[Group, str] = {
    "subject": """
cats, dogs, horses, foxes, wolves, bears, deer, rabbits, mice, squirrels, hedgehogs, owls, ravens,
parrots, herons, ducks, chickens, hummingbirds, penguins, whales, dolphins, sharks, fish, octopuses,
jellyfish, turtles, frogs, snakes, lizards, dinosaurs, dragons, unicorns, elephants, lions, tigers,
monkeys, cows, sheep, goats, pigs, bees, butterflies, beetles, spiders, snails, insects,
flowers, roses, sunflowers, cherry blossom, mushrooms, ferns, cacti, trees, a single tree, leaves,
fruit, vegetables, bread, cakes, coffee, tea, a meal, sweets,
a portrait, a close-up of a face, a crowd, a couple, a figure seen from behind, hands, dancers,
musicians, a knight, a wizard, a witch, an astronaut, a robot, an android, an alien, a ghost,
a skeleton, a skull, a mermaid, a fairy, an angel, a demon, a giant, a monster, a clown, a pirate,
a samurai, a queen, a detective, a masked figure,
cars, old cars, trains, trams, bicycles, motorcycles, ships, sailing boats, rowing boats,
submarines, aeroplanes, hot-air balloons, airships, rockets, spaceships, tanks, tractors,
books, clocks, lamps, candles, mirrors, keys, maps, letters, umbrellas, hats, shoes, dresses,
jewellery, masks, swords, armour, crowns, toys, dolls, teddy bears, balloons, kites, flags,
pianos, guitars, violins, drums, cameras, telephones, computers, televisions, machines, gears,
furniture, chairs, bottles, glass, vases, crystals, coins, kitchenware, tools, a typewriter,
clouds, lightning, a rainbow, stars, the moon, planets, a galaxy, the sun, an aurora, fire, smoke,
waves, rain, snow, fog, bubbles, feathers, bones, shells, stones, patterns, geometric shapes,
spirals, lettering, a logo, a diagram
""",
    "place": """
mountains, a valley, a forest, a bamboo forest, a jungle, a meadow, a field of grain, a desert,
dunes, a beach, a cliff, an island, the open sea, the deep sea, a coral reef, a lake, a river,
a waterfall, a swamp, a cave, a volcano, a glacier, a garden, a park, an orchard, a vineyard,
a village, a farm, a city, a skyline, a city at night, a street, a narrow alley, a market,
a harbour, a bridge, a railway station, an airport, a road, a staircase, a rooftop, a courtyard,
a castle, a palace, a temple, a cathedral, ruins, a tower, a lighthouse, a windmill, a cottage,
a tree house, a skyscraper, a factory, a greenhouse, a library, a museum, a theatre, a café, a shop,
a kitchen, a bedroom, a living room, a bathroom, a workshop, a laboratory, a classroom, an office,
a hall, a corridor, a tunnel, outer space, a space station, the surface of another planet,
an underwater city, a floating island, a ruined city, a city of the future, a maze
""",
    "medium": """
a photograph, a black-and-white photograph, an old photograph, a macro photograph,
an aerial photograph, a long exposure, a double exposure, a film still, a watercolour,
an oil painting, an acrylic painting, a gouache painting, an ink drawing, a pencil drawing,
a charcoal drawing, a pastel drawing, a crayon drawing, a woodcut, a linocut, an etching,
a screen print, a Japanese woodblock print, a fresco, an icon on gold, stained glass, a mosaic,
a collage, a paper cut, origami, embroidery, knitting, felt, a tapestry, a quilt, pottery,
a marble sculpture, a bronze sculpture, a wood carving, clay figures, a miniature model,
building bricks, a 3D render, low-poly graphics, voxel graphics, pixel art, vector graphics,
flat illustration, line art, a comic, manga, anime, a cartoon, a caricature, concept art,
a children’s book illustration, a botanical illustration, a technical drawing, a poster,
a travel poster, a book cover, a tattoo design, graffiti, a sticker, an icon for an app,
impressionism, expressionism, cubism, surrealism, abstract art, minimalism, pop art, art deco,
art nouveau, baroque painting, romantic painting, pointillism, psychedelic art, glitch art,
steampunk, cyberpunk, vaporwave, fantasy art, science fiction art, gothic art, folk art
""",
    "light": """
golden evening light, a sunrise, a sunset, moonlight, starlight, candlelight, neon light,
hard shadows, soft light, light from behind, rays of light, a spotlight, deep darkness,
bright white, black and white, sepia tones, pastel colours, vivid colours, muted colours,
red tones, orange tones, yellow tones, green tones, blue tones, purple tones, pink tones,
brown tones, silver and grey, gold, reflections, mist, a blurred background, strong contrast
""",
    "mood": """
calm, cosy, cheerful, playful, funny, cute, dreamy, magical, romantic, nostalgic, melancholy,
lonely, mysterious, eerie, frightening, dark, tense, chaotic, epic, majestic, solemn, elegant,
wild, futuristic, ancient, strange
""",
}
CONCEPTS: tuple[Concept, ...] = tuple(
    Concept(group, words, _CAPTIONS[group].format(words))
    for group, written in _WORDS.items()
    for words in (" ".join(each.split()) for each in written.split(","))
)
BY_WORDS: dict[str, Concept] = {concept.words: concept for concept in CONCEPTS}
