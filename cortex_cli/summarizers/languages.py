"""Words of command, ban, preference, change and decision in other languages than English.

For each language the closed classes alone: modal verbs, negations, `only`, `always`, `instead`, what stands between a
subject and its value. Words that English or a neighbour has as well (`die`, `solo`; `mai`, a month) are left out.
Chinese, Japanese and Korean are looked through for strings: they part no words, or bend them.
"""

import re
from collections.abc import Mapping

from cortex_cli.summarizers.lexicon import Cue

_TABLES: tuple[tuple[Cue, str], ...] = (
    (
        Cue.MUST,
        """
        muss müssen musst müsst darf dürfen darfst soll sollen immer niemals nie nur stets verboten zwingend unbedingt
        keinesfalls ausschließlich verpflichtend pflicht
        doit doivent dois devez devons toujours jamais interdit interdite obligatoire uniquement seulement
        impérativement
        debe deben debes debemos nunca jamás siempre prohibido prohibida obligatorio obligatoria solamente
        únicamente sólo
        deve devono devi sempre vietato vietata obbligatorio obbligatoria soltanto solamente
        devem devemos proibido proibida obrigatório obrigatória somente apenas
        moet moeten mag mogen nooit altijd verboden verplicht uitsluitend
        måste aldrig alltid förbjudet får endast aldri alltid forbudt skal
        musi muszą nigdy zawsze tylko zabronione wolno trzeba
        должен должна должно должны нельзя никогда всегда только обязательно запрещено нужно надо
        повинен завжди ніколи тільки заборонено
        asla daima sadece yasak zorunlu mutlaka
        """,
    ),
    (
        Cue.NEGATE,
        """
        nicht kein keine keinen keinem keiner nie niemals ohne pas jamais sans aucun aucune nunca jamás ningún
        ninguna non senza nessun nessuna não nenhum nenhuma niet geen nooit zonder inte aldrig ikke aldri uden bez
        nie не нет без ніколи değil asla
        """,
    ),
    (
        Cue.SHOULD,
        """
        bitte lieber bevorzuge bevorzugen sollte sollten vermeide vermeiden möglichst
        préfère préférons préférer devrait devraient évite évitez éviter
        prefiero preferimos preferir debería deberían evita evitar
        preferisco preferiamo dovrebbe dovrebbero evitare
        prefiro preferimos deveria deveriam evite
        liever voorkeur vermijd предпочитаю лучше следует избегать
        """,
    ),
    (
        Cue.LIMIT,
        """
        höchstens mindestens maximal spätestens frist maximum minimum délai máximo mínimo plazo massimo minimo scadenza
        prazo hoogstens minstens uiterlijk максимум минимум срок
        """,
    ),
    (
        Cue.DECIDE,
        """
        entschieden beschlossen vereinbart festgelegt décidé convenu choisi decidido acordado elegido deciso concordato
        scelto decidimos combinado besloten afgesproken решили договорились выбрали
        """,
    ),
    (
        Cue.UPDATE,
        """
        jetzt statt stattdessen geändert verschoben umbenannt künftig neuer neue neues maintenant désormais changé
        déplacé remplacé renommé ahora cambió cambiado cambiada movido adesso cambiato cambiata invece spostato
        agora mudou alterado alterada voortaan gewijzigd verplaatst теперь изменён изменился изменили вместо перенесли
        """,
    ),
    (Cue.PIVOT, "ist sind lautet beträgt est sont vaut es è sono é são zijn это равен является"),
    (Cue.REQUEST, "bitte veuillez merci por s'il пожалуйста"),
    (
        Cue.ORDER,
        """
        verwende verwendet nutze benutze benutzt halte lass schreibe füge lösche prüfe utilise utilisez garde gardez
        écris écrivez ajoute ajoutez usad utiliza utilizad mantén escribe usate mantieni scrivi mantenha escreva
        gebruik houd schrijf используй используйте пиши пишите
        """,
    ),
    (Cue.HEDGE, "vielleicht eigentlich peut-être quizás forse talvez misschien может возможно"),
    (Cue.CHAT, "danke hallo bonjour gracias hola grazie ciao obrigado obrigada olá bedankt спасибо привет"),
    (Cue.NORM, "regel regeln vorschrift règle règles reglas regola regole regra regras regels правило правила"),
)


def _merged() -> dict[str, int]:
    words: dict[str, int] = {}
    for flag, text in _TABLES:
        for word in text.split():
            words[word] = words.get(word, 0) | int(flag)
    return words


OTHER_WORDS: Mapping[str, int] = _merged()
"""Word in lower case -> its cues."""

_INSIDE: tuple[tuple[int, re.Pattern[str]], ...] = tuple(
    (int(flag), re.compile(strings))
    for flag, strings in (
        (
            Cue.MUST,
            "必须|必須|不要|不能|不得|不可|禁止|严禁|嚴禁|务必|務必|一定要|只能|永远|总是|總是|请勿|請勿|切勿|绝不|別|别"
            "|必ず|絶対|なければな|てはいけ|てはなら|ないでくだ|しないこと|だけ"
            "|반드시|절대|금지|항상|하지 ?마|해야|안 ?됩니다|안 ?된다",
        ),
        (Cue.NEGATE, "不|没有|沒有|无法|勿|别|別|禁止|ない|ません|않|지 ?마|금지"),
        (Cue.SHOULD, "应该|應該|最好|尽量|盡量|优先|優先|请|請|ください|べき|ほうがいい|주세요|좋겠"),
        (Cue.DECIDE, "决定|決定|确定|商定|決め|결정"),
        (Cue.UPDATE, "现在|現在|改为|改為|改成|变更|變更|更新为|不再|変更|になりました|이제|변경|바뀌"),
        (Cue.PIVOT, "是|为|為|等于|は|です|은|는|입니다"),
        (Cue.LIMIT, "最多|最少|至少|不超过|不超過|截止|以内|まで|以上|以下|최대|최소|까지"),
    )
)
_CLOSE_SCRIPTS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_CLOSE = re.compile(f"[{_CLOSE_SCRIPTS}]")
_EDGE = re.compile(
    rf"(?<=[{_CLOSE_SCRIPTS}])(?=[\w`/$~.-])(?![{_CLOSE_SCRIPTS}])|(?<=[\w`/$%])(?<![{_CLOSE_SCRIPTS}])(?=[{_CLOSE_SCRIPTS}])"
)


def cues_inside(token: str) -> int:
    """Return the cues of strings in a token of a script that parts no words; 0 for any other."""
    if token.isascii() or not _CLOSE.search(token):
        return 0
    return sum(flag for flag, strings in _INSIDE if strings.search(token))


def part_scripts(text: str) -> str:
    """Put spaces between a script that has none and the numbers, names and paths inside it."""
    return text if text.isascii() or not _CLOSE.search(text) else _EDGE.sub(" ", text)
