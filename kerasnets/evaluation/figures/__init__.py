"""Figures of training and evaluation. Importing this package imports matplotlib.

Each function returns a ``matplotlib.figure.Figure``; ``save_figure`` writes it. The caller passes
title and subtitle. They must say so if the data are simulated.
"""

from kerasnets._style import save_figure as save_figure
from kerasnets.evaluation.dense_kernels import can_draw_weights as can_draw_weights
from kerasnets.evaluation.figures.binary import (
    precision_recall_figure as precision_recall_figure,
)
from kerasnets.evaluation.figures.binary import reliability_figure as reliability_figure
from kerasnets.evaluation.figures.binary import soft_hard_figure as soft_hard_figure
from kerasnets.evaluation.figures.confusion_matrix import (
    confusion_matrix_figure as confusion_matrix_figure,
)
from kerasnets.evaluation.figures.learning_curves import learning_curves as learning_curves
from kerasnets.evaluation.figures.multilabel import label_figure as label_figure
from kerasnets.evaluation.figures.regression import prediction_figure as prediction_figure
from kerasnets.evaluation.figures.regression import residual_figure as residual_figure
from kerasnets.evaluation.figures.roc import label_roc_curves as label_roc_curves
from kerasnets.evaluation.figures.roc import roc_curves as roc_curves
from kerasnets.evaluation.figures.weights import weight_matrices as weight_matrices
