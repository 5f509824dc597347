# SPDX-License-Identifier: MIT
#
# lit's configuration: `lit tests/` runs every machine and the shell tests (host/litformat.py).
# Build first (make): nothing is built from here, for several tests run at once.

import os
import sys

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, root)

from host import litformat  # noqa: E402  (the path has to be set first)

config.name = "assay"
config.test_format = litformat.AssayFormat(lit_config.params)
config.suffixes = [".test"]
config.test_source_root = os.path.join(root, "tests")
config.test_exec_root = os.path.join(root, "build", "lit")
config.substitutions += litformat.substitutions(lit_config.params)
config.environment["ASSAY_BUILD_DIR"] = os.environ.get(
    "ASSAY_BUILD_DIR", os.path.join(root, "build")
)
os.makedirs(config.test_exec_root, exist_ok=True)
