"""Small networks you can trust: build, train, count, export, serve, on Keras 3.

Importing this package does not import TensorFlow; the first function that needs it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerasnets._lazy import import_name

if TYPE_CHECKING:
    from kerasnets.data import Dataset as Dataset
    from kerasnets.data import Split as Split
    from kerasnets.data import load_data as load_data
    from kerasnets.engine import fit as fit
    from kerasnets.engine import predict as predict
    from kerasnets.evaluation import ReferenceNet as ReferenceNet
    from kerasnets.evaluation import evaluate as evaluate
    from kerasnets.evaluation import list_reference_nets as list_reference_nets
    from kerasnets.evaluation import load as load
    from kerasnets.evaluation import meds_predictions as meds_predictions
    from kerasnets.exporting import Stream as Stream
    from kerasnets.exporting import Verification as Verification
    from kerasnets.exporting import VerificationError as VerificationError
    from kerasnets.exporting import export as export
    from kerasnets.exporting import verify as verify
    from kerasnets.nets import NetSpec as NetSpec
    from kerasnets.nets import build as build
    from kerasnets.nets import describe as describe
    from kerasnets.nets import list_nets as list_nets
    from kerasnets.nets import register as register
    from kerasnets.profiling import Profile as Profile
    from kerasnets.profiling import profile as profile
    from kerasnets.report import Report as Report
    from kerasnets.report import write_comparison as write_comparison
    from kerasnets.report import write_report as write_report
    from kerasnets.studies import CrossValidation as CrossValidation
    from kerasnets.studies import cross_validate as cross_validate
    from kerasnets.training import Recipe as Recipe
    from kerasnets.training import Run as Run
    from kerasnets.training import load_run as load_run
    from kerasnets.training import read_recipe as read_recipe
    from kerasnets.training import resume as resume
    from kerasnets.training import train as train

__version__ = "0.1.0"

# The public names of each subpackage, which is imported at the first access to one of them.
_NAMES = {
    "data": ("Dataset", "Split", "load_data"),
    "engine": ("fit", "predict"),
    "evaluation": ("ReferenceNet", "evaluate", "list_reference_nets", "load", "meds_predictions"),
    "exporting": ("Stream", "Verification", "VerificationError", "export", "verify"),
    "nets": ("NetSpec", "build", "describe", "list_nets", "register"),
    "profiling": ("Profile", "profile"),
    "report": ("Report", "write_comparison", "write_report"),
    "studies": ("CrossValidation", "cross_validate"),
    "training": ("Recipe", "Run", "load_run", "read_recipe", "resume", "train"),
}
_SUBPACKAGE_OF = {name: package for package, names in _NAMES.items() for name in names}

__all__ = ["__version__", *sorted(_SUBPACKAGE_OF)]


def __getattr__(name: str) -> Any:
    return import_name(__name__, name, _SUBPACKAGE_OF)


def __dir__() -> list[str]:
    return __all__
