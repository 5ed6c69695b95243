"""How many steps one compiled call takes, so that Ctrl-C and the progress bar need not wait."""

from __future__ import annotations

SECONDS_PER_CALL = 0.3


class Pace:
    """The number of steps for the next call, from the time the calls before it took.

    Attributes:
        steps: steps for the next call; 1 at first.
    """

    def __init__(self) -> None:
        self.steps = 1

    def record(self, steps: int, seconds: float) -> None:
        """Set the next call to as many steps as fit its time, at most 8 times as many as before.

        Args:
            steps: steps of the call that has just ended.
            seconds: the time it took.
        """
        fitting = int(steps * SECONDS_PER_CALL / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * self.steps))
