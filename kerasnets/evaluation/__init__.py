"""How good a network is: metrics here, figures in ``kerasnets.evaluation.figures``."""

from kerasnets.evaluation.binary import binary_metrics as binary_metrics
from kerasnets.evaluation.metrics import classification_metrics as classification_metrics
from kerasnets.evaluation.predict import evaluate as evaluate
from kerasnets.evaluation.predict import predict_logits as predict_logits
from kerasnets.evaluation.predict import predict_probabilities as predict_probabilities
from kerasnets.evaluation.predict import softmax as softmax
