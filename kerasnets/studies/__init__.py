"""Studies beyond training a single net: claims of the course reports, trees, searches."""

from kerasnets.studies.trees import Trees as Trees
from kerasnets.studies.trees import grow_trees as grow_trees
