"""Ids of what we write."""

import subprocess
import sys
import uuid
from pathlib import Path

from cortex_cli.formats.ids import NewIds, new_uuid

ROOT = Path(__file__).parents[2]


def test_the_same_seed_gives_the_same_id() -> None:
    """The same input gives the same bytes; texts may hold what UTF-8 cannot."""
    assert new_uuid("s", "a\ud83d") == new_uuid("s", "a\ud83d")
    assert new_uuid("s", "a") != new_uuid("s", "b")
    assert NewIds([]).make("s") == new_uuid("s")


def test_no_id_is_given_twice() -> None:
    """A record of an earlier one's id would take its place."""
    ids = NewIds([new_uuid("s"), None, 5])
    made = [ids.make("s") for _ in range(3)]
    assert len({new_uuid("s"), *made}) == 4
    short = NewIds([], "msg_", 2)
    assert {len(short.make(str(number))) for number in range(50)} == {6}


def test_an_id_is_one_of_version_5() -> None:
    """Ids of files that were written before stay what they were."""
    ours = uuid.UUID("86ba20a4-6150-5948-bd2d-a087def8ff17")
    assert new_uuid("s", "ä", "") == str(uuid.uuid5(ours, "s\nä\n"))


def test_an_id_needs_no_openssl() -> None:
    """It takes longer to load than to do all else that writes a small session."""
    code = "import sys; from cortex_cli.formats.ids import new_uuid; new_uuid('s'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "_sha1" not in loaded or "_hashlib" not in loaded
