"""Formats in which user and assistant take turns: which messages share an element when a changed list is written.

Our user texts go into an adjacent user message, as its first parts behind its results; a notice between two
user messages that meet after a drop becomes an assistant message. Without a notice the two become one, and so do
two answers that meet: what the API itself does with neighbours of one role. Neighbours that the input had
stay as they are. Load takes our texts out again by form and position (`place_notice`). Source: SPEC section 10.

Where an element is a mere text, its format says how a joined one can be read back (`Shape.split`, `Shape.write`).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from cortex_cli.formats import rewrite
from cortex_cli.formats.containers import Box
from cortex_cli.formats.rewrite import Plan
from cortex_cli.formats.source import BOM
from cortex_cli.jsonedit import Insert, Path, Raw, Replace, edit, encode, prepend_member
from cortex_cli.jsonscan import item_spans
from cortex_cli.marks import ANSWER_REMOVED
from cortex_cli.messages import Message, Part, Transcript

OURS = -1

_THINKING = ("thinking", "redacted_thinking")
"""A tuple, since a damaged type may be unhashable."""

_MEMORY = ("summary", "log")
"""Ours that stand for what is gone: a notice behind one of them was written there."""

EncodeBlocks = Callable[[Sequence[Part]], Iterator[Any]]


def _leads(piece: Any) -> bool:
    kind = piece.get("type") if isinstance(piece, dict) else ""
    return kind == "tool_result" or kind in _THINKING


def _new_element(side: str, blocks: list[Any], _behind: int) -> dict[str, Any]:
    return {"role": side, "content": blocks}


def _as_list(_element: Any, blocks: list[Any]) -> Any:
    return Raw(b"[" + b",".join(map(encode, blocks)) + b"]")


def _is_any(_element: Any) -> bool:
    return True


class Shape(NamedTuple):
    """What an element of a format looks like."""

    encode_blocks: EncodeBlocks
    """Writes parts of our own."""
    path: Path = ("content",)
    """Where the list of blocks stands in an element."""
    leads: Callable[[Any], bool] = _leads
    """Whether our parts must stand behind a block: a result, or an answer's thinking."""
    new_element: Callable[[str, list[Any], int], dict[str, Any]] = _new_element
    """(side, blocks, index of the element it comes before) -> a new element."""
    write: Callable[[Any, list[Any]], Any] = _as_list
    """(element, blocks) -> what stands in an element that had a string; text formats join them."""
    split: Callable[[Any], list[Any]] | None = None
    """Takes the string of an element apart into blocks; default: it is one."""
    takes_in: Callable[[Any], bool] = _is_any
    """Whether an element may be the one that others are joined into, where there is a choice."""
    results_stand_alone: bool = False
    """Whether what is joined with a result would read as a part of it."""

    def blocks_of(self, value: Any) -> Any:
        """Return what stands where an element has its blocks."""
        for key in self.path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def split_string(self, value: Any) -> list[Any]:
        """Return the blocks of an element that has a string."""
        if self.split is not None:
            return self.split(value)
        content = self.blocks_of(value)
        return list(self.encode_blocks([Part("text", content)])) if isinstance(content, str) and content else []

    def is_alone(self, item: "_Item") -> bool:
        """Tell whether nothing may be joined with an element."""
        return self.results_stand_alone and item.element != OURS and item.message.role == "tool"


def place_notice(messages: list[Message]) -> list[Message]:
    """Put a notice back behind the pinned task, where it stood before it was written.

    A notice comes right after what is pinned: the summary, else the first typed message. So one that is the first
    part of the first typed message's element, with no summary before it, belongs behind it. (Where the task was
    not pinned it stood before it: the same bytes, and the same to whoever is sent them.)
    """
    for at, message in enumerate(messages):
        if message.synthetic in _MEMORY or message.typed:
            return messages
        following = messages[at + 1] if at + 1 < len(messages) else message
        if message.synthetic == "notice" and following.typed and following.records == message.records:
            return [*messages[:at], messages[at + 1], message, *messages[at + 2 :]]
    return messages


class _Item(NamedTuple):
    """An element that stays, or a message of ours that needs a place."""

    side: str
    element: int
    message: Message


