# SPDX-License-Identifier: MIT
#
# lit's configuration: `lit tests/` runs every machine and the shell tests; see host/litformat.py.

import os
import sys

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, root)

from host import litformat  # noqa: E402  (the path has to be set first)

config.name = "assay"
config.test_format = litformat.AssayFormat()
config.suffixes = [".test"]
config.test_source_root = os.path.join(root, "tests")
config.test_exec_root = os.path.join(root, "build", "lit")
os.makedirs(config.test_exec_root, exist_ok=True)
config.substitutions += litformat.substitutions()
config.environment["PATH"] = os.environ["PATH"]
for name in ("HOME", "XDG_CACHE_HOME", "ASSAY_BUILD_DIR", "QEMU"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
