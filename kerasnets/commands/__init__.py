"""The sub-commands of ``kerasnets``: each a module of EXAMPLES, add_arguments and run."""
