"""Run exported files and compare their outputs with ``reference.npz``.

Nothing in this package imports kerasnets, and only the ``keras`` runtime imports Keras. The package
runs by its path in a separate process, so that its result holds on any server that only has the
exported files. See ``__main__``.
"""

from .check import Report as Report
from .check import check as check
from .check import read_reference as read_reference
from .compare import compare as compare
