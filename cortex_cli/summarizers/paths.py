"""The folder that most files of a summary lie in is named once; their paths then begin with `./`.

    ## Files and code
    * ./ = /home/dev/acme-api/
    * changed: ./src/db.py ¦ ./src/api/auth.py

Where a path began with `./` from the start, nothing is shortened: it could not be told from one that was.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from cortex_cli.summarizers.earlier import BASE, FACT, SHORT
from cortex_cli.summarizers.ledger import Fact
from cortex_cli.summarizers.packing import Item

MIN_SAVED_CHARS = 100
"""A base that saves less is not worth the reader's attention: some thirty tokens."""

MIN_USES = 3


def find_base(facts: Iterable[Fact]) -> str:
    """Return the folder, with a slash behind it, that saves most; empty where none saves enough."""
    paths = [fact.text.partition(" | ")[0] for fact in facts if fact.kind in ("changed", "read", "found")]
    if any(path.startswith(SHORT) for path in paths):
        return ""
    folders: Tally[str] = Tally()
    for path in set(paths):
        if path.startswith("/"):
            names = path.split("/")[1:-1]
            folders.update(list(accumulate(names, lambda one, name: f"{one}{name}/", initial="/"))[1:])
    saved = {folder: (len(folder) - len(SHORT)) * (uses - 1) for folder, uses in folders.items() if uses >= MIN_USES}
    best = max(saved, key=lambda folder: (saved[folder], folder), default="")
    return best if best and saved[best] >= MIN_SAVED_CHARS else ""


def write_based(items: Iterable[Item], base: str, writer: Callable[[Iterable[Item]], str]) -> str:
    """Write items with a base in front, where enough of them lie in it."""
    chosen: Sequence[Item] = list(items)
    short = [_shortened(item, base) for item in chosen]
    if sum(one is not other for one, other in zip(chosen, short, strict=True)) < MIN_USES:
        return writer(chosen)
    first = min((item.order for item in chosen), default=0) - 1
    return writer([Item("files", FACT, base, 0.0, first, group=BASE, kind="fact"), *short])


def _shortened(item: Item, base: str) -> Item:
    if item.kind != "fact":
        return item
    if item.group in _OF_FILES:
        return item._replace(text=SHORT + item.text[len(base) :]) if item.text.startswith(base) else item
    kind, _, source = item.group.partition(": ")
    if kind == "found" and source.startswith(base):
        return item._replace(group=f"{kind}: {SHORT}{source[len(base) :]}")
    return item


_OF_FILES = frozenset(("changed: ", "read: "))
