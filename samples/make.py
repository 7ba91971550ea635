"""Write the samples: one debugging session, invented for this project, in every format.

    python samples/make.py

Everything follows from the text below and a fixed seed, so that a second run writes the same bytes.
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from cortex_cli.messages import Message, Part  # noqa: E402  # the project is not installed where samples are made
from tests import wire  # noqa: E402  # the same

SEED = 2291
INVOICES = 190

CUSTOMERS = """Aalto Optics|Birch & Vale|Corvid Labs|Dunmore Freight|Eastgate Dental|Fjordline|Gable Roofing
Hexham Mills|Ibis Travel|Juniper Foods|Kestrel Bikes|Larkspur Media|Moorland Tea|Norden Print|Osprey Marine|Pinnacle Ski
Quayside Fish|Rowan Joinery|Saltmarsh Pots|Tern Logistics|Umber Paints|Vesper Audio|Wren Textiles|Yarrow Clinic"""
NAMES = CUSTOMERS.replace("\n", "|").split("|")

RUN_PY = '''"""The nightly billing run: one charge for every open invoice."""

import logging
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from parcelhub.billing.gateway import Gateway, GatewayError, GatewayTimeout
from parcelhub.billing.money import round_amount
from parcelhub.billing.store import InvoiceStore

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
BATCH_SIZE = 50


@dataclass
class RunReport:
    day: date
    charged: int = 0
    failed: int = 0
    total: Decimal = Decimal("0")


def run_nightly(store: InvoiceStore, gateway: Gateway, day: date) -> RunReport:
    report = RunReport(day)
    for batch in store.open_invoices(day, size=BATCH_SIZE):
        for invoice in batch:
            amount = round_amount(invoice.net * (1 + invoice.vat_rate))
            if charge_with_retry(gateway, invoice.customer_id, amount, invoice.number):
                store.mark_paid(invoice.number, amount)
                report.charged += 1
                report.total += amount
            else:
                report.failed += 1
    log.info("run %s: %d charged, %d failed, total %s", day, report.charged, report.failed, report.total)
    return report


def charge_with_retry(gateway: Gateway, customer_id: str, amount: Decimal, reference: str) -> bool:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            gateway.charge(customer_id, amount, reference=reference)
            return True
        except GatewayTimeout:
            log.warning("gateway timeout for %s, retrying (attempt %d)", reference, attempt + 1)
        except GatewayError as error:
            log.error("charge %s refused: %s", reference, error)
            return False
    return False
'''

GATEWAY_PY = '''"""HTTP client of the payment gateway."""

import uuid
from decimal import Decimal

import httpx

BASE_URL = "https://pay.example.net/v2"
TIMEOUT_SECONDS = 30.0


class GatewayError(Exception):
    """The gateway refused the charge."""


class GatewayTimeout(Exception):
    """No answer in time; the charge may or may not have happened."""


class Gateway:
    def __init__(self, key: str, client: httpx.Client | None = None) -> None:
        self.key = key
        self.client = client or httpx.Client(base_url=BASE_URL, timeout=TIMEOUT_SECONDS)

    def charge(self, customer_id: str, amount: Decimal, *, reference: str) -> str:
        body = {"customer": customer_id, "amount": str(amount), "currency": "EUR", "reference": reference}
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": str(uuid.uuid4())}
        try:
            answer = self.client.post("/charges", json=body, headers=headers)
        except httpx.TimeoutException as error:
            raise GatewayTimeout(reference) from error
        if answer.status_code >= 400:
            raise GatewayError(f"{answer.status_code} {answer.text[:200]}")
        return answer.json()["id"]
'''

MONEY_PY = '''"""Amounts of money."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def round_amount(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
'''

DOCS = """# Idempotent requests

The API supports idempotency for safely retrying requests without performing the same operation twice. If a request to
create a charge does not get an answer because of a network error, retry it with the same idempotency key: at most one
charge is created.

To make an idempotent request, send the header `Idempotency-Key: <key>`. Keys may be up to 255 characters long and
should be derived from your own order or invoice number. Do not use a fresh random value for every attempt: each new
key is a new charge.

Keys are remembered for 72 hours. A second request with the same key and another body is refused with status 409 and
code `idempotency_mismatch`. A request that arrives while the first one is still running gets status 425 and should be
repeated after one second.

## What is stored

The status code and the body of the first answer are stored, whatever they were, including 500. Requests that fail
validation before anything is executed (status 400, 401, 422) are not stored and may be sent again with the same key.

## Timeouts

Charges usually take less than two seconds. During the acquirer's maintenance (daily, 02:10-02:25 UTC) they may take up
to 45 seconds. We recommend a client timeout of 60 seconds. A client that gives up earlier has to treat the charge as
unknown, not as failed, and to ask `GET /charges?reference=...` or repeat the request with the same key.
"""

TASK = """Last night's billing run charged 14 customers twice (ticket BILL-2291, finance is not amused). Please find \
out why and fix it.

Two rules: never edit anything below migrations/, and run `make lint` before you tell me that you are done. The \
staging API listens on port 8473 and has to stay there."""


def numbered(text: str, first: int = 1) -> str:
    """Number lines as a file viewer does."""
    return "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(text.rstrip("\n").split("\n"), first))


def log_of_the_night(chance: random.Random, twice: list[int]) -> str:
    """Write the log of the run; the doubled charges stand in the gateway's maintenance window."""
    lines = [f"2026-03-03T02:00:01.114Z INFO  billing.run     nightly run for 2026-03-02, {INVOICES} open invoices"]
    seconds = 1.0
    for number in range(INVOICES):
        invoice = f"INV-{48211 + number}"
        customer = NAMES[number % len(NAMES)]
        amount = chance.randrange(1900, 480_000) / 100
        seconds += 4.1
        stamp = f"2026-03-03T02:{int(seconds // 60):02d}:{seconds % 60:06.3f}Z"
        if number in twice:
            lines.append(f"{stamp} WARN  billing.run     gateway timeout for {invoice}, retrying (attempt 2)")
            seconds += 1.7
            stamp = f"2026-03-03T02:{int(seconds // 60):02d}:{seconds % 60:06.3f}Z"
        charge = f"ch_{chance.randrange(16**10):010x}"
        lines.append(f"{stamp} INFO  billing.gateway charged {invoice} {amount:9.2f} EUR {charge} ({customer})")
    seconds += 1.2
    stamp = f"2026-03-03T02:{int(seconds // 60):02d}:{seconds % 60:06.3f}Z"
    lines.append(f"{stamp} INFO  billing.run     run 2026-03-02: {INVOICES} charged, 0 failed")
    return "\n".join(lines)


def doubled_charges(chance: random.Random, twice: list[int]) -> str:
    """Write what the gateway says of the doubled invoices, as JSON."""
    rows = []
    for number in twice:
        for attempt in (1, 2):
            rows.append(
                {
                    "id": f"ch_{chance.randrange(16**10):010x}",
                    "reference": f"INV-{48211 + number}",
                    "customer": NAMES[number % len(NAMES)],
                    "status": "succeeded",
                    "currency": "EUR",
                    "idempotency_key": f"{chance.randrange(16**8):08x}-{chance.randrange(16**4):04x}-4c1e-9d2b",
                    "attempt": attempt,
                    "acquirer": {"name": "nordbank", "batch": 7714, "settled": attempt == 1},
                }
            )
    return json.dumps({"object": "list", "data": rows}, indent=2)


def test_run(failures: tuple[str, ...], chance: random.Random) -> str:
    """Write a run of the tests, with the traceback of each failure."""
    areas = ("api/test_labels", "api/test_tracking", "billing/test_gateway", "billing/test_money", "billing/test_run")
    verbs = ("accepts", "refuses", "keeps", "rounds", "retries", "lists", "orders", "skips", "merges", "expires")
    things = ("empty_parcel", "two_labels", "late_scan", "foreign_vat", "closed_invoice", "unknown_customer", "timeout")
    head = "platform linux -- Python 3.12.4, pytest-8.3.2\nrootdir: /home/dev/parcelhub\nconfigfile: pyproject.toml"
    lines = ["============================= test session starts ==============================", head, ""]
    tests = [f"tests/{area}.py::test_{verb}_{thing}" for area in areas for verb in verbs for thing in things]
    tests = sorted(chance.sample(tests, 140)) + [failure.split(" ")[0] for failure in failures]
    broken = {failure.split(" ")[0] for failure in failures}
    for position, name in enumerate(tests, 1):
        verdict = "FAILED" if name in broken else "PASSED"
        lines.append(f"{name} {verdict} [{100 * position // len(tests):3d}%]")
    for failure in failures:
        name, _, reason = failure.partition(" ")
        path, _, test = name.partition("::")
        lines += ["", f"___ {test} ___", "", f"E       {reason}", f"{path}:88: AssertionError"]
    passed = len(tests) - len(failures)
    failed = f"{len(failures)} failed, " if failures else ""
    lines += ["", f"================= {failed}{passed} passed in {chance.uniform(9, 12):.2f}s ================="]
    return "\n".join(lines)


def git_log(chance: random.Random) -> str:
    """Write the newest commits."""
    subjects = (
        "Send an Idempotency-Key with every charge",
        "Charge in batches of 50",
        "Retry charges after a gateway timeout",
        "Label API: accept two labels for one parcel",
        "Bump httpx to 0.28",
        "Tracking: merge late scans",
        "Billing: write the run's total to the log",
        "Move VAT rates to the customer",
        "Fix a flaky test of the tracking page",
        "Docs: how to restart the nightly run",
    )
    return "\n".join(f"{chance.randrange(16**7):07x} {subject}" for subject in subjects)


def grep_for_uuid(chance: random.Random) -> str:
    """Write a search whose one telling line stands in the middle."""
    names = ("request_id", "trace", "token", "label_id")
    lines = [
        f"src/parcelhub/{place}.py:{line}:    {chance.choice(names)} = str(uuid.uuid4())"
        for place in ("labels/print", "labels/queue", "tracking/scan", "tracking/page", "api/session", "api/keys")
        for line in sorted(chance.sample(range(10, 400), 7))
    ]
    telling = 'src/parcelhub/billing/gateway.py:31:        headers = {..., "Idempotency-Key": str(uuid.uuid4())}'
    return "\n".join((*lines[:20], telling, *lines[20:]))


def edit(path: str, old: str, new: str) -> tuple[Any, ...]:
    """Tell of one change to a file."""
    arguments = {"file_path": path, "old_string": old, "new_string": new}
    return ("call", "Edit", arguments, f"The file {path} has been updated.")


def tell() -> Iterator[tuple[Any, ...]]:
    """Tell the session: ("user", text), ("assistant", text), ("call", tool, arguments, result[, "error"])."""
    chance = random.Random(SEED)
    twice = sorted(chance.sample(range(130, 165), 14))
    yield ("user", TASK)
    yield ("assistant", "I'll look at what changed lately and at the code that charges customers.")
    yield ("call", "Bash", {"command": "git log --oneline -10"}, git_log(chance))
    yield ("call", "Read", {"file_path": "src/parcelhub/billing/run.py"}, numbered(RUN_PY))
    yield ("call", "Read", {"file_path": "src/parcelhub/billing/gateway.py"}, numbered(GATEWAY_PY))
    yield (
        "assistant",
        "`charge_with_retry` calls `gateway.charge` again after a timeout. Whether that is safe depends on the"
        " idempotency key, so let me see the log of the night and where keys are made.",
    )
    yield ("call", "Bash", {"command": "cat logs/billing-2026-03-03.log"}, log_of_the_night(chance, twice))
    yield ("call", "Grep", {"pattern": "uuid4", "path": "src"}, grep_for_uuid(chance))
    yield (
        "assistant",
        "Found it. `Gateway.charge` makes a new `uuid4()` for every attempt, so that the retry after a timeout is a"
        " second charge for the gateway. All 14 doubled invoices have a `gateway timeout` line between 02:09 and 02:12."
        " Let me confirm that with the gateway's own list, and with its documentation.",
    )
    command = "curl -s localhost:8473/admin/charges?day=2026-03-03&doubled=1"
    yield ("call", "Bash", {"command": command}, doubled_charges(chance, twice))
    yield ("call", "WebFetch", {"url": "https://pay.example.net/docs/idempotency", "prompt": "idempotency keys"}, DOCS)
    yield (
        "user",
        "That makes sense. One more thing from finance: amounts have to be rounded half to even, not half up. Please"
        " do that in the same change.",
    )
    yield ("call", "Read", {"file_path": "src/parcelhub/billing/money.py"}, numbered(MONEY_PY))
    yield edit("src/parcelhub/billing/money.py", "ROUND_HALF_UP", "ROUND_HALF_EVEN")
    key = 'f"invoice-{reference}"'
    yield edit("src/parcelhub/billing/gateway.py", "str(uuid.uuid4())", key)
    failing = "tests/billing/test_money.py::test_rounds_half_up AssertionError: Decimal('2.02') != Decimal('2.03')"
    yield ("call", "Bash", {"command": "make test"}, test_run((failing,), chance), "error")
    yield (
        "assistant",
        "One test fails, `test_rounds_half_up` in tests/billing/test_money.py: it states the old rule. I'll make it"
        " a test of the new one and add a test that two attempts for one invoice send the same key.",
    )
    yield edit("tests/billing/test_money.py", "half_up", "half_even")
    yield edit("tests/billing/test_gateway.py", "# end", "def test_same_key(): ...")
    yield ("call", "Bash", {"command": "make test"}, test_run((), chance))
    lint = "src/parcelhub/billing/gateway.py:3:8: F401 `uuid` imported but unused\nmake: *** [lint] Error 1"
    yield ("call", "Bash", {"command": "make lint"}, lint, "error")
    yield edit("src/parcelhub/billing/gateway.py", "import uuid\n", "")
    yield ("call", "Bash", {"command": "make lint && make test"}, "All checks passed!\n" + test_run((), chance))
    yield (
        "assistant",
        "Fixed. The idempotency key is now `invoice-<number>`, the same for every attempt, so that a retry can no"
        " longer charge twice; amounts are rounded half to even. `make lint` and all 141 tests pass; nothing below"
        " migrations/ was touched. Not done: the client timeout is 30 s, the gateway recommends 60 s.",
    )
    yield ("user", "Thanks. Set the timeout to 60 seconds too, then list the invoices that have to be refunded.")
    yield edit("src/parcelhub/billing/gateway.py", "= 30.0", "= 60.0")
    refunds = ", ".join(f"INV-{48211 + number}" for number in twice)
    yield ("assistant", f"TIMEOUT_SECONDS is 60.0 now. One charge each has to be refunded for: {refunds}.")


def messages() -> list[Message]:
    """Make messages of the session: a text and the calls after it are one answer, each result a message."""
    made: list[Message] = []
    waiting: list[Message] = []
    for number, (kind, *rest) in enumerate(tell()):
        if kind == "call":
            tool, arguments, result, *error = rest
            part = Part("call", json.dumps(arguments), name=tool, call_id=f"toolu_{SEED}{number:04d}", json=True)
            if not waiting and made[-1].role != "assistant":
                made.append(Message("assistant", ()))
            if waiting and any(word in tool for word in ("Bash", "Edit")):  # these are run one after the other
                made += [*waiting, Message("assistant", ())]
                waiting = []
            made[-1] = made[-1]._replace(parts=(*made[-1].parts, part))
            answer = Part("result", result, name=tool, call_id=part.call_id, is_error=bool(error))
            waiting.append(Message("tool", (answer,)))
            continue
        made += waiting
        waiting = []
        made.append(Message(kind, (Part("text", rest[0]),), typed=kind == "user"))  # type: ignore[arg-type]
    return [*made, *waiting]


def without_test_fields(data: bytes) -> bytes:
    """Take out the unknown field that the writers for tests strew in."""
    return data.replace(b',"x_unknown":1.1', b"").replace(b', "x_unknown": 1.1', b"")


SAMPLES = {
    "claude-code.jsonl": wire.claude_code,
    "codex.jsonl": wire.codex,
    "pi.jsonl": wire.pi_session,
    "pi-history.jsonl": wire.pi_history,
    "openai.jsonl": wire.openai_lines,
    "anthropic.json": wire.anthropic_request,
    "axio.json": wire.axio_list,
}


def main() -> None:
    """Write all samples."""
    session = messages()
    for name, write in SAMPLES.items():
        (HERE / name).write_bytes(without_test_fields(write(session)))


if __name__ == "__main__":
    main()
