# SPDX-License-Identifier: MIT
"""status.py N COMMAND...: succeeds when the command's exit status is exactly N."""

import subprocess
import sys

wanted, command = int(sys.argv[1]), sys.argv[2:]
status = subprocess.run(command, check=False).returncode
if status != wanted:
    print(f"exit status {status}, wanted {wanted}: {' '.join(command)}", file=sys.stderr)
    sys.exit(1)
