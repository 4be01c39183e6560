"""Entry of `python -m shipway_lab`."""

import sys

from shipway_lab.cli import main

sys.exit(main())