class _Cluster(NamedTuple):
    """Items that are written as one element."""

    items: list[_Item]
    side: str = "user"
    """Whose element it is, where it is a new one."""

    @property
    def elements(self) -> list[int]:
        return [item.element for item in self.items if item.element != OURS]


class _Turns:
    """One transcript on its way into a plan."""

    def __init__(self, transcript: Transcript, plan: Plan, shape: Shape) -> None:
        self.transcript = transcript
        self.plan = plan
        self.shape = shape
        self.encode_blocks = shape.encode_blocks
        self.value_of = rewrite.element_reader(transcript)
        self.run_of = _number_runs(transcript.loaded)
        self.has_memory = any(message.synthetic in _MEMORY for message in transcript.messages)
        self._spans: list[tuple[int, int]] | None = None

    def leads_into(self, message: Message) -> bool:
        """Tell whether ours stands first in an element also where it comes behind a message.

        With results it does, and load knows the notice before the task again (`place_notice`).
        """
        return message.role == "tool" or (message.typed and not self.has_memory)

    def bytes_of(self, index: int) -> bytes:
        """Return an element's own bytes."""
        box: Box = self.transcript.layout.box
        if box.kind == "lines":
            return self.transcript.records[index].removeprefix(BOM)
        if box.kind == "plain":
            return encode(box.values[index])
        if self._spans is None:
            self._spans = item_spans(self.transcript.records[0], box.path)
        start, end = self._spans[index]
        return self.transcript.records[0][start:end]

    def take_blocks(self, index: int) -> list[Any]:
        """Return an element's blocks as they will be, and take the element itself out."""
        body = edit(self.bytes_of(index), self.plan.edits.pop(index, ()))
        self.plan.gone.add(index)
        value = rewrite.parse_line(body)
        if isinstance(self.shape.blocks_of(value), list):
            return [Raw(body[start:end]) for start, end in item_spans(body, self.shape.path)]
        return self.shape.split_string(value)


def plan_turns(transcript: Transcript, plan: Plan, shape: Shape) -> None:
    """Plan where our messages go, and join what must not stand side by side."""
    turns = _Turns(transcript, plan, shape)
    items = list(_items(transcript, plan))
    runs = [list(run) for _, run in groupby(items, key=lambda item: item.side)]
    place = rewrite.count_elements(transcript)
    places: list[int] = []
    for run in reversed(runs):
        places.append(place)
        place = min(place, next((item.element for item in run if item.element != OURS), place))
    for run, behind in zip(runs, reversed(places), strict=True):
        _plan_run(turns, run, behind)


def _side(message: Message) -> str:
    return "user" if message.role in ("user", "tool") else message.role


def _number_runs(messages: Sequence[Message]) -> dict[int, int]:
    """Number the stretches of one side: elements of one stretch were neighbours in the input already."""
    sides = {record: _side(message) for message in messages for record in message.records}
    found: dict[int, int] = {}
    number, side = 0, ""
    for element in sorted(sides):
        number += sides[element] != side
        side = sides[element]
        found[element] = number
    return found


def _items(transcript: Transcript, plan: Plan) -> Iterator[_Item]:
    seen = set(plan.gone)
    for message in transcript.messages:
        side = _side(message)
        if message.position < 0 and not message.records:
            yield _Item(side, OURS, message)
        for record in message.records:  # an answer may stand in several
            if record not in seen:
                seen.add(record)
                yield _Item(side, record, message)


def _plan_run(turns: _Turns, run: list[_Item], behind: int) -> None:
    """Plan one stretch of one side; `behind` is the first element after it."""
    if all(item.element == OURS for item in run):
        _insert_new(turns, run[0].side, run, behind)
        return
    if run[0].side == "system":
        return
    clusters = list(_apart(turns.shape, _clusters(turns, run)))
    for at, cluster in enumerate(clusters):
        if cluster.elements:
            _join(turns, cluster)
        else:
            following = next((one.elements[0] for one in clusters[at:] if one.elements), behind)
            _insert_new(turns, cluster.side, cluster.items, following)


