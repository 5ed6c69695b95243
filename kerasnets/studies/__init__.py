"""Studies beyond training a single net: claims, trees, searches, cross-validation."""

from kerasnets.studies.cross_validation import CrossValidation as CrossValidation
from kerasnets.studies.cross_validation import cross_validate as cross_validate
from kerasnets.studies.trees import Trees as Trees
from kerasnets.studies.trees import grow_trees as grow_trees
