"""Modules that add entries to a registry when they are imported.

A registry imports its plug-ins only when a name is looked up that it does not know. So the
package that owns the registry does not depend on its plug-ins, and they cost no import time.
"""

from __future__ import annotations

import importlib

_PLUGINS = {"conventions": ("kerasnets.studies.conventions",)}


def import_plugins(registry: str) -> None:
    """Import the modules that add entries to a registry, such as ``"conventions"``."""
    for module in _PLUGINS[registry]:
        importlib.import_module(module)
