"""Whether a few words of an answer say thanks, or what a picture is like, and ask for nothing:
"Thank you!", "Wow, wie schön!", "❤️". In answer to nothing the same words are a picture.
"""

from __future__ import annotations

import re

from fedi.studio.assistant import phrases

_THANKS = """
    thanks | thank you | thank u | thankyou | thanx | thx | ty | tysm | tyvm | much appreciated
    danke | dankeschön | danke schön | vielen dank | besten dank | herzlichen dank | merci
    merci beaucoup | gracias | muchas gracias | mil gracias | obrigado | obrigada | valeu | grazie
    grazie mille | bedankt | dank je | dank je wel | dank u | dziękuję | dzięki | tack
    tack så mycket | tak | mange tak | takk | tusen takk | kiitos | děkuji | díky | köszönöm
    köszi | teşekkürler | teşekkür ederim | sağ ol | gràcies | dankon | terima kasih | ευχαριστώ
    спасибо | большое спасибо | спасибо большое | дякую | شكرا | شكرا لك | 谢谢 | 謝謝 | 多谢 | 多謝
    ありがとう | ありがとうございます | ありがと | 고마워 | 고마워요 | 감사합니다
    wow | whoa | nice | very nice | nice one | great | so good | good job | great job | nice job
    well done | good bot | perfect | awesome | amazing | wonderful | fantastic | brilliant | lovely
    beautiful | gorgeous | stunning | cool | neat | excellent | love it | i love it | i like it
    like it | love this | i love this | i like this | haha | hahaha | lol
    toll | super | schön | wunderschön | wunderbar | klasse | großartig | genial | prima | perfekt
    magnifique | superbe | parfait | très beau | bravo | bonito | precioso | hermoso | perfecto
    lindo | perfeito | bello | bellissimo | perfetto | mooi | prachtig | geweldig
    piękne | świetne | fint | snyggt | kaunis | красиво | круто | отлично | 很好 | 好看 | 漂亮
    すごい | 素敵 | きれい | 멋져 | 멋지다
"""
_BESIDE = """
    so | so much | very | very much | a lot | really | that | that s | thats | this | this is | it
    it s | its | is | oh | ah | yes | yay | you | for this | for that | for the picture
    for the painting | bot | imagine | all | everybody | and | how | what a | absolutely
    just | looks | look | one | picture
    das | ist | das ist | sehr | so | wie | ja | oh | und | dir | ihr | euch | c est | très | que
    muy | es | está | molto | che | è | heel | erg | bardzo | очень | это | как
"""
# Of what people send for it: hearts, hands, faces.
_SIGNS = re.compile(
    "[\u2764\u2665\u2763\U0001f493-\U0001f49f\U0001f5a4\U0001f90d\U0001f90e\U0001f9e1\U0001fa75-\U0001fa77"
    "\U0001f44c-\U0001f44f\U0001f64f\U0001f64c\U0001f600-\U0001f60d\U0001f929\U0001f970\U0001f973\U0001f92f"
    "\U0001f525\U0001f4af\U0001f389\u2728]"
)


def are_meant(words: str) -> bool:
    """Whether these words, in answer to something, say thanks, and nothing else."""
    return phrases.consists_of(_ALL, _SIGNS.sub(" thanks ", words))


def _all() -> re.Pattern[str]:
    thanks, beside = phrases.any_of(_THANKS), phrases.any_of(_BESIDE)
    return re.compile(rf"(?:{beside})*(?:{thanks})(?:{thanks}|{beside})*")


_ALL = _all()
