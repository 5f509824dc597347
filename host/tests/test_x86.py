# SPDX-License-Identifier: MIT
"""What is different with x86: doors, ways to end, registers of a hung machine."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from host import image, machine, vmm
from host.machine import Machine
from host.tests import fake_elf
from host.tests.fixture import CAPABILITIES, Fixture, reasons
from host.vmm import Absent, Missing, kvm, postmortem

# As QEMU prints them, shortened.
REGISTERS = """\r
CPU#0\r
RAX=0000000000000202 RBX=0000000000000000 RCX=00000000000f4240 RDX=0000000000000000\r
RSI=0000000000000000 RDI=000000000024f970 RBP=000000000024f7f0 RSP=000000000024f7f0\r
RIP=0000000000217b10 RFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0\r
\r
CPU#1\r
RSI=00000000000000e1 RDI=000000000023f348 RBP=0000000000000003 RSP=000000000008ef00\r
RIP=00000000000f1234 RFL=00000246 [---Z-P-] CPL=3 II=0 A20=1 SMM=0 HLT=1\r
"""
FRAMES = {"0x24f7f0": (0x24F800, 0x20FC8F), "0x24f800": (0, 0x205431)}


class FakeQmp:
    """A hung machine: two CPUs."""

    def __init__(self, roms=""):
        self.roms = roms

    def execute(self, command):
        return {"status": "running"} if command == "query-status" else {}

    def monitor(self, line):
        if line == "info registers -a":
            return REGISTERS
        if line == "info roms":
            return self.roms
        frame, returns_to = FRAMES[line.split()[-1]]
        return f"000000000024f7f0: {frame:#018x} {returns_to:#018x}\r\n"


class Images(unittest.TestCase):
    TESTS = [("apic.id", "a sentence", "apic && cpus(2)", "tests/x86/apic.cc", 12, 0)]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        elf = self.folder / "x86" / "assay-x86.elf"
        elf.parent.mkdir()
        elf.write_bytes(fake_elf.build(self.TESTS, machine=fake_elf.X86_64))
        elf.with_suffix(".img").write_bytes(b"setup".ljust(0x1000, b"\0") + b"payload")
        self.image = image.load(self.folder, "x86", str(self.folder / "cache"))

    def test_list(self):
        self.assertEqual(self.image.tests, [image.Test(*self.TESTS[0][:5], on_request=False)])

    def test_every_door_has_its_file(self):
        self.assertEqual(self.image.kernel("pvh", self.folder), self.image.elf)
        self.assertEqual(self.image.kernel("bzimage", self.folder), self.image.flat)
        path = self.image.kernel("multiboot", self.folder)
        self.assertEqual((path.parent, path.read_bytes()), (self.folder, b"payload"))

    def hung(self, door, roms=""):
        short, long = postmortem.collect(FakeQmp(roms), self.image, door)
        self.assertIn("RIP=0000000000217b10", "\n".join(long))
        return short

    def test_hung_machine(self):
        roms = (
            'fw=genroms/pvh.bin size=0x000600 name="pvh.bin"\r\n'
            'addr=0000000000200000 size=0x030000 mem=ram name="/b/assay-x86.elf ELF program"\r\n'
        )
        expected = [
            "VM running, stopped to look at it",
            "cpu0 backtrace (ring 0, RFL 0x2)",
            "  #0 image+0x17b10",
            "  #1 image+0xfc8f",
            "  #2 image+0x5431",
            "cpu1 backtrace (ring 3, RFL 0x246, halted)",
            "  #0 0xf1234",
        ]
        self.assertEqual(self.hung("pvh", roms), expected)

    def test_hung_machine_that_firmware_loaded(self):
        self.image.flat.write_bytes(bytes(0x40000))
        self.assertIn("  #1 image+0xfc8f", self.hung("multiboot"))
        self.image.flat.write_bytes(bytes(0x200000))
        self.assertIn("  #1 image+0x110c8f", self.hung("bzimage"))
        self.assertIn("  #1 0x20fc8f", self.hung("pvh"))


class Ends(Fixture):
    def run_with_status(self, tests, machine_exit="debug-exit", patterns=("*",)):
        chosen = Machine("fake", "", "x86", "qemu", ["tcg"], [], capabilities=CAPABILITIES)
        chosen.door, chosen.exit = "pvh", machine_exit
        return self.run_session(tests, patterns, machine=chosen)

    def test_statuses_of_debug_exit_are_the_guests(self):
        for act in ("pass", "fail", "error:x"):
            run = self.run_with_status({"a.one": act})
            self.assertEqual(list(reasons(run)), ["a.one"], act)
        self.assertIn(b"# how: exited, status 37", self.log())

    def test_other_statuses_are_wrong(self):
        run = self.run_with_status({"a.one": "pass"}, "acpi")
        self.assertEqual(list(reasons(run)), ["a.one"])
        with mock.patch.dict("host.machine.EXITS", {"debug-exit": (0,)}):
            run = self.run_with_status({"a.one": "pass"})
        self.assertIn("status 33", reasons(run)["machine.end"])


class Commands(unittest.TestCase):
    def start(self, name, **fields):
        loaded = machine.load_named(name)
        start = vmm.Start(loaded, loaded.accel[0], "/b/kernel", self.folder, **fields)
        start.bootargs = "assay.seed=1"
        return vmm.backend(loaded.vmm).command("/bin/vmm", start)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_qemu(self):
        text = " ".join(self.start("x86-q35"))
        self.assertIn("-accel tcg -machine q35 -cpu max -smp 2 -m 256 ", text)
        self.assertIn(" -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel /b/kernel ", text)
        self.assertNotIn("isa-debug-exit", " ".join(self.start("x86-pc")))
        self.assertIn("-accel kvm -machine q35 -cpu host", " ".join(self.start("x86-kvm")))

    def test_doors(self):
        doors = {name: machine.load_named(f"x86-{name}").door for name in ("q35", "pc", "microvm")}
        self.assertEqual(doors, {"q35": "pvh", "pc": "bzimage", "microvm": "multiboot"})

    def test_kvmtool(self):
        self.assertEqual(
            self.start("x86-kvmtool", initrd="/i"),
            "/bin/vmm run --nodefaults --network mode=none --console serial --loglevel=warning "
            "--cpus 2 --mem 256 --kernel /b/kernel --params assay.seed=1 --initrd /i".split(),
        )

    def test_firecracker(self):
        command = self.start("x86-firecracker", initrd="/i")
        file = f"{self.folder}/firecracker.json"
        self.assertEqual(command, ["/bin/vmm", "--no-api", "--config-file", file])
        self.assertEqual(
            json.loads(Path(file).read_text()),
            {
                "boot-source": {
                    "kernel_image_path": "/b/kernel",
                    "boot_args": "console=ttyS0 assay.seed=1",
                    "initrd_path": "/i",
                },
                "drives": [],
                "machine-config": {"vcpu_count": 2, "mem_size_mib": 256},
            },
        )


class Kvm(unittest.TestCase):
    def refusal(self, arch, uname="x86_64", flags="fpu svm", accessible=True, error=None):
        with tempfile.NamedTemporaryFile("w") as cpuinfo:
            cpuinfo.write(f"processor\t: 0\nflags\t\t: {flags}\n")
            cpuinfo.flush()
            with (
                mock.patch("os.uname", return_value=mock.Mock(machine=uname)),
                mock.patch("os.access", return_value=accessible),
                mock.patch.object(kvm, "CPUINFO", cpuinfo.name),
                mock.patch.object(kvm, "_try", side_effect=error),
            ):
                try:
                    kvm.check(arch, Missing)
                except Missing as refused:
                    return str(refused)
                return ""

    def test_why_not(self):
        self.assertEqual(self.refusal("x86"), "")
        self.assertEqual(self.refusal("x86", flags="vmx"), "")
        self.assertEqual(self.refusal("arm64", uname="aarch64", flags=""), "")
        self.assertIn("host to be aarch64", self.refusal("arm64"))
        self.assertIn("cannot be opened", self.refusal("x86", accessible=False))
        self.assertIn("neither VT-x nor AMD-V", self.refusal("x86", flags="fpu svme"))
        self.assertIn("makes no VM: busy", self.refusal("x86", error=OSError(16, "busy")))

    def test_a_machine_for_kvm_alone_is_absent(self):
        backend = vmm.backend("qemu")
        with mock.patch("os.access", return_value=False), mock.patch.object(
            kvm, "HOST_ARCH", {"x86": "none", "arm64": "none"}
        ):
            with self.assertRaises(Absent):
                backend.check(machine.load_named("x86-kvm"), "kvm")
            with self.assertRaises(Missing) as caught:
                backend.check(machine.load_named("arm64-gicv3"), "kvm")
        self.assertNotIsInstance(caught.exception, Absent)


if __name__ == "__main__":
    unittest.main()
