"""Texts with their right counts: a fast engine is only used if it counts each of them so."""

from typing import NamedTuple


class Vector(NamedTuple):
    """A text, counted by tiktoken 0.14 (a test counts them again)."""

    text: str
    o200k_base: int
    cl100k_base: int


VECTORS = (
    Vector("", 0, 0),
    Vector("hello world", 2, 2),
    Vector("  leading and trailing  ", 5, 5),
    Vector("I'll you'RE we've THEY'D", 7, 8),
    Vector("line\n\n\n  indented\r\n\ttabs\t\t\n", 9, 9),
    Vector("path/to//file.py:12:\n/usr/bin\n//x", 13, 13),
    Vector("1234567890 3.14159 0xDEADBEEF", 15, 15),
    Vector("snake_case camelCase PascalCase SCREAMING_CASE kebab-case", 13, 13),
    Vector('{"a": [1, 2, {"b": null}], "c": "\\u00e9"}', 23, 23),
    Vector("naïve café Ünïcödé", 8, 11),
    Vector("Привет, мир! Γειά σου", 9, 13),
    Vector("日本語のテキスト。中文字符，한국어", 12, 17),
    Vector("\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308 e\u0301 \u200b\ufeff", 19, 26),
    Vector("<|endoftext|> <|im_start|>user", 14, 13),
    Vector("a\x00b\x1b[32mok\x1b[0m\x07", 12, 11),
    Vector("lone \ud800 surrogate", 4, 4),
    Vector(" " * 300, 3, 3),
    Vector("a" * 700, 88, 88),
    Vector("=-" * 150, 20, 20),
    Vector("\n" * 80, 5, 3),
    Vector("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 8, 160, 160),
    Vector("deadbeefcafe0123456789abcdef" * 6, 60, 60),
    Vector("\u01c5ungla \u02b0\u1d43 \u2167 \u2461 \xbd \u0663\u0664\u0665", 21, 25),
    Vector("\xa0\u2003\u3000x\u2028y", 6, 8),
)
