"""How a network learns: recipe, trainer, callbacks, run folder."""
