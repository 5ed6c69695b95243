"""The counting rules, one pure function a layer type, by family; importing them registers them."""

from kerasnets.profiling.rules import activations as activations
from kerasnets.profiling.rules import dense as dense
from kerasnets.profiling.rules import ignored as ignored
from kerasnets.profiling.rules import normalization as normalization
from kerasnets.profiling.rules import recurrent as recurrent
from kerasnets.profiling.rules import windows as windows
