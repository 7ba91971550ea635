"""Secrets leave, and nothing that only looks like one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli.summarizers.redact import redact, redact_all

BODY = "\n".join("MIIEpAIBAAKCAQEA" + "aB3/" * 12 for _ in range(6))
KEY_BLOCK = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----"

SECRETS = {
    "AWS Access Key": "AKIA" + "Q3EGRIJ7XLMNOP2T",
    "GitHub Token": "ghp_" + "a1B2c3D4e5F6" * 3,
    "GitLab Token": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "Slack Token": "xoxb-" + "1234567890-abcdefghij1234567890",
    "Stripe Access Key": "sk_live_" + "a1b2c3d4e5f6g7h8i9j0k1l2",
    "Anthropic Key": "sk-ant-" + "api03-a1B2c3D4e5F6g7H8i9J0",
    "OpenAI Key": "sk-proj-" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "Google Key": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "Hugging Face Token": "hf_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "SendGrid API Key": "SG." + "a1B2c3D4e5F6g7H8i9J0k1." + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V",
}

HARMLESS = [
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "index 1a2b3c4..5d6e7f8 100644",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "request 550e8400-e29b-41d4-a716-446655440000 failed",
    "password = get_password()",
    "password = os.environ['DB_PASSWORD']",
    "secret: string",
    "const password: string = readLine();",
    "DB_PASSWORD=$POSTGRES_PASSWORD",
    "API_KEY=<your key here>",
    "token_count: 123",
    "max_tokens=4096, total_tokens: 81920",
    "The tokenizer splits a token at the secret boundary; every key of the dict is a password field name.",
    "keys are written under -----BEGIN PRIVATE KEY----- and read by load_key(), see the docs for more of it",
    "http://localhost:8080/path@2.0.1",
    "git@github.com:owner/repository.git",
    "APACHELICENSE and APACHEHTTPD are no Artifactory passwords",
    "primary_key=True, foreign_key='orders.id'",
]


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("around", ["{}", "found {} here", '"{}"', "key=\\n{}\\n", "curl -H 'X-Key: {}' host"])
def test_keys_leave_whole(kind: str, around: str) -> None:
    """Half a key is a key; its kind stays, so that the summary still says what was there."""
    secret = SECRETS[kind]
    clean = redact(around.format(secret))
    assert clean.secrets >= 1
    assert "[redacted: " in clean.text
    assert not any(secret[at : at + 12] in clean.text for at in range(len(secret) - 12))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('password = "hunter2!x"', "hunter2!x"),
        ('{"user": "ann", "password": "correct-horse", "api_key": "zz81k2"}', "correct-horse"),
        ('{"user": "ann", "password": "correct-horse", "api_key": "zz81k2"}', "zz81k2"),
        ('{\\"password\\": \\"hunter2abc\\"}', "hunter2abc"),
        ("password: hunter2abc", "hunter2abc"),
        ("export STRIPE_SECRET=whatever-it-is", "whatever-it-is"),
        ("Authorization: Bearer abcdefghij0123456789", "abcdefghij0123456789"),
        ("AccountKey=" + "a1B2" * 22, "a1B2a1B2"),
    ],
)
def test_values_behind_a_name_leave(text: str, secret: str) -> None:
    """A password has no form of its own; its name gives it away."""
    assert secret not in redact(text).text


def test_passwords_in_urls_leave_and_words_stay() -> None:
    """The password is `postgres`, and so are the user, the scheme and the database: those are facts."""
    clean = redact("postgres://postgres:postgres@db.internal:5432/postgres")
    assert clean.text == "postgres://postgres:[redacted: Basic Auth Credentials]@db.internal:5432/postgres"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    """Hashes, ids and code are what a summary is there to keep."""
    assert redact(text) == (text, 0)


@pytest.mark.parametrize("prefix", ["", "+", "    12\t"])
def test_private_keys_leave_as_blocks(prefix: str) -> None:
    """Also out of diffs and numbered listings, and where the end was cut off; the text behind them stays."""
    block = "\n".join(prefix + line for line in KEY_BLOCK.split("\n"))
    assert redact(f"before\n{block}\nafter it all").text == f"before\n{prefix}[redacted: Private Key]\nafter it all"
    torn = redact(f"before\n{block[: len(block) // 2]}")
    assert "aB3/aB3/" not in torn.text
    assert torn.text.startswith("before\n")


def test_two_keys_do_not_take_what_stands_between() -> None:
    """From the first BEGIN to the last END is not one key."""
    clean = redact(f"{KEY_BLOCK}\nthe port is 8473\n{KEY_BLOCK}")
    assert clean.text == "[redacted: Private Key]\nthe port is 8473\n[redacted: Private Key]"
    assert clean.secrets == 2


def test_a_known_secret_leaves_from_all_texts() -> None:
    """Named as a password in one message, it stands bare in the next."""
    texts, count = redact_all(['{"password": "hunter2abc"}', "I logged in with hunter2abc", "nothing here"])
    assert count == 2
    assert "hunter2abc" not in "".join(texts)
    assert texts[2] == "nothing here"


PIECES = st.sampled_from(
    [*SECRETS.values(), *HARMLESS, KEY_BLOCK, 'password = "abc123def"', "a:b@c", "://u:p4ssw0rd@h", "\n", " "]
)


@given(st.lists(PIECES, max_size=8), st.sampled_from(["", " ", "\n"]))
def test_redacting_twice_changes_nothing(pieces: list[str], between: str) -> None:
    """A summary is redacted again at every compaction."""
    once = redact(between.join(pieces))
    assert redact(once.text) == (once.text, 0)


def test_a_large_log_takes_seconds_at_most() -> None:
    """Nobody waits for a privacy check longer than for the model."""
    log = "".join(f"2026-01-{n % 28 + 1:02} INFO api_key_id={n} secret_name=x{n} {'ab' * 30}\n" for n in range(5_000))
    started = time.perf_counter()
    redact(log)
    redact("password" * 40_000)
    redact("-----BEGIN PRIVATE KEY-----" * 3_000)
    redact("-----BEGIN PRIVATE KEY-----\n" + "a" * 200_000)
    assert time.perf_counter() - started < 10
