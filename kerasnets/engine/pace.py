"""How much one compiled call may do, so that Ctrl-C and the progress bar need not wait."""

from __future__ import annotations

SECONDS_A_CALL = 0.3


class Pace:
    """The number of steps the next call should take, from how long the calls before took.

    Attributes:
        steps: for the next call, 1 at the start.
    """

    def __init__(self) -> None:
        """Begin with single steps."""
        self.steps = 1

    def note(self, steps: int, seconds: float) -> None:
        """Let the next call take as many as fit into its time, at most 8 times as many."""
        fitting = int(steps * SECONDS_A_CALL / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * self.steps))
