"""Runs exported files and compares them with the reference written beside them.

Nothing in here imports Keras or kerasnets: it is run by path in a process of its own, so that what
it finds holds for every server that has only the files. See ``__main__``.
"""

from .check import Report as Report
from .check import check as check
from .check import read_reference as read_reference
from .compare import compare as compare
