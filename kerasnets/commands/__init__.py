"""The subcommands of ``kerasnets``. Each module has EXAMPLES, add_arguments and run."""
