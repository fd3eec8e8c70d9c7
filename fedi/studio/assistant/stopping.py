"""Whether a few words tell it to stop, in the languages of common instances.

All of them must be words of stopping and of asking for it: "stop", "please stop it", "Hör auf!",
and no more. "A stop sign" is a picture. Words that are pictures on their own, such as "silence",
are not among them: who is misunderstood so has silenced a thread for good.
"""

from __future__ import annotations

import re

from fedi.studio.assistant import phrases

_STOPPING = """
    stop | stopp | halt | cease | desist | enough | basta | quit it | cut it out
    be quiet | quiet please | shut up | go away | leave us alone | leave me alone | knock it off
    hör auf | hoer auf | hör bitte auf | hör jetzt auf | hör doch auf | höre auf | hört auf
    hören sie auf | aufhören | aufhoeren | schluss | schluss damit | genug | sei still | sei ruhig
    lass es | lass das | halt den mund
    arrête | arrêtez | arrêter | arrête toi | arrêtez vous | ça suffit | assez | tais toi
    taisez vous
    para | parar | detente | deténgase | paren | ya basta | cállate | déjalo
    pare | parem | chega | cala te | cale se
    smettila | smetti | smettetela | fermati | ferma | fermatevi | finiscila
    hou op | houd op | ophouden | genoeg | hou je mond | kappen
    przestań | przestańcie | dość | dosyć | wystarczy | zatrzymaj się | stój
    sluta | slutt | hold op | lopeta | přestaň | přestaňte | stačí
    elég | hagyd abba | yeter | durdur | prou | haltu | ĉesu | berhenti | σταματα | σταματησε
    стоп | хватит | перестань | перестаньте | прекрати | прекратите | остановись | остановитесь
    досить | припини | припиніть | зупинись
    توقف | توقفي | كفى | 停 | 停止 | 停下 | 停下来 | 住手 | 够了 | 別畫了 | 别画了 | 그만 | 그만해
    그만해요 | 그만하세요 | 멈춰 | 멈추세요 | 중지 | 스톱
"""
_POLITE = """
    please | pls | plz | kindly | just | now | right now | right | already | immediately | at once
    ok | okay | hey | hi | oh | no | thanks | thank you | thx | sorry | bot | imagine | it | this
    that | that s | thats | here | all | all of it | everything | in this thread | this thread
    painting | drawing | answering | replying | posting | talking | can you | could you | would you
    will you | you | i want you to | i said | and
    bitte | jetzt | sofort | mal | doch | danke | nein | damit | hier | endlich | es | das
    s il te plaît | s il vous plaît | svp | stp | merci | maintenant | non | ça | tout de suite
    por favor | ya | ahora | gracias | aquí | esto | agora | obrigado | obrigada | já | isso | aqui
    per favore | ora | adesso | subito | grazie | qui | alsjeblieft | alstublieft | nu | dank je
    bedankt | hier mee | hiermee | ermee | proszę | już | teraz | dziękuję | tack | tak | takk | nå
    prosím | kiitos | kérlek | lütfen | artık | si us plau | bonvolu | tolong | παρακαλω | 请 | 請
    пожалуйста | уже | сейчас | спасибо | будь ласка | вже | من فضلك | الآن | 제발 | 이제
"""
# Nothing stands between the words of these.
_JAPANESE = r"(?:やめて|止めて|辞めて|とめて|止まって|とまって|ストップ|停止|黙って|やめろ|止めろ)"
_JAPANESE_POLITE = (
    r"(?:もう|どうか|すぐに?|今すぐ|お願い(?:します)?|おねがい(?:します)?|ください|下さい"
    r"|くれ|して|ね|よ|ー)"
)

_SIGN = "🛑"


def are_meant(words: str) -> bool:
    """Whether these words tell it to stop, and nothing else."""
    return phrases.consists_of(_ALL, words.replace(_SIGN, " stop "))


def _all() -> re.Pattern[str]:
    japanese, japanese_polite = phrases.plain(_JAPANESE), phrases.plain(_JAPANESE_POLITE)
    stopping = (
        rf"(?:sto{{3,}}p+|sto{{2}}p{{2,}}|stop{{2,}})(?:\s|$)|{phrases.any_of(_STOPPING)}"
        rf"|{japanese}\s?"
    )
    polite = rf"{phrases.any_of(_POLITE)}|{japanese_polite}\s?"
    return re.compile(rf"(?:{polite})*(?:{stopping})(?:{stopping}|{polite})*")


_ALL = _all()
