"""Messages against the types of the official packages, every lazy list in them walked to its end."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from anthropic.types import MessageParam
from anthropic.types.beta import BetaMessageParam
from botocore.session import get_session
from botocore.validate import ParamValidator
from google.genai.types import Content
from openai.types.chat import ChatCompletionMessageParam
from openai.types.responses import ResponseInputItemParam
from pydantic import TypeAdapter, ValidationError

_OPENAI: TypeAdapter[Any] = TypeAdapter(list[ChatCompletionMessageParam])
_GEMINI: TypeAdapter[Any] = TypeAdapter(list[Content])
_RESPONSES: TypeAdapter[Any] = TypeAdapter(list[ResponseInputItemParam])
_ANTHROPIC: TypeAdapter[Any] = TypeAdapter(list[MessageParam])
_ANTHROPIC_BETA: TypeAdapter[Any] = TypeAdapter(list[BetaMessageParam])


def validate_openai(messages: list[Any]) -> None:
    """Raise where chat completions would refuse the messages."""
    _walk(_OPENAI.validate_python(messages))


def validate_responses(items: list[Any]) -> None:
    """Raise where the Responses API would refuse the items."""
    _walk(_RESPONSES.validate_python(items))


def validate_anthropic(messages: list[Any], *, is_beta: bool = False) -> None:
    """Raise where the Messages API would refuse the messages."""
    _walk((_ANTHROPIC_BETA if is_beta else _ANTHROPIC).validate_python(messages))


def validate_gemini(contents: list[Any]) -> None:
    """Raise where Gemini's package would not take the contents."""
    _GEMINI.validate_python(contents)


@cache
def _converse_messages() -> Any:
    model = get_session().get_service_model("bedrock-runtime")
    return model.operation_model("Converse").input_shape.members["messages"]


def validate_bedrock(messages: list[Any]) -> None:
    """Raise where `botocore` would not send the messages to Converse."""
    report = ParamValidator().validate(messages, _converse_messages())
    assert not report.has_errors(), report.generate_report()


def needs_beta(messages: list[Any]) -> bool:
    """Tell whether messages use what only the beta API takes."""
    try:
        validate_anthropic(messages)
    except ValidationError:
        return True
    return False


def _walk(value: Any) -> None:
    """Pydantic checks an iterable only while it is walked."""
    if isinstance(value, dict):
        value = value.values()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for one in value:
            _walk(one)
