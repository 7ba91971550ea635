"""One streamed POST: sends, reads server-sent events, turns every failure into a `ModelError`."""

import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from cortex_cli.jsonedit import encode, parse
from cortex_cli.llm.client import URL_HINT, ModelError
from cortex_cli.llm.overflow import find_overflow

RETRIED_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Answers that may be different next time. Source: SPEC section 4; 529 is Anthropic's "overloaded"."""

CONNECT_SECONDS = 10.0
"""To reach the server; the answer itself may take `timeout_seconds`."""

MAX_ERROR_CHARS = 300
"""Of a provider's own error text, in ours."""


async def stream_events(
    url: str, *, headers: Mapping[str, str], body: Any, timeout_seconds: float
) -> AsyncIterator[dict[str, Any]]:
    """POST a JSON body and yield the JSON objects of the answer's events.

    An answer that is not a stream is yielded as its one object.

    Args:
        url: The whole address.
        headers: Hold the key; they never reach an error.
        body: What is sent as JSON.
        timeout_seconds: Longest silence.

    Raises:
        ModelError: Not reached, refused, silent for too long, or no JSON.
    """
    shown = shown_url(url)
    timeout = httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds))
    secrets = [value.removeprefix("Bearer ") for name, value in headers.items() if name.lower() in _SECRET_HEADERS]
    try:
        async with (
            httpx.AsyncClient(timeout=timeout) as client,
            client.stream("POST", url, headers=dict(headers), content=encode(body)) as answer,
        ):
            if answer.status_code != 200:
                text = (await answer.aread()).decode(errors="replace")
                raise refused(answer.status_code, _without(text, secrets), answer.headers.get("retry-after"))
            is_stream = "text/event-stream" in answer.headers.get("content-type", "")
            if not is_stream:
                yield _object(await answer.aread())
                return
            async for line in answer.aiter_lines():
                if line.startswith("data:") and (data := line[5:].strip()) and data != "[DONE]":
                    yield _object(data.encode())
    except httpx.TimeoutException as error:
        raise ModelError(f"no answer from {shown} within {timeout_seconds:g} s", retry=True) from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ModelError(f"{shown!r} is not a usable URL", hint="give --llm-url as http(s)://host/...") from error
    except httpx.RequestError as error:
        raise _unreachable(shown, error) from error
    except (ImportError, ValueError) as error:  # what httpx makes of proxies that it cannot use
        raise ModelError(f"{shown} cannot be asked", hint="check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY") from error


def shown_url(url: str) -> str:
    """Return a URL without what may be secret in it: user, password, query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


_SECRET_HEADERS = ("authorization", "x-api-key", "api-key")


def refused(status: int, text: str, retry_after: str | None = None) -> ModelError:
    """Turn an error answer into our error."""
    message = _error_text(text)
    if overflow := find_overflow(text, status):
        return ModelError(
            f"the prompt is too long for the model ({overflow.provider}: {message})",
            overflow=True,
            limit_tokens=overflow.limit_tokens or 0,
        )
    hint = (
        "check the API key"
        if status in (401, 403)
        else "check --llm-model and --llm-url"
        if status in (404, 405)
        else ""
    )
    return ModelError(
        f"HTTP {status}: {message}",
        retry=status in RETRIED_STATUS or status >= 500,
        retry_after_seconds=parse_retry_after(retry_after),
        hint=hint,
    )


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Read a `Retry-After` header, seconds or an HTTP date. Source: RFC 9110, 10.2.3."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)  # `-0000` is read as a time without zone
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = parse(data)
    except ValueError as error:
        raise ModelError("the answer is not JSON", retry=True, hint=URL_HINT) from error
    if not isinstance(value, dict):
        raise ModelError("the answer is not a JSON object", retry=True, hint=URL_HINT)
    if value.get("error"):
        raise refused(_status_of(value["error"]), data.decode(errors="replace"))
    return value


def _status_of(error: Any) -> int:
    """Read the status of an error that came inside a stream, where HTTP had said 200 already."""
    inner = error if isinstance(error, dict) else {}
    if "overloaded" in str(inner.get("type", "")):
        return 529
    code = inner.get("code")
    return code if isinstance(code, int) else 500


def _error_text(text: str) -> str:
    try:
        value = parse(text.encode())
    except ValueError:
        value = text
    while isinstance(value, dict) and ("error" in value or "message" in value):
        value = value.get("message") or value.get("error") or ""
    flat = " ".join(str(value).split())
    return flat[:MAX_ERROR_CHARS] or "no reason given"


def _without(text: str, secrets: list[str]) -> str:
    """Some servers say back what key they were given."""
    for secret in secrets:
        text = text.replace(secret, "[key]") if secret else text
    return text


def _unreachable(url: str, error: httpx.RequestError) -> ModelError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        return ModelError(
            f"no secure connection to {url}: {cause.reason or 'TLS failed'}",
            hint="check the URL's scheme and certificate",
        )
    if isinstance(error, httpx.ConnectError):
        return ModelError(f"cannot connect to {url}", retry=True, hint="check --llm-url, and that the server runs")
    return ModelError(f"the connection to {url} broke off", retry=True)
