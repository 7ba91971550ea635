"""After repeated failures an endpoint is left alone for a while. One table for the process."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

OPEN_SECONDS = 60.0
"""How long a failing endpoint is left alone. Source: SPEC section 4."""


@dataclass(slots=True)
class Circuit:
    """Failures in a row by endpoint."""

    clock: Callable[[], float] = time.monotonic
    _failures: dict[str, int] = field(default_factory=dict)
    _open_until: dict[str, float] = field(default_factory=dict)

    def seconds_left(self, endpoint: str) -> float:
        """Return how long the endpoint is still left alone; 0: it may be asked."""
        return max(0.0, self._open_until.get(endpoint, 0.0) - self.clock())

    def failed(self, endpoint: str, limit: int) -> None:
        """Note a failed attempt; the `limit`-th in a row opens the circuit."""
        self._failures[endpoint] = self._failures.get(endpoint, 0) + 1
        if self._failures[endpoint] >= limit:
            self._open_until[endpoint] = self.clock() + OPEN_SECONDS
            self._failures[endpoint] = 0

    def succeeded(self, endpoint: str) -> None:
        """Note a success: the count starts anew."""
        self._failures.pop(endpoint, None)
        self._open_until.pop(endpoint, None)


CIRCUIT = Circuit()
"""The process's own."""
