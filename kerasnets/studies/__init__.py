"""What the sources asked beside training one net."""

from kerasnets.studies.trees import Trees as Trees
from kerasnets.studies.trees import grow_trees as grow_trees
