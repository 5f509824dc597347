# SPDX-License-Identifier: MIT
"""What one invocation asks for, apart from which machines; goes to lit's workers as JSON."""

import json
from dataclasses import asdict, dataclass, field

from host import tools


@dataclass(slots=True)
class Settings:
    patterns: list = field(default_factory=lambda: ["*"])
    build: str = str(tools.ROOT / "build")
    logs: str = str(tools.ROOT / "build" / "logs")
    cache: str = str(tools.ROOT / "build" / "runner")
    accel: str = ""  # "": the machine's default
    programs: dict = field(default_factory=dict)  # VMM -> path, where one was given
    vmm_args: list = field(default_factory=list)
    seed: int = 1
    order: str = "sorted"
    repeat: int = 1
    timeout: float = 0  # seconds a test may take; 0: the defaults

    def to_json(self):
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text):
        return Settings(**json.loads(text))
