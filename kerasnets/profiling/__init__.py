"""Count what a network costs: parameters, MACs and FLOPs, under a named convention."""

from kerasnets._deprecation import renamed_attributes
from kerasnets.profiling.conventions import convention as convention
from kerasnets.profiling.conventions import list_conventions as list_conventions
from kerasnets.profiling.counts import Counts as Counts
from kerasnets.profiling.counts import Op as Op
from kerasnets.profiling.counts import elementwise as elementwise
from kerasnets.profiling.counts import sum_of_products as sum_of_products
from kerasnets.profiling.coverage import coverage as coverage
from kerasnets.profiling.measure import profile as profile
from kerasnets.profiling.registry import Call as Call
from kerasnets.profiling.registry import UnsupportedError as UnsupportedError
from kerasnets.profiling.registry import ignore as ignore
from kerasnets.profiling.registry import rule as rule
from kerasnets.profiling.registry import unsupported as unsupported
from kerasnets.profiling.result import Profile as Profile
from kerasnets.profiling.totals import LayerProfile as LayerProfile

__getattr__ = renamed_attributes(
    __name__,
    {
        "check_claims": "kerasnets.studies.claims.check_claims",
        "claims_text": "kerasnets.studies.claims.claims_text",
    },
)
