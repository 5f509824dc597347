# SPDX-License-Identifier: MIT
"""What one invocation asks for, apart from which machines; goes to lit's workers as JSON."""

import json
import os
from dataclasses import asdict, dataclass, field, replace

from host import tools


@dataclass(slots=True)
class Settings:
    patterns: list = field(default_factory=lambda: ["*"])
    unlimited: list = field(default_factory=list)  # machines whose `tests` limit nothing this time
    build: str = str(tools.ROOT / "build")
    models: str = str(tools.ROOT / "build" / "models")
    logs: str = str(tools.ROOT / "build" / "logs")
    cache: str = str(tools.ROOT / "build" / "runner")
    accel: str = ""  # "": the machine's default
    programs: dict = field(default_factory=dict)  # VMM -> path, where one was given
    vmm_args: list = field(default_factory=list)
    seed: int = 1
    order: str = "sorted"
    repeat: int = 1
    timeout: float = 0  # seconds a test may take; 0: the defaults
    fault: str = ""  # that is switched on in a model
    stop_when_noticed: bool = False  # at the first result that shows it

    def model(self, arch):
        """The program that is the model machine of this architecture."""
        return os.path.join(self.models, f"assay-{arch}-model")

    def with_fault(self, fault=""):
        """The same, with this fault as well, and its logs in a place of their own."""
        if not fault:
            return self
        return replace(self, fault=fault, logs=os.path.join(self.logs, "faults", fault))

    def to_json(self):
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text):
        return Settings(**json.loads(text))
