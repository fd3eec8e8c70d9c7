"""What readers may want to be warned of, by the words of a post, of its prompt, and of what its
picture shows: a proposal for a content warning where there is no language model, or where that
sees no need.

The list is short on purpose. It names what people on the fediverse usually warn of: nudity and
sex, blood, violence, death, self-harm, eating disorders, drugs, spiders and snakes, flashing
lights. A word counts whole, as `generation.folding` makes it comparable; English, German, French
and Spanish are known. It is wrong now and then (a blood orange hurts nobody), which harms nobody
either: its author takes it, or leaves it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from generation import folding, languages, minors

Caution = Literal[
    "nudity", "blood", "violence", "death", "self-harm", "eating", "drugs", "animals", "flashing",
    "sensitive",
]  # fmt: skip
MOST = 3  # in one warning: a longer one warns of nothing

# Whole words and phrases, as `folding.spaced(folding.plain())` leaves them.
_WORDS: dict[Caution, str] = {
    "blood": "blood, bloody, bleeding, bloodied, bloodstained, gore, gory, wounds, wounded, "
    "blut, blutig, blutige, blutigen, blutende, blutet, wunde, wunden, ensanglante, sanglant, "
    "sanglante, saignant, blessure, blessures, sangre, sangriento, sangrienta, herida, heridas",
    "violence": "violence, violent, murder, murdered, murderer, massacre, torture, tortured, "
    "stabbing, stabbed, beheaded, beheading, beaten up, battlefield, war crime, "
    "gewalt, mord, ermordet, folter, massaker, schlachtfeld, meurtre, torturee, violencia, "
    "asesinato, tortura, masacre",
    "death": "corpse, corpses, dead body, dead bodies, dead animal, cadaver, cadavers, roadkill, "
    "leiche, leichen, leichnam, kadaver, cadavre, cadavres, cadaveres",
    "self-harm": "suicide, suicidal, self harm, selfharm, self injury, cutting myself, "
    "selbstmord, suizid, selbstverletzung, suicidaire, automutilation, suicidio, autolesion",
    "eating": "anorexia, anorexic, bulimia, bulimic, eating disorder, essstorung, magersucht, "
    "bulimie, anorexie, trouble alimentaire, trastorno alimentario",
    "drugs": "drugs, cocaine, heroin, meth, overdose, syringe, drogen, kokain, uberdosis, spritze, "
    "drogues, seringue, drogas, cocaina, heroina, jeringa",
    "animals": "spider, spiders, tarantula, tarantulas, snake, snakes, spinne, spinnen, "
    "vogelspinne, schlange, schlangen, araignee, araignees, serpent, serpents, arana, aranas, "
    "serpiente, serpientes",
    "flashing": "strobe, strobing, stroboscope, flashing lights, flashing light, stroboskop, "
    "blitzlicht, lichtblitze, lumieres clignotantes, luces intermitentes",
}
_PHRASES = {
    caution: tuple(" ".join(phrase.split()) for phrase in words.split(","))
    for caution, words in _WORDS.items()
}
_SAID: dict[str, dict[Caution, str]] = {
    "en": {
        "nudity": "Nudity", "blood": "Blood", "violence": "Violence", "death": "Death",
        "self-harm": "Self-harm", "eating": "Eating disorder", "drugs": "Drugs",
        "animals": "Spiders or snakes", "flashing": "Flashing lights",
        "sensitive": "Sensitive picture",
    },
    "de": {
        "nudity": "Nacktheit", "blood": "Blut", "violence": "Gewalt", "death": "Tod",
        "self-harm": "Selbstverletzung", "eating": "Essstörung", "drugs": "Drogen",
        "animals": "Spinnen oder Schlangen", "flashing": "Blitzlicht",
        "sensitive": "Heikles Bild",
    },
    "fr": {
        "nudity": "Nudité", "blood": "Sang", "violence": "Violence", "death": "Mort",
        "self-harm": "Automutilation", "eating": "Trouble alimentaire", "drugs": "Drogues",
        "animals": "Araignées ou serpents", "flashing": "Lumières clignotantes",
        "sensitive": "Image sensible",
    },
    "es": {
        "nudity": "Desnudez", "blood": "Sangre", "violence": "Violencia", "death": "Muerte",
        "self-harm": "Autolesión", "eating": "Trastorno alimentario", "drugs": "Drogas",
        "animals": "Arañas o serpientes", "flashing": "Luces intermitentes",
        "sensitive": "Imagen delicada",
    },
}  # fmt: skip


def of_words(text: str) -> tuple[Caution, ...]:
    """What a text calls for a warning of, at most `MOST`; empty where nothing does."""
    framed = f" {folding.spaced(folding.plain(text))} "
    found: list[Caution] = ["nudity"] if minors.sexual(text) else []
    found += [
        caution
        for caution, phrases in _PHRASES.items()
        if any(f" {phrase} " in framed for phrase in phrases)
    ]
    return tuple(found[:MOST])


def said(cautions: Iterable[Caution], language: str = "") -> str:
    """A content warning in words: “Blood, Violence”. Languages that are not known are English.

    language: a BCP 47 tag.
    """
    words = _SAID.get(languages.primary(language), _SAID["en"])
    return ", ".join(words[caution] for caution in cautions)
