# SPDX-License-Identifier: MIT
"""QMP, QEMU's control channel, over one end of a socket pair; the other is QEMU's `fd=`.

No file name, no race, no listening: what is sent before QEMU is up waits in the socket.
"""

import json
import socket
import time


class QmpError(Exception):
    """QEMU does not answer, or answers with an error."""


class Qmp:
    def __init__(self):
        self._socket, self.child = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = b""
        self._messages = []
        self.events = []
        self._socket.sendall(b'{"execute":"qmp_capabilities","id":"hello"}\n')
        self._ready = False

    def started(self):
        """The VMM has inherited its end."""
        self.child.close()

    def execute(self, command, arguments=None, timeout=2.0):
        deadline = time.monotonic() + timeout
        if not self._ready:
            self._reply("hello", deadline)
            self._ready = True
        request = {"execute": command, "id": command}
        if arguments:
            request["arguments"] = arguments
        try:
            self._socket.settimeout(timeout)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"QMP: {error}") from None
        return self._reply(command, deadline)

    def monitor(self, line, timeout=2.0):
        """A command of the human monitor; some of what it knows is nowhere else."""
        return self.execute("human-monitor-command", {"command-line": line}, timeout)

    def shutdown_reason(self):
        """What QEMU said about its end, such as "guest-reset" or "guest-shutdown", or ""."""
        try:
            while self._receive(time.monotonic() + 0.05):
                pass
        except QmpError:
            pass
        for event in self.events:
            if event.get("event") == "SHUTDOWN":
                return event.get("data", {}).get("reason", "")
        return ""

    def close(self):
        self._socket.close()

    def _reply(self, identifier, deadline):
        while True:
            for index, message in enumerate(self._messages):
                if message.get("id") == identifier:
                    del self._messages[index]
                    if "error" in message:
                        raise QmpError(f"QMP: {message['error'].get('desc', message['error'])}")
                    return message.get("return")
            if not self._receive(deadline):
                raise QmpError("QMP: the VMM closed the connection")

    def _receive(self, deadline):
        """Reads what there is; False at the end of the connection."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise QmpError("QMP: no answer")
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(65536)
        except OSError:
            raise QmpError("QMP: no answer") from None
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        if len(self._buffer) > 1 << 22:
            raise QmpError("QMP: an endless line")
        for line in lines:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if "event" in message:
                if len(self.events) < 100:
                    self.events.append(message)
            elif "return" in message or "error" in message:
                self._messages.append(message)
        return bool(data)
