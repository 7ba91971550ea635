"""Whether an error says that the prompt was too long, in every provider's own words."""

import pytest

from cortex_cli.llm.overflow import WORDINGS, find_overflow

SAID = {
    "anthropic": [
        (
            '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}',
            13462,
        ),
        ("input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length", 0),
    ],
    "openai": [
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please reduce the length of the messages.",
            2000,
        ),
        ("Your input exceeds the context window of this model. Please adjust your input and try again.", None),
        ('{"error":{"code":"context_length_exceeded","message":"too long"}}', None),
    ],
    "azure": [("This model's maximum context length is 8192 tokens.", None)],
    "bedrock": [("ValidationException: Input is too long for requested model.", None)],
    "gemini": [("The input token count (1196265) exceeds the maximum number of tokens allowed (1048576).", 147689)],
    "mistral": [
        ("Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length", 7232)
    ],
    "xai": [("This model's maximum prompt length is 131072 but the request contains 537812 tokens.", 406740)],
    "groq": [("Please reduce the length of the messages or completion.", None)],
    "llama.cpp": [
        (
            '{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}',
            904,
        ),
        ("the request exceeds the available context size. try increasing the context size", None),
    ],
    "vllm": [
        (
            "'max_tokens' is too large: 2000. This model's maximum context length is 4096 tokens and your request has 2104 input tokens",
            0,
        ),
        ("The decoder prompt (length 5000) is longer than the maximum model length of 4096.", 904),
    ],
    "ollama": [
        ("prompt too long; exceeded max context length by 123 tokens", 123),
        ("the input length exceeds the context length", None),
    ],
    "openrouter": [
        (
            "This endpoint's maximum context length is 1048576 tokens. However, you requested about 1293741 tokens (1227853 of text input).",
            245165,
        ),
    ],
}


@pytest.mark.parametrize(("message", "excess"), [one for said in SAID.values() for one in said])
def test_every_wording_is_recognised_with_its_numbers(message: str, excess: int | None) -> None:
    """A wording that is not known makes the agent fail where it could have shrunk its history."""
    found = find_overflow(message)
    assert found is not None
    assert found.excess_tokens == excess


def test_every_provider_of_the_table_has_a_case() -> None:
    """A row nobody tries is a guess."""
    assert {wording.provider for wording in WORDINGS} == set(SAID)


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000", 429),
        (
            "Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Requested 7000, please reduce the length of the messages or completion",
            413,
        ),
        ("This request would exceed your organization's rate limit of 40,000 input tokens per minute", 400),
        ("prompt is too long", 500),
        ("Invalid API key", 401),
        ("You exceeded your current quota, please check your plan", 400),
    ],
)
def test_rate_limits_are_no_overflow(message: str, status: int) -> None:
    """Shrinking a history does not help against a rate limit, it only loses content."""
    assert find_overflow(message, status) is None
