"""The counting rules: one pure function per layer type, grouped by family.

Importing this package registers them.
"""

from kerasnets.profiling.rules import activations as activations
from kerasnets.profiling.rules import attention as attention
from kerasnets.profiling.rules import contractions as contractions
from kerasnets.profiling.rules import ignored as ignored
from kerasnets.profiling.rules import lora as lora
from kerasnets.profiling.rules import merging as merging
from kerasnets.profiling.rules import normalization as normalization
from kerasnets.profiling.rules import operations as operations
from kerasnets.profiling.rules import preprocessing as preprocessing
from kerasnets.profiling.rules import recurrent as recurrent
from kerasnets.profiling.rules import windows as windows
