"""Predictions, tasks and metrics. Figures are in ``kerasnets.evaluation.figures``."""

from kerasnets.evaluation.binary import binary_metrics as binary_metrics
from kerasnets.evaluation.evaluate_model import evaluate as evaluate
from kerasnets.evaluation.meds_form import meds_predictions as meds_predictions
from kerasnets.evaluation.metrics import classification_metrics as classification_metrics
from kerasnets.evaluation.multilabel import multilabel_metrics as multilabel_metrics
from kerasnets.evaluation.outputs import sigmoid as sigmoid
from kerasnets.evaluation.outputs import softmax as softmax
from kerasnets.evaluation.predict import predict_logits as predict_logits
from kerasnets.evaluation.predict import predict_outputs as predict_outputs
from kerasnets.evaluation.predict import predict_probabilities as predict_probabilities
from kerasnets.evaluation.reference import ReferenceNet as ReferenceNet
from kerasnets.evaluation.reference import list_reference_nets as list_reference_nets
from kerasnets.evaluation.reference import load as load
from kerasnets.evaluation.regression import regression_metrics as regression_metrics
from kerasnets.evaluation.tasks import Task as Task
from kerasnets.evaluation.tasks import get_task as get_task
from kerasnets.evaluation.tasks import infer_task as infer_task
