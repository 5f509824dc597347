#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Sets up what is missing, builds what is out of date, boots the tests and reports: --help.
# The options are in host/cli.py, which also calls deps/setup and make (host/prepare.py): a mistyped
# option is to be said before a build, not after it.
set -euo pipefail
root=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
python=/usr/bin/python3 # Debian's own: the one that has pyelftools and lit

[[ -x $python ]] || "$root/deps/setup" run >&2 || exit 2
exec "$python" -s "$root/host" "$@"
