"""``python -m kerasnets``: the command, where no console script is on the path."""

import sys

from kerasnets.cli import main

sys.exit(main())
