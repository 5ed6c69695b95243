"""Training and prediction for any Keras model, with many steps per compiled call."""

from kerasnets.engine.fallback import CannotCompileError as CannotCompileError
from kerasnets.engine.fallback import FallbackWarning as FallbackWarning
from kerasnets.engine.fit import fit as fit
from kerasnets.engine.loop import XlaCannotError as XlaCannotError
from kerasnets.engine.predict import predict as predict
