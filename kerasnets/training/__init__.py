"""Training: recipe, trainer, callbacks, run folder."""

from kerasnets.training.recipe import Recipe as Recipe
from kerasnets.training.recipe import make_recipe as make_recipe
from kerasnets.training.recipe import read_recipe as read_recipe
from kerasnets.training.run import Run as Run
from kerasnets.training.run import load_run as load_run
from kerasnets.training.trainer import resume as resume
from kerasnets.training.trainer import train as train
