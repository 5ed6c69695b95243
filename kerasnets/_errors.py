"""What sets a failed job apart from wrong input."""


class WorkFailedError(Exception):
    """The input was right, and the work failed: a download, a training, a verification."""
