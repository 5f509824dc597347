# SPDX-License-Identifier: MIT
"""Device trees written, read and edited; a machine's edits of the tree that its VMM makes."""

import os
import struct
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import machine, vmm
from host.vmm import device_tree
from host.vmm.device_tree import BadTree, Tree, cells, strings

MINIMUM = 'summary="s"\narch="arm64"\nvmm="qemu"\naccel=["tcg"]\narguments=["-smp", "2"]\n'


def example():
    return {
        "compatible": strings("a", "b"),
        "intc": {"reg": cells(1, 2), "irs@8000": {"cpus": cells(3)}},
        "pmu": {"interrupts": cells(1, 23, 4), "empty": b""},
    }


class Trees(unittest.TestCase):
    def test_what_is_written_is_read(self):
        tree = Tree(example(), [(0x1000, 0x2000), (1 << 40, 1)], boot_cpu=3)
        again = device_tree.read(device_tree.write(tree) + bytes(100))
        self.assertEqual(again, tree)
        self.assertEqual(list(again.root), list(tree.root))  # in this order
        self.assertEqual(device_tree.read(device_tree.flatten({})).root, {})

    def test_nops_are_skipped(self):
        nop, end = cells(4), cells(2, 9)
        structure = cells(1, 0) + nop + cells(3, 0, 0) + nop + end
        header = struct.pack(">10I", 0xD00DFEED, 0, 56, 56 + len(structure), 40, 17, 16, 0, 2, 0)
        blob = header + bytes(16) + structure + b"p\0"
        self.assertEqual(device_tree.read(blob).root, {"p": b""})

    def test_what_is_no_tree(self):
        good = device_tree.flatten(example())
        newer = good[:24] + cells(18) + good[28:]
        for blob in (b"", b"\0" * 100, good[:60], good[:-30], newer):
            with self.assertRaisesRegex(BadTree, "not a device tree"):
                device_tree.read(blob)

    def test_every_byte_damaged(self):
        """Another tree or BadTree, and nothing else."""
        good = bytearray(device_tree.flatten(example()))
        for at in range(len(good)):
            damaged = good[:]
            damaged[at] ^= 0xFF
            try:
                device_tree.read(bytes(damaged))
            except BadTree:
                pass

    def test_edits(self):
        root = example()
        device_tree.delete(root, "/intc/irs@8000")
        device_tree.delete(root, "/pmu:interrupts")
        device_tree.replace(root, "/intc:reg", cells(7))
        device_tree.replace(root, "/:compatible", strings("c"))
        device_tree.add(root, "/pmu:status", strings("disabled"))
        self.assertEqual(
            root,
            {
                "compatible": b"c\0",
                "intc": {"reg": cells(7)},
                "pmu": {"empty": b"", "status": b"disabled\0"},
            },
        )

    def test_edits_of_what_is_not_there(self):
        for edit, place, said in (
            (device_tree.delete, "/intc/irs", "/intc/irs: there is no node 'irs'"),
            (device_tree.delete, "/no/irs", "/no/irs: there is no node 'no'"),
            (device_tree.delete, "/intc/reg", "there is no node 'reg'"),
            (device_tree.delete, "/pmu:reg", "/pmu:reg: there is no property 'reg'"),
            (device_tree.delete, "/:intc", "there is no property 'intc'"),
            (device_tree.delete, "/", "there is no node ''"),
            (device_tree.delete, "intc", "intc: not a place"),
            (device_tree.replace, "/pmu:reg", "no property 'reg'.*is added"),
            (device_tree.replace, "/pmu", "not a property's place"),
            (device_tree.replace, "pmu:reg", "not a place"),
            (device_tree.add, "/intc:reg", "already .it is set"),
        ):
            value = () if edit is device_tree.delete else (b"",)
            with self.assertRaisesRegex(BadTree, said):
                edit(example(), place, *value)


