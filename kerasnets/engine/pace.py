"""Choose how many steps a compiled call runs, so that Ctrl-C and the progress bar are quick."""

from __future__ import annotations

SECONDS_PER_CALL = 0.3


class Pace:
    """The number of steps for the next call, chosen from the time of earlier calls.

    Attributes:
        steps: steps for the next call; 1 at first.
    """

    def __init__(self) -> None:
        self.steps = 1

    def record(self, steps: int, seconds: float) -> None:
        """Choose as many steps for the next call as fit in ``SECONDS_PER_CALL``.

        The number grows at most 8-fold from call to call.

        Args:
            steps: number of steps of the last call.
            seconds: time of the last call.
        """
        fitting = int(steps * SECONDS_PER_CALL / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * self.steps))