def _clusters(turns: _Turns, run: list[_Item]) -> list[_Cluster]:
    """Say which items become one element; a cluster without an element is a notice between two users."""
    clusters: list[_Cluster] = []
    waiting: list[_Item] = []
    previous = OURS
    for item in run:
        if item.element == OURS:
            waiting.append(item)
            continue
        notice = next((at for at, one in enumerate(waiting) if one.message.synthetic == "notice"), None)
        if previous == OURS:
            clusters.append(_Cluster([*waiting, item]))
        elif turns.run_of[previous] == turns.run_of[item.element]:
            clusters[-1].items.extend(one for one in waiting if one.message.role == "tool")  # beside their siblings
            clusters.append(_Cluster([*(one for one in waiting if one.message.role != "tool"), item]))
        elif notice is None or item.side != "user":
            clusters[-1].items.extend([*waiting, item])
        else:
            clusters[-1].items.extend(waiting[:notice])
            clusters += [_Cluster([waiting[notice]], "assistant"), _Cluster([*waiting[notice + 1 :], item])]
        waiting, previous = [], item.element
    clusters[-1].items.extend(waiting)
    return clusters


def _apart(shape: Shape, clusters: Sequence[_Cluster]) -> Iterator[_Cluster]:
    """Take what would be joined with a result that stands alone out of its element: behind it, and behind an answer."""
    for cluster in clusters:
        alone = [item for item in cluster.items if shape.is_alone(item)]
        if not alone or len(cluster.items) == 1:
            yield cluster
            continue
        others = [item for item in cluster.items if item not in alone]
        answer = _Item("assistant", OURS, Message("assistant", (Part("text", ANSWER_REMOVED),)))
        yield from (_Cluster(alone), _Cluster([answer], "assistant"), _Cluster(others))


def _insert_new(turns: _Turns, side: str, items: Sequence[_Item], behind: int) -> None:
    """Write our messages as one element of their own."""
    parts = [part for item in items for part in item.message.parts]
    blocks = list(turns.encode_blocks(_results_first(parts)))
    turns.plan.inserts[behind].append(turns.shape.new_element(side, blocks, behind))


def _results_first(parts: Sequence[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: part.kind != "result")


def _join(turns: _Turns, cluster: _Cluster) -> None:
    """Put our parts, and the blocks of elements that meet, into one of the elements."""
    if len(cluster.items) == 1:
        return
    elements = cluster.elements
    host = next((one for one in elements if turns.shape.takes_in(turns.value_of(one))), elements[0])
    at = next(i for i, item in enumerate(cluster.items) if item.element == host)
    early, late = cluster.items[:at], cluster.items[at + 1 :]
    if len(elements) == 1 and turns.leads_into(cluster.items[at].message):
        early, late = [*early, *late], []
    _put(turns, host, _blocks_of(turns, early), _blocks_of(turns, late))


def _blocks_of(turns: _Turns, items: Sequence[_Item]) -> list[Any]:
    """Return what items are written as, the results of ours first."""
    blocks: list[Any] = []
    for is_ours, some in groupby(items, key=lambda item: item.element == OURS):
        if is_ours:
            blocks += turns.encode_blocks(_results_first([part for item in some for part in item.message.parts]))
        else:
            blocks += [block for item in some for block in turns.take_blocks(item.element)]
    return blocks


def _put(turns: _Turns, host: int, first: list[Any], last: list[Any]) -> None:
    shape, edits = turns.shape, turns.plan.edits[host]
    content = shape.blocks_of(turns.value_of(host))
    if isinstance(content, list):
        if first:
            edits.append(Insert((*shape.path, _first_free(content, shape)), tuple(first)))
        if last:
            edits.append(Insert((*shape.path, len(content)), tuple(last)))
        return
    body = edit(turns.bytes_of(host), edits)
    element = rewrite.parse_line(body)
    written = shape.write(element, [*first, *shape.split_string(element), *last])
    if len(shape.path) == 1 and shape.path[0] not in element:  # who speaks is all that such a message says
        turns.plan.edits[host] = [Replace((), Raw(prepend_member(body, str(shape.path[0]), written)))]
    else:
        turns.plan.edits[host] = [Replace(shape.path, written)]


def _first_free(content: list[Any], shape: Shape) -> int:
    """Return where our parts may stand first: behind results, and in an answer behind its thinking."""
    return next((at for at, piece in enumerate(content) if not shape.leads(piece)), len(content))