class MachinesEdits(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def load(self, text, head=MINIMUM):
        path = self.folder / "m.toml"
        path.write_text(head + text)
        return machine.load(path)

    def test_values(self):
        loaded = self.load(
            "[device_tree]\ndelete = ['/intc/irs@8000']\n"
            "[device_tree.set]\n'/intc:reg' = [1, 0xffffffff]\n"
            "'/pmu:interrupts' = { u16 = [1, 77] }\n"
            "[device_tree.add]\n'/pmu:a' = 'text'\n'/pmu:b' = ['x', 'y']\n'/pmu:c' = true\n"
        )
        root = example()
        loaded.edit_device_tree(root)
        self.assertEqual(root["intc"], {"reg": b"\0\0\0\1\xff\xff\xff\xff"})
        self.assertEqual(root["pmu"]["interrupts"], b"\0\1\0\x4d")
        self.assertEqual(
            [root["pmu"][name] for name in "abc"], [b"text\0", b"x\0y\0", b""]
        )
        self.assertEqual(self.load("").device_tree, [])

    def test_mistakes_are_named(self):
        for text, said in (
            ("[device_tree]\nremove=[]\n", r"\[device_tree\]: unknown key 'remove'"),
            ("[device_tree]\ndelete='/a'\n", "'delete' must be a list of places"),
            ("[device_tree]\ndelete=[1]\n", "'delete' must be a list of strings"),
            ("[device_tree]\nset=[]\n", "'set' must be a table"),
            ("[device_tree.set]\n'/a:b'=1\n", "/a:b: the value is none of"),
            ("[device_tree.set]\n'/a:b'=[-1]\n", "/a:b: the value is none of"),
            ("[device_tree.add]\n'/a:b'=[1, 'x']\n", "/a:b: the value is none of"),
            ("[device_tree.add]\n'/a:b'={u16=[65536]}\n", "/a:b: the value is none of"),
            ("[device_tree.add]\n'/a:b'={u8=[1]}\n", "/a:b: the value is none of"),
            ("[device_tree.add]\n'/a:b'=false\n", "/a:b: the value is none of"),
        ):
            with self.assertRaisesRegex(machine.BadMachine, said):
                self.load(text)
        with self.assertRaisesRegex(machine.BadMachine, "kvmtool takes no device tree"):
            self.load("[device_tree]\ndelete=['/a']\n", MINIMUM.replace("qemu", "kvmtool"))

    def qemu(self, loaded, **environment):
        """The tree that a made-up QEMU, which writes the example, is started with."""
        program = self.folder / "qemu"
        if not program.exists():
            (self.folder / "example.dtb").write_bytes(device_tree.flatten(example()) + bytes(5000))
            program.write_text(
                "#!/bin/sh\n"
                f'echo "$*" >>{self.folder}/calls\n'
                'test -z "$BROKEN" || { echo "cannot do that" >&2; exit 1; }\n'
                f'for last; do :; done; cp {self.folder}/example.dtb "${{last#dumpdtb=}}"\n'
            )
            program.chmod(0o755)
        start = vmm.Start(loaded, "tcg", "/b/i.img", str(self.folder), bootargs="assay.seed=1")
        with mock.patch.dict(os.environ, environment):
            command = vmm.backend("qemu").command(str(program), start)
        at = command.index("-dtb")
        return command, device_tree.read(Path(command[at + 1]).read_bytes()).root

    def calls(self):
        return (self.folder / "calls").read_text().splitlines()

    def test_qemu_is_asked_once(self):
        loaded = self.load("[device_tree]\ndelete = ['/intc/irs@8000']\n")
        for _ in range(2):
            command, root = self.qemu(loaded)
            self.assertEqual(root["intc"], {"reg": cells(1, 2)})
            self.assertIn("-append assay.seed=1", " ".join(command))
        self.assertEqual(len(self.calls()), 1)
        self.assertRegex(self.calls()[0], "-accel tcg -smp 2 -machine dumpdtb=")
        self.assertEqual([path.name for path in self.folder.glob("**/qemu.dtb")], [])
        os.utime(self.folder / "qemu", (1, 1))  # another QEMU
        self.qemu(self.load("[device_tree]\ndelete = ['/pmu']\n"))
        self.assertEqual(len(self.calls()), 2)

    def test_what_goes_wrong_is_said(self):
        loaded = self.load("[device_tree]\ndelete = ['/intc/its']\n")
        with self.assertRaisesRegex(vmm.Missing, "device_tree: /intc/its: there is no node 'its'"):
            self.qemu(loaded)
        loaded.arguments = ["-smp", "4"]
        with self.assertRaisesRegex(vmm.Missing, "no device tree: status 1: cannot do that"):
            self.qemu(loaded, BROKEN="yes")


if __name__ == "__main__":
    unittest.main()
