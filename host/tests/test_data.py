# SPDX-License-Identifier: MIT
"""Patterns, machine files, the list of tests in an image, command lines of VMMs."""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from host import globs, image, machine, schedule, store, tools, vmm
from host.prepare import NotPrepared
from host.settings import Settings
from host.tests import fake_elf
from host.vmm import device_tree, fvp, gicv5, model, placed_elf


class Globs(unittest.TestCase):
    def test_matching(self):
        self.assertTrue(globs.matches("psci.*", "psci.version"))
        self.assertTrue(globs.matches("*", "psci.version"))
        self.assertTrue(globs.matches("psci.v?rsion", "psci.version"))
        self.assertFalse(globs.matches("psci", "psci.version"))
        self.assertFalse(globs.matches("psci.version?", "psci.version"))
        self.assertTrue(globs.matches("a[b", "a[b"))

    def select(self, *patterns):
        ids = ["a.one", "a.two", "b.three", "misbehave.x", "gicv5.ppi.y"]
        tests = [SimpleNamespace(id=i, on_request=i[:9] == "misbehave") for i in ids]
        return [test.id for test in globs.select(globs.normalise(patterns), tests)]

    def test_selecting(self):
        self.assertEqual(self.select(), ["a.one", "a.two", "b.three", "gicv5.ppi.y"])
        self.assertEqual(self.select("a.*,b.*"), ["a.one", "a.two", "b.three"])
        self.assertEqual(self.select("-a.*"), ["b.three", "gicv5.ppi.y"])
        self.assertEqual(self.select("*o*", "-a.one"), ["a.two"])

    def test_on_request(self):
        for pattern in ("misbehave.*", "misbehave.x", "misbehave.?"):
            self.assertEqual(self.select(pattern), ["misbehave.x"])
        for pattern in ("misbehave*", "*.x", "m*", "?isbehave.x"):
            self.assertEqual(self.select(pattern), [])


