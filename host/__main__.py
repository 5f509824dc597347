# SPDX-License-Identifier: MIT
"""Entry of run_tests.sh: the command line is in cli.py."""

import os
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from host import cli  # noqa: E402  (the path has to be set first)

sys.exit(cli.main(sys.argv[1:]))
