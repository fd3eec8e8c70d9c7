"""What is never painted, whatever a host sets: children in anything sexual.

The rule is small and blunt. A prompt that holds a word for a child (or an age below 18) and a word
for something sexual is refused, however the two are meant to belong together; so is one word that
already says both. It knows a few languages and the common disguises (`generation.folding`). It will
refuse some harmless prompts, which is the smaller harm, and it will not know every wicked one:
the classifier, reports and moderators stand behind it.
"""

from __future__ import annotations

import re

from generation import folding

SENTENCE = "Nothing sexual with children is painted here."
OF_PICTURES = "Nothing sexual is painted here from a picture."
OF_AGE = 18  # years

# Whole words, as `folding.plain` leaves them: lower case, without accents. English, German,
# French, Spanish, Portuguese, Italian, Dutch, Russian.
_CHILD = """
child children childlike kid kids kiddie kiddies minor minors underage underaged toddler
toddlers infant infants baby babies newborn preteen preteens tween tweens teen teens
teenage teenaged teenager teenagers adolescent adolescents prepubescent pubescent
schoolgirl schoolgirls schoolboy schoolboys schoolchild schoolchildren kindergartner
kindergartener kindergarten juvenile juveniles preschooler preschoolers preschool pupil
pupils youngster youngsters grader graders gradeschooler schooler schoolers juniorhigh
어린이 아이 소녀 소년 미성년자 kind kinder kleinkind kleinkinder madchen schulmadchen minderjahrig
minderjahrige minderjahriger jugendliche jugendlicher enfant enfants fillette fillettes
mineur mineure mineurs mineures ecoliere ecolier bambin nino nina ninos ninas menor
menores colegiala crianca criancas menino menina bambino bambina bambini bambine
minorenne minorenni kindje kinderen meisje meisjes minderjarig minderjarige ребенок
ребенка ребенком дети детей девочка девочки девочку мальчик мальчика школьница школьницы
несовершеннолетняя несовершеннолетний
"""
CHILD = frozenset(_CHILD.split())
CHILD_PHRASES = (
    "little girl", "little girls", "little boy", "little boys", "young girl", "young girls",
    "young boy", "young boys", "small girl", "small boy", "under age", "junior high",
    "middle school", "grade school", "high school student", "elementary school",
    "primary school", "high school girl", "high school boy", "high schooler", "kleines madchen",
    "kleiner junge", "petite fille", "petit garcon", "jeune fille", "nina pequena",
)  # fmt: skip
_SEXUAL = """
nude nudes nudity undress undresses disrobe disrobes disrobing sexualize sexualise rape
raped raping molest molested molesting breast boob panties underwear 누드 나체 섹스 naked
nakedness topless bottomless undressed undressing unclothed sex sexual sexually
sexualized sexualised sexy porn porno pornographic pornography nsfw xxx erotic erotica
erotically hentai ecchi ahegao lingerie genital genitals genitalia penis penises cock
dick vagina vaginal pussy vulva breasts boobs tits nipple nipples cum cumshot orgasm
masturbate masturbates masturbating masturbation fetish bdsm bondage blowjob fellatio
intercourse fuck fucked fucking seductive seductively horny lewd slutty stripper
striptease upskirt cameltoe thong nackt nackte nackter nacktes nackten nacktheit sexuell
sexuelle erotisch erotische pornografisch nu nue nus nues nudite sexuel erotique
pornographique seins desnudo desnuda desnudos desnudas desnudez sexo erotico
pornografico pornografia nudo nuda nudi nudita sesso sessuale naakt naakte seks seksueel
голый голая голые голую голой секс порно эротика
"""
SEXUAL = frozenset(_SEXUAL.split())
SEXUAL_PHRASES = (
    "without clothes", "without any clothes", "without her clothes", "without his clothes",
    "without their clothes", "in the buff", "no clothes", "without clothing", "no clothing",
    "wearing nothing",
    "ohne kleidung", "sans vetements", "sin ropa", "spread legs", "legs spread",
)  # fmt: skip
# These say both by themselves.
_BOTH = """
loli lolis lolicon lolita shota shotas shotacon jailbait csam pedo pedos pedophile pedophilia
paedophile paedophilia padophil padophilie kinderporno kinderpornografie kiddieporn childporn
pedoporno
"""
BOTH = frozenset(_BOTH.split())
# Chinese and Japanese put no space between words: these are found anywhere.
CHILD_ANYWHERE = ("儿童", "兒童", "小孩", "女孩", "男孩", "幼女", "少女", "子供", "子ども", "幼児",
                  "小学生", "中学生", "未成年")  # fmt: skip