class Machines(unittest.TestCase):
    def load(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m.toml"
            path.write_text(text)
            return machine.load(path)

    MINIMUM = 'summary="s"\narch="arm64"\nvmm="qemu"\naccel=["tcg"]\narguments=[]\n'

    def test_all_files_load(self):
        names = machine.names()
        for name in ("arm64-gicv2", "arm64-gicv3", "arm64-gicv5", "arm64-el2", "arm64-el3"):
            self.assertIn(name, names)
        for name in names:
            loaded = machine.load_named(name)
            self.assertEqual(loaded.name, name)
            self.assertIn(loaded.vmm, vmm.NAMES)

    def test_mistakes_are_named(self):
        self.assertEqual(self.load(self.MINIMUM).exit, "psci")
        for text, said in (
            ("", "'summary' is missing"),
            (self.MINIMUM + "argumens=[]\n", "unknown key 'argumens'"),
            (self.MINIMUM + "guest='x'\n", "'guest' must be a list"),
            (self.MINIMUM + "guest=[1]\n", "'guest' must be a list of strings"),
            (self.MINIMUM + "elf_at='0'\n", "'elf_at' must be a int"),
            (self.MINIMUM + "exit='window'\n", "'exit' must be one of psci, acpi"),
            (self.MINIMUM + "door='pvh'\n", "'door' of arm64 must be one of"),
            (self.MINIMUM + "versions='new'\n", "not a version range"),
            (self.MINIMUM + "[[expect]]\ntest='a'\nstatus='fail'\n", "needs 'reason'"),
            (self.MINIMUM + "[[expect]]\ntest='a'\nstatus='x'\nreason='r'\n", "status 'x'"),
            (self.MINIMUM + "[[expect]]\ntest='a'\nwhy='x'\n", "unknown key 'why'"),
            ("summary=", "m.toml"),
        ):
            with self.assertRaisesRegex(machine.BadMachine, said):
                self.load(text)

    def test_versions(self):
        for version, ranges, inside in (
            ("11.1.3", ">=7.2, <12", True),
            ("11.1.3", ">=11.1", True),
            ("11.1.3", ">11.1", False),
            ("11.1.3", "<=11.1", True),
            ("11.1.3", "==11.1", True),
            ("11.1.3", "==11.1.2", False),
            ("11.1.3", "<11.1.10", True),
            ("7.2", "<7.2.1", True),
            ("11.1.3", "", True),
            ("", "<1", True),
        ):
            self.assertEqual(machine.version_in(version, ranges), inside, (version, ranges))

    def test_capabilities(self):
        self.assertEqual(machine.missing_capabilities(["cpus(2)", "psci"], ["cpus(4)"]), ["psci"])
        self.assertEqual(machine.missing_capabilities(["cpus(2)"], ["cpus(1)"]), ["cpus(2)"])

    def test_contradicting_skips(self):
        declared, found = ["gicv3", "cpus(2)"], ["gicv3", "cpus(1)"]
        for reason, name in (
            ("needs gicv5: no node", ""),
            ("needs gicv3: no node", "gicv3"),
            ("needs gicv3 && cpus(2): 1 CPU", "cpus(2)"),
            ("needs !gicv3: there is one", ""),
            ("needs cpus(8): 2 CPUs", ""),
            ("no reason", ""),
        ):
            self.assertEqual(machine.contradicted_by_skip(declared, found, reason), name, reason)


class Images(unittest.TestCase):
    TESTS = [
        ("psci.version", "a sentence", "", "tests/common/psci.cc", 12, 0),
        ("misbehave.x", "another", "gicv5 && cpus(2)", "tests/misbehave/x.cc", 7, 1),
    ]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "arm64").mkdir()
        self.elf = self.folder / "arm64" / "assay-arm64.elf"
        self.elf.with_suffix(".img").write_bytes(b"")

    def load(self):
        return image.load(self.folder, "arm64", str(self.folder / "cache"))

    def test_list(self):
        for relative in (True, False):
            self.elf.write_bytes(fake_elf.build(self.TESTS, relative=relative))
            loaded = self.load()
            self.assertEqual(
                loaded.tests,
                [
                    image.Test(*self.TESTS[1][:5], on_request=True),
                    image.Test(*self.TESTS[0][:5], on_request=False),
                ],
            )
            self.assertEqual(loaded.build_id, bytes(range(20)).hex())

    def test_cache(self):
        self.elf.write_bytes(fake_elf.build(self.TESTS))
        first = self.load()
        real, image.read_elf = image.read_elf, None  # not called again
        try:
            self.assertEqual(self.load(), first)
        finally:
            image.read_elf = real
        self.elf.write_bytes(fake_elf.build(self.TESTS[:1]))
        self.assertEqual(len(self.load().tests), 1)

    def test_what_is_no_image(self):
        with self.assertRaisesRegex(image.BadImage, "build it with: make ARCH=arm64"):
            self.load()
        for content in (b"", b"\x7fELF", b"x" * 1000, fake_elf.build(self.TESTS)[:-300]):
            self.elf.write_bytes(content)
            with self.assertRaises(image.BadImage):
                self.load()
        self.elf.write_bytes(fake_elf.build([]).replace(b".assay.tests", b".other.tests"))
        with self.assertRaisesRegex(image.BadImage, "not an Assay image"):
            self.load()


class Stores(unittest.TestCase):
    def test_damage_is_a_miss(self):
        with tempfile.TemporaryDirectory() as folder:
            store.save(folder, "x", "key", [1])
            self.assertEqual(store.load(folder, "x", "key"), [1])
            self.assertIsNone(store.load(folder, "x", "other"))
            (Path(folder) / "x.json").write_text("{")
            self.assertIsNone(store.load(folder, "x", "key"))
            (Path(folder) / "x.json").write_text(json.dumps([]))
            self.assertIsNone(store.load(folder, "x", "key"))
        store.save("/proc/no/such", "x", "key", 1)


class Programs(unittest.TestCase):
    def test_lit_is_the_one_that_setup_wrote_down(self):
        with mock.patch.object(tools, "from_setup", {"lit": "/l/lit"}.get):
            self.assertEqual(schedule._lit_command()[1:], ["-s", "/l/lit"])
        with mock.patch.object(tools, "from_setup", return_value=""):
            with self.assertRaisesRegex(NotPrepared, "get it with: deps/setup run"):
                schedule._lit_command()


