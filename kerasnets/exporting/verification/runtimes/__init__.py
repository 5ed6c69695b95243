"""Run exported files and compare their outputs with ``reference.npz``.

Only the ``keras`` runtime imports Keras and kerasnets. The package runs in a separate
process, which is started with the path of ``__main__.py``. Its result therefore also applies to
servers that only have the exported files.
"""

from .check import Report as Report
from .check import check as check
from .check import read_reference as read_reference
from .compare import compare as compare
