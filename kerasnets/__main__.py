"""``python -m kerasnets``: run the command without its console script."""

from kerasnets.cli import run_process

run_process()
