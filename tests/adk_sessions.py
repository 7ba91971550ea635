"""Sessions of the Agent Development Kit with what few of them hold: rewinds and compactions."""

from typing import Any


def event(id: str, time: float, said: str, **more: Any) -> dict[str, Any]:
    """Build an event of the agent's, or of the user's where its id says so."""
    author = "user" if id.startswith("u") else "agent"
    content = {"role": "user" if author == "user" else "model", "parts": [{"text": said}]}
    return {"id": id, "author": author, "timestamp": time, "invocation_id": f"i{id[1:]}", "content": content, **more}


def compaction(id: str, start: float, end: float, said: str) -> dict[str, Any]:
    """Build the event of a compaction."""
    content = {"role": "model", "parts": [{"text": said}]}
    actions = {"compaction": {"start_timestamp": start, "end_timestamp": end, "compacted_content": content}}
    return {"id": id, "author": "user", "timestamp": end + 0.5, "actions": actions}


def rewind(id: str, invocation: str) -> dict[str, Any]:
    """Build the event that takes an invocation back."""
    return {"id": id, "author": "user", "timestamp": 90.0, "actions": {"rewindBeforeInvocationId": invocation}}


TALK = [event("u1", 1, "q1"), event("a1", 2, "s1"), event("u2", 3, "q2"), event("a2", 4, "s2"), event("u3", 5, "q3")]

REPLAYED = {
    "rewind": ([*TALK, rewind("r", "i2"), event("u4", 91, "q4")], ["q1", "s1", "q4"]),
    "rewind of nothing": ([*TALK[:2], rewind("r", "i9"), event("u4", 91, "q4")], ["q1", "s1", "q4"]),
    "compaction": ([*TALK, compaction("c", 1, 2, "C")], ["C", "q2", "s2", "q3"]),
    "compaction within": ([*TALK, compaction("c", 3, 4, "C")], ["q1", "s1", "C", "q3"]),
    "contained": ([*TALK, compaction("c", 1, 2, "C"), compaction("d", 1, 4, "D")], ["D", "q3"]),
    "overlapping": ([*TALK, compaction("c", 1, 3, "C"), compaction("d", 2, 4, "D")], ["C", "D", "q3"]),
    "compaction taken back": ([*TALK, rewind("r", "i2"), compaction("c", 1, 2, "C")], ["C"]),
}
"""ADK sessions, and the texts that its agent is sent."""
