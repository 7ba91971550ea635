"""People write to their tools in their own language: a ban in it must not pass for small talk."""

import pytest

from cortex_cli.summarizers.languages import part_scripts
from cortex_cli.summarizers.salience import weigh
from cortex_cli.summarizers.statements import Statement
from cortex_cli.summarizers.words import Lexer
from tests.conftest import user
from tests.summarizers.test_builtin import summary

SAID = {
    "German": ("Am Freitag darf niemand etwas ausrollen.", "Gestern war das Wetter wieder so richtig angenehm."),
    "French": ("Ne modifiez jamais les migrations.", "Hier nous sommes allés au cinéma avec des amis."),
    "Spanish": ("Nunca borres los registros.", "Ayer fuimos al mercado con la familia entera."),
    "Italian": ("Devi sempre usare la nuova chiave.", "Ieri abbiamo mangiato una pizza molto buona."),
    "Portuguese": ("Os testes devem sempre passar.", "Ontem fomos passear na praia com os amigos."),
    "Dutch": ("Je mag nooit op vrijdag uitrollen.", "Gisteren hebben we lekker in de tuin gezeten."),
    "Russian": ("Никогда не удаляйте журналы.", "Вчера мы долго гуляли в парке."),
    "Chinese": ("请不要在星期五部署。", "今天天气很好我们去公园散步了。"),
    "Japanese": ("必ずテストを実行してください。", "昨日は公園で友達と遊びました。"),
    "Korean": ("절대 금요일에 배포하지 마세요.", "어제 친구와 영화를 봤습니다."),
}


@pytest.mark.parametrize("language", SAID)
def test_rules_outweigh_talk(language: str) -> None:
    """By more than the length of either makes up for."""
    rule, talk = weigh([Statement("user", text, at, at) for at, text in enumerate(SAID[language])], Lexer())
    assert rule.score > talk.score + 0.7


def test_small_summary_of_a_mixed_chat_holds_the_rules() -> None:
    """Where only half fits, it is the half that binds."""
    text = summary(*(user(f"{rule}\n{talk}") for rule, talk in SAID.values()), max_tokens=110).text
    assert [language for language, (rule, _) in SAID.items() if rule not in text] == []


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("端口是8473。", "端口是 8473。"),
        ("使用/etc/hosts文件", "使用 /etc/hosts 文件"),
        ("ポートは8473です", "ポートは 8473 です"),
        ("The port is 8473.", "The port is 8473."),
        ("Größe: 5 MB", "Größe: 5 MB"),
    ],
)
def test_numbers_and_paths_stand_out_in_scripts_without_spaces(text: str, parted: str) -> None:
    """Else no value in them is ever seen."""
    assert part_scripts(text) == parted


def test_chinese_value_counts_as_one() -> None:
    """The value decides what survives, in any script."""
    (unit,) = weigh([Statement("user", "端口是8473。", 0, 0)], Lexer())
    assert [value.text for value in unit.values] == ["8473"]
    assert unit.sort == "value"