SEXUAL_ANYWHERE = ("裸", "色情", "性交", "性爱", "性愛", "エロ", "セックス", "ポルノ", "全裸")
BOTH_ANYWHERE = ("ロリ", "ショタ", "萝莉", "蘿莉", "正太")

_NUMBERS = """
one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen
"""
_YEARS = r"(?:years?|yrs?|yo|y ?o|jahre?|jahrige?[rsn]?|ans|anos|anni|jaar|jarige?|лет|летняя)"
_AGE = re.compile(rf"(?<!\w)(?:(\d{{1,3}})|({'|'.join(_NUMBERS.split())})) ?{_YEARS}(?!\w)")
_AGED = re.compile(
    rf"(?<!\w)(?:aged|age|age of|she is|he is|is|of|turning|at) "
    rf"(?:(\d{{1,3}})|({'|'.join(_NUMBERS.split())}))(?!\w)"
)
_GRADE = re.compile(r"(?<!\w)(?:1st|2nd|3rd|\d{1,2}th) (?:grade|grader)(?!\w)")
_AGE_ANYWHERE = re.compile(r"(\d{1,3}) ?(?:歳|才|岁|歲)")


def shows(prompt: str) -> bool:
    """Whether a prompt is about children in something sexual."""
    young, sexual = _of_an_age(folding.spaced(folding.plain(prompt))), False
    for spelling in folding.spellings(prompt):
        text = f"{folding.spaced(spelling)}\n{folding.joined(spelling)}"
        words = frozenset(text.split())
        for row in folding.rows(spelling):  # of whole sentences pulled apart
            words |= {word for word in CHILD | SEXUAL | BOTH if len(word) > 3 and word in row}
        if words & BOTH or any(sign in text for sign in BOTH_ANYWHERE):
            return True
        framed = f" {text} ".replace("\n", " \n ")
        young = young or _holds(words, framed, CHILD, CHILD_PHRASES, CHILD_ANYWHERE)
        sexual = sexual or _holds(words, framed, SEXUAL, SEXUAL_PHRASES, SEXUAL_ANYWHERE)
        if young and sexual:
            return True
    return False


def sexual(prompt: str) -> bool:
    """Whether a prompt is about something sexual, for what begins with a picture: who is in that,
    nobody has looked at."""
    for spelling in folding.spellings(prompt):
        text = f"{folding.spaced(spelling)}\n{folding.joined(spelling)}"
        framed = f" {text} ".replace("\n", " \n ")
        words = frozenset(text.split())
        if _holds(words, framed, SEXUAL, SEXUAL_PHRASES, SEXUAL_ANYWHERE):
            return True
    return False


def _holds(
    words: frozenset[str],
    framed: str,
    single: frozenset[str],
    phrases: tuple[str, ...],
    anywhere: tuple[str, ...],
) -> bool:
    return (
        bool(words & single)
        or any(f" {phrase} " in framed for phrase in phrases)
        or any(sign in framed for sign in anywhere)
    )


def _of_an_age(text: str) -> bool:
    """Whether somebody in a text is said to be younger than `OF_AGE`."""
    if _GRADE.search(text):
        return True
    for match in (*_AGE.finditer(text), *_AGED.finditer(text)):
        if match[2] or int(match[1]) < OF_AGE:
            return True
    return any(int(match[1]) < OF_AGE for match in _AGE_ANYWHERE.finditer(text))