class CommandLines(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, name, **fields):
        loaded = machine.load_named(name)
        start = vmm.Start(loaded, loaded.accel[0], "/b/i.img", self.folder, **fields)
        start.bootargs = "assay.seed=1"
        return vmm.backend(loaded.vmm).command("/bin/vmm", start)

    def test_qemu(self):
        command = self.start("arm64-gicv3", control_fd=7, initrd="/i", extra=("-d", "guest_errors"))
        text = " ".join(command)
        for part in (
            "-no-reboot",
            "-display none",
            "-serial chardev:console",
            "-accel tcg -machine virt,gic-version=3 -cpu max -smp 2 -m 256",
            "-chardev socket,id=control,fd=7 -qmp chardev:control",
            "-kernel /b/i.img -append assay.seed=1 -initrd /i -d guest_errors",
        ):
            self.assertIn(part, text)
        self.assertNotIn("semihosting", text)
        text = " ".join(self.start("arm64-el3"))
        self.assertIn("-semihosting-config enable=on,target=native", text)

    def test_kvmtool(self):
        self.assertEqual(
            self.start("arm64-kvmtool", initrd="/i"),
            "/bin/vmm run --nodefaults --network mode=none --console serial --loglevel=warning "
            "--irqchip gicv3 --pmu --cpus 2 --mem 256 --kernel /b/i.img "
            "--params assay.seed=1 --initrd /i".split(),
        )

    def test_fvp(self):
        initrd = Path(self.folder) / "selection"
        initrd.write_text("a.*")
        text = " ".join(self.start("arm64-fvp", initrd=str(initrd)))
        for part in (
            "-C cluster0.NUM_CORES=2",
            "-C cluster0.cpu0.RVBAR=0x80200000",
            "-C cluster0.cpu1.RVBAR=0x80200000",
            "-C pctl.startup=0.0.*.*",
            "--data cluster0.cpu0=/b/i.img@0x80200000",
            f"--data cluster0.cpu0={self.folder}/device-tree.dtb@0x80000000",
            f"--data cluster0.cpu0={initrd}@0x84000000",
            "-C cluster0.cpu0.semihosting-enable=1",
        ):
            self.assertIn(part, text)
        tree = Path(self.folder) / "device-tree.dtb"
        self.assertIn(b"assay.seed=1\0", tree.read_bytes())

    def test_kvmtool_with_gicv5(self):
        for name, irqchip in (("gicv5", "gicv5"), ("gicv5-its", "gicv5-its")):
            text = " ".join(self.start(f"arm64-kvmtool-{name}"))
            self.assertIn(f"--irqchip {irqchip} --pmu --cpus 2 --mem 256 --kernel /b/i.img", text)

    def test_fvp_with_gicv5(self):
        with mock.patch.dict("os.environ", FVP_FIRMWARE="/firmware"):
            text = " ".join(self.start("fvp-gicv5"))
        for part in (
            f"-C gicv5_config_file={self.folder}/gicv5.yaml",
            "-C cluster0.cpu0.RVBAR=0x4001000",
            "-C cluster1.cpu3.RVBAR=0x4001000",
            "-C pctl.startup=0.0.0.0",
            "-C bp.ve_sysregs.exit_on_shutdown=1",
            "--data cluster0.cpu0=/firmware/bl31.bin@0x4001000",
            "--data cluster0.cpu0=/b/i.img@0x88000000",
            f"--data cluster0.cpu0={self.folder}/device-tree.dtb@0x87f00000",
        ):
            self.assertIn(part, text)
        self.assertNotIn("semihosting", text)
        tree = device_tree.read((Path(self.folder) / "device-tree.dtb").read_bytes()).root
        self.assertEqual(tree["chosen"]["bootargs"], b"assay.seed=1\0")
        self.assertEqual(tree["psci"]["method"], b"smc\0")
        self.assertEqual(tree["cpus"]["cpu@300"]["enable-method"], b"psci\0")

    def test_the_fvp_is_told_what_its_device_tree_says(self):
        top = fvp.model_settings()["GIC_TOP"][0]
        instance = top["IRS"]["INSTANCES"][0]
        self.assertEqual(
            instance["domains"][0],
            {
                "type": "Non_Secure",
                "config_frame_base_address": gicv5.IRS,
                "lpi_frame_base_address": gicv5.SETLPI,
            },
        )
        last = top["ITS"][0]["domains"][2]
        self.assertEqual((last["type"], last["config_frame_base_address"]), ("EL3", 0x2F140000))
        self.assertEqual(last["translate_frame_base_addresses"], [0x2F150000])
        self.assertEqual(top["IWB"][0]["device_id"], gicv5.IWB_DEVICE)
        iaffids = fvp.describe(5, "")["interrupt-controller"]["irs@2f1a0000"]["arm,iaffids"]
        self.assertEqual(instance["processing_element_affinities"][:4], [0, 1, 2, 3])
        self.assertEqual(iaffids, device_tree.halves(0, 1, 2, 3))

    def test_the_fvp_needs_firmware_for_gicv5(self):
        loaded = machine.load_named("fvp-gicv5")
        settings = Settings(programs={"fvp": "/bin/true"})
        with mock.patch.dict("os.environ", FVP_FIRMWARE=self.folder):
            with self.assertRaisesRegex(vmm.Absent, "bl31.bin: no such file .FVP_FIRMWARE="):
                fvp.Fvp().find(settings, loaded)
            (Path(self.folder) / "bl31.bin").write_bytes(b"")
            self.assertEqual(fvp.Fvp().find(settings, loaded), "/bin/true")

    @unittest.skipUnless(tools.find_program("dtc"), "dtc is not there")
    def test_device_trees_are_such(self):
        tree = Path(self.folder) / "tree.dtb"
        for root, parts in (
            (fvp.describe(3, "assay.seed=1"), ['compatible = "arm,gic-v3";', "cpu@100 {"]),
            (fvp.describe(5, "assay.seed=1"), ["arm,iaffids = <0x01 0x20003>;", "cpu@300 {"]),
            (model.describe("assay.seed=1"), ["interrupts = <0x03 0x01 0x04>;", "cpu@3 {"]),
        ):
            tree.write_bytes(device_tree.flatten(root))
            done = subprocess.run(
                ["dtc", "-I", "dtb", "-O", "dts", tree], capture_output=True, text=True, check=True
            )
            self.assertEqual(done.stderr, "")
            for part in ('bootargs = "assay.seed=1";', "cpu@0 {", *parts):
                self.assertIn(part, done.stdout)

    def test_the_model_is_where_its_device_tree_says(self):
        """models/machine/platform.h has the same map."""
        text = (tools.ROOT / "models" / "machine" / "platform.h").read_text().replace("'", "")
        bases = dict(re.findall(r"Region (\w+)\{\.base = (0x[0-9a-f]+)", text))
        self.assertEqual(
            {name: int(base, 16) for name, base in bases.items()},
            {
                "ram": model.RAM,
                "uart": model.UART,
                "stimulus": model.STIMULUS,
                "iwb": gicv5.IWB,
                "its": gicv5.ITS,
                "translate": gicv5.TRANSLATE,
                "irs": gicv5.IRS,
                "setlpi": gicv5.SETLPI,
            },
        )
        self.assertIn(f"uart_spi = {model.UART_SPI};", text)

    def test_model(self):
        loaded = machine.load_named("arm64-gicv5-model")
        start = vmm.Start(loaded, "host", "", self.folder, "assay.seed=1", fault="deaf")
        tree = f"{self.folder}/device-tree.dtb"
        self.assertEqual(
            vmm.backend("model").command("/b/model", start),
            ["/b/model", "--device-tree", tree, *loaded.arguments, "--fault", "deaf"],
        )

    def test_placed_elf(self):
        flat = Path(self.folder) / "flat"
        flat.write_bytes(bytes(16) + (0x30000).to_bytes(8, "little") + bytes(40) + b"code" * 100)
        path = Path(self.folder) / "placed.elf"
        placed_elf.write(flat, path, 0x40200000)
        from elftools.elf.elffile import ELFFile

        with open(path, "rb") as stream:
            elf = ELFFile(stream)
            self.assertEqual(elf["e_entry"], 0x40200000)
            segment = elf.get_segment(0)
            self.assertEqual(segment["p_paddr"], 0x40200000)
            self.assertEqual(segment["p_memsz"], 0x30000)
            self.assertEqual(segment.data(), flat.read_bytes())


if __name__ == "__main__":
    unittest.main()
