"""A model server on loopback that records every request and answers PONG.

Speaks just enough of the Messages, Responses, Chat Completions and Gemini APIs for an agent to finish one turn.
"""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ANSWER = "PONG"

Event = dict[str, Any]


class Server(http.server.ThreadingHTTPServer):
    """One server for one resumed session; `bodies` are the requests that carry a history, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Recorder)
        self.bodies: list[dict[str, Any]] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server on a free port of the loopback interface."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        """Answer a connectivity probe."""
        self._send(b"", "application/json")

    def do_GET(self) -> None:
        """Answer what an agent may ask before its turn: models, health."""
        self._send(b'{"data":[]}', "application/json")

    def do_POST(self) -> None:
        """Record a request and answer it."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = _decode(raw, self.headers.get("content-encoding") or "")
        path = self.path.split("?")[0]
        reply = next((reply for end, reply in REPLIES.items() if path.endswith(end)), None)
        if reply is None:
            self._send(b'{"input_tokens":10}', "application/json")
            return
        self.server.bodies.append(body)
        self._send(*reply(body))

    def _send(self, payload: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


def _decode(raw: bytes, encoding: str) -> dict[str, Any]:
    if encoding == "zstd":
        import zstandard  # noqa: PLC0415 - only Codex compresses its requests

        raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _stream(events: list[Event]) -> tuple[bytes, str]:
    lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return "".join(lines).encode(), "text/event-stream"


def _messages(body: dict[str, Any]) -> tuple[bytes, str]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "m"),
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 3},
    }
    if not body.get("stream"):
        return json.dumps(message).encode(), "application/json"
    ended = {"stop_reason": "end_turn", "stop_sequence": None}
    events: list[Event] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]
    return _stream(events)


def _responses(body: dict[str, Any]) -> tuple[bytes, str]:
    text = {"type": "output_text", "text": ANSWER, "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
    usage = {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 12,
    }
    reply = {"id": "resp_1", "object": "response", "status": "completed", "model": body.get("model", "m")}
    events: list[Event] = [
        {"type": "response.created", "response": {**reply, "status": "in_progress", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {**reply, "output": [item], "usage": usage}},
    ]
    return _stream(events)


def _chat_completions(_: dict[str, Any]) -> tuple[bytes, str]:
    said = {"index": 0, "delta": {"role": "assistant", "content": ANSWER}, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    chunk = {"id": "c", "object": "chat.completion.chunk"}
    chunks = [{**chunk, "choices": [said]}, {**chunk, "choices": [ended], "usage": usage}]
    lines = [f"data: {json.dumps(one)}\n\n" for one in chunks]
    return ("".join(lines) + "data: [DONE]\n\n").encode(), "text/event-stream"


def _gemini(_: dict[str, Any]) -> tuple[bytes, str]:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 2, "totalTokenCount": 12}
    said = {"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP", "index": 0}
    return f"data: {json.dumps({'candidates': [said], 'usageMetadata': usage})}\n\n".encode(), "text/event-stream"


REPLIES: dict[str, Callable[[dict[str, Any]], tuple[bytes, str]]] = {
    "/messages": _messages,
    "/responses": _responses,
    "/chat/completions": _chat_completions,
    ":streamGenerateContent": _gemini,
}
