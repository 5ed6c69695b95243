"""``python -m kerasnets``: run the command without its console script."""

import sys

from kerasnets.cli import main

sys.exit(main())
