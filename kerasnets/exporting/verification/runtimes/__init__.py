"""Run exported files and compare their outputs with ``reference.npz``.

Only the ``keras`` runtime imports Keras and kerasnets. The package runs in a separate
process, which is started with the path of ``__main__.py``. Its result therefore also applies to
servers that only have the exported files. The files may come from strangers: each is checked before
it is loaded, and the process has no rights that it does not need.
"""

from .card import read_card as read_card
from .check import INVALID as INVALID
from .check import check as check
from .compare import compare as compare
from .files import CHECKSUMS as CHECKSUMS
from .files import write_checksums as write_checksums
from .reference import largest_case as largest_case
from .reference import read_reference as read_reference
from .report import Report as Report
from .small_weights import recorded as recorded
