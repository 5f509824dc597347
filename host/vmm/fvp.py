# SPDX-License-Identifier: MIT
"""Arm's Fixed Virtual Platform, FVP_Base_RevC-2xAEMvA, with GICv3 or GICv5.

The model has no loader: the image, the device tree and the initrd are put into memory with
`--data`. The tree, with the guest's command line in it, is made for every start. Untested here for
lack of the model; the address map is that of the Base Platform (Arm DUI 0837).

GICv3 (`gic = 3`): no firmware. All CPUs of the first cluster start at the image, at EL3; those
whose affinity is not 0 wait in its holding pen (arm64/power/holding_pen.h) until the first one has
use for them. Registers are 0 then, so the image looks for the tree below itself.

GICv5 (`gic = 5`): firmware has to give the interrupts to the Non-secure domain, so the CPUs start
in Trusted Firmware-A's BL31, from the folder that FVP_FIRMWARE names, built with

    make PLAT=fvp FVP_USE_GIC_DRIVER=FVP_GICV5 CTX_INCLUDE_AARCH32_REGS=0 RESET_TO_BL31=1 \\
        ARM_LINUX_KERNEL_AS_BL33=1 PRELOADED_BL33_BASE=0x88000000 \\
        ARM_PRELOADED_DTB_BASE=0x87f00000 bl31

BL31 enters the image at EL2, as it would Linux, and is the PSCI (Trusted Firmware-A,
docs/plat/arm/fvp/fvp-specific-configs.rst: "Preloaded kernel image - Reset to BL31", "GICv5
Support"). BL1 and a FIP would do, too, but give the image the tree in the FIP instead of this one.
The model is told its GICv5 by a file, with the settings that Trusted Firmware-A ships for it
(plat/arm/board/fvp/gicv5_config.yaml).

Unconfirmed, for nobody has run it: the program's name; that BL31 can be where the CPUs start with
GICv5, too; that the tables need maintenance of the caches.
"""

import json
import os

from host import tools
from host.vmm import Absent, device_tree, gicv5, probe_version
from host.vmm.device_tree import cells, cells64, strings

PROGRAMS = {3: "FVP_Base_RevC-2xAEMvA", 5: "FVP_Base_RevC-2xAEMvA_GICV5"}
FIRMWARE = "bl31.bin"
FIRMWARE_AT = 0x04001000

RAM = 0x80000000
RAM_SIZE = 256 << 20
INITRD = RAM + (64 << 20)
# (device tree, image): without firmware the tree is where the image looks for it.
PLACES = {3: (RAM, RAM + (2 << 20)), 5: (0x87F00000, 0x88000000)}
GICD, GICR = 0x2F000000, 0x2F100000
UART0 = 0x1C090000
UART0_SPI = 5
CPUS = {3: 2, 5: 4}  # of the first cluster
ALL_CORES = 8  # that the model has; two clusters
_GIC, _ITS, _CLOCK, _CPU = 1, 2, 3, 0x10  # phandles


def affinity(number):
    """Each CPU has one thread, so they are counted in Aff1."""
    return number << 8


class Fvp:
    kind = "fvp"
    has_control = False
    has_initrd = True
    has_faults = False

    def find(self, settings, machine):
        chosen = settings.programs.get(self.kind) or os.environ.get("FVP") or PROGRAMS[machine.gic]
        path = tools.find_program(chosen)
        if not path:
            raise Absent(f"{chosen}: no such program (FVP= names another path)")
        if machine.gic == 5 and not os.path.isfile(_firmware()):
            raise Absent(f"{_firmware()}: no such file (FVP_FIRMWARE= names a folder that has it)")
        return path

    def version(self, path, cache):
        return probe_version(path, ("--version",), r"(\d+\.\d+(?:\.\d+)?)", cache)

    def check(self, machine, accel):
        del accel
        if machine.gic not in PROGRAMS:
            raise Absent("the FVP has GICv3 or GICv5: gic = 3 or gic = 5")

    def command(self, path, start):
        machine = start.machine
        tree_at, image_at = PLACES[machine.gic]
        tree = describe(machine.gic, start.bootargs, start.initrd)
        machine.edit_device_tree(tree)
        tree_file = _write(start, "device-tree.dtb", device_tree.flatten(tree))
        parameters = [
            "bp.vis.disable_visualisation=1",
            "bp.terminal_0.start_telnet=0",
            "bp.pl011_uart0.out_file=-",
            "bp.pl011_uart0.unbuffered_output=1",
            "bp.secure_memory=0",
        ]
        data = [(start.kernel, image_at), (tree_file, tree_at)]
        if machine.gic == 3:
            parameters += [
                f"cluster0.NUM_CORES={CPUS[3]}",
                *(f"cluster0.cpu{n}.semihosting-enable=1" for n in range(CPUS[3])),
                *(f"cluster0.cpu{n}.RVBAR={image_at:#x}" for n in range(CPUS[3])),
                "pctl.startup=0.0.*.*",
            ]
        else:
            settings = json.dumps(model_settings(), indent=1).encode()
            parameters += [
                f"gicv5_config_file={_write(start, 'gicv5.yaml', settings)}",
                "cluster0.NUM_CORES=4",
                "cluster1.NUM_CORES=4",
                *(f"cluster{n // 4}.cpu{n % 4}.RVBAR={FIRMWARE_AT:#x}" for n in range(ALL_CORES)),
                "pctl.startup=0.0.0.0",  # the others wait for PSCI
                "cache_state_modelled=0",
                "bp.ve_sysregs.exit_on_shutdown=1",
            ]
            data.append((_firmware(), FIRMWARE_AT))
        if start.initrd:
            data.append((start.initrd, INITRD))
        command = [path]
        for parameter in parameters:
            command += ["-C", parameter]
        command += machine.arguments
        for file, address in data:
            command += ["--data", f"cluster0.cpu0={file}@{address:#x}"]
        return command + list(start.extra)


def _firmware():
    return os.path.join(os.environ.get("FVP_FIRMWARE", ""), FIRMWARE)


def _write(start, name, content):
    path = os.path.join(start.folder, name)
    with open(path, "wb") as stream:
        stream.write(content)
    return path


def describe(gic, bootargs, initrd=""):
    """The device tree of what the image may use of the model."""
    chosen = {"bootargs": strings(bootargs), "stdout-path": strings(f"/uart@{UART0:x}")}
    if initrd:
        end = INITRD + os.path.getsize(initrd)
        chosen |= {"linux,initrd-start": cells64(INITRD), "linux,initrd-end": cells64(end)}
    cpus = range(CPUS[gic])
    interrupts = _gicv3() if gic == 3 else _gicv5(cpus)
    method = {"enable-method": strings("psci")} if "psci" in interrupts else {}
    return {
        "compatible": strings("arm,fvp-base-revc", "arm,vexpress"),
        "#address-cells": cells(2),
        "#size-cells": cells(2),
        "interrupt-parent": cells(_GIC),
        "chosen": chosen,
        "cpus": {
            "#address-cells": cells(2),
            "#size-cells": cells(0),
            **{f"cpu@{affinity(number):x}": _cpu(number) | method for number in cpus},
        },
        f"memory@{RAM:x}": {
            "device_type": strings("memory"),
            "reg": cells64(RAM, RAM_SIZE),
        },
        "clock": {
            "compatible": strings("fixed-clock"),
            "#clock-cells": cells(0),
            "clock-frequency": cells(24_000_000),
            "phandle": cells(_CLOCK),
        },
        f"uart@{UART0:x}": {
            "compatible": strings("arm,pl011", "arm,primecell"),
            "reg": cells64(UART0, 0x1000),
            "interrupts": cells(0 if gic == 3 else gicv5.SPI, UART0_SPI, gicv5.LEVEL_HIGH),
            "clocks": cells(_CLOCK, _CLOCK),
            "clock-names": strings("uartclk", "apb_pclk"),
        },
        **interrupts,
    }


def _cpu(number):
    return {
        "device_type": strings("cpu"),
        "compatible": strings("arm,armv8"),
        "reg": cells64(affinity(number)),
        "phandle": cells(_CPU + number),
    }


def _gicv3():
    timers = (13, 14, 11, 10)  # secure physical, physical, virtual, hypervisor
    level_low = 8
    return {
        f"interrupt-controller@{GICD:x}": {
            "compatible": strings("arm,gic-v3"),
            "#address-cells": cells(0),
            "#interrupt-cells": cells(3),
            "interrupt-controller": b"",
            "reg": cells64(GICD, 0x10000, GICR, 0x200000),
            "phandle": cells(_GIC),
        },
        "timer": {
            "compatible": strings("arm,armv8-timer"),
            "interrupts": b"".join(cells(1, ppi, level_low) for ppi in timers),
        },
    }


def _gicv5(cpus):
    """Nothing is known of the coherency of the tables: maintenance of caches does no harm."""
    phandles = [_CPU + number for number in cpus]
    return {
        **gicv5.nodes(_GIC, _ITS, phandles, iaffids=cpus, coherent=False),
        "timer": gicv5.timer(),
        "pmu": {
            "compatible": strings("arm,armv8-pmuv3"),
            "interrupts": gicv5.interrupt(gicv5.PPI, gicv5.PMU),
        },
        "psci": {"compatible": strings("arm,psci-1.0"), "method": strings("smc")},
    }


def model_settings():
    """The model's GICv5, in the file's own words. YAML, of which JSON is a part."""

    def domains(frames):
        """frames(offset): of a domain, behind those of the Non-secure one."""
        offsets = {"Non_Secure": 0, "Secure": -2 * gicv5.FRAME, "EL3": 2 * gicv5.FRAME}
        return [{"type": domain, **frames(offset)} for domain, offset in offsets.items()]

    def translation_frames(offset):
        return {
            "config_frame_base_address": gicv5.ITS + offset,
            "translate_frame_base_addresses": [gicv5.TRANSLATE + offset],
        }

    def routing_frames(offset):
        return {
            "config_frame_base_address": gicv5.IRS + offset,
            "lpi_frame_base_address": gicv5.SETLPI + offset,
        }

    bridge = {
        "name": "iwb0",
        "config_frame_base_address": gicv5.IWB,
        "target_itsid": 0,
        "num_wires": 64,
        "device_id": gicv5.IWB_DEVICE,
        "domains": 7,
        "iwb_id": 0,
    }
    translation = {
        "name": "its0",
        "itsid": 0,
        "target_irsid": 0,
        "device_id_bits": 20,
        "event_id_bits": 16,
        "device_table_levels": 1,  # linear and two-level
        "interrupt_translation_table_levels": 1,
        "has_swerr_reporting": False,
        "domains": domains(translation_frames),
    }
    routing = {
        "COMMON": {
            "spi_range": 256,
            "support_setlpi_frame": True,
            "min_lpi_id_bits": 0,
            "max_lpi_id_bits": 24,
            "ist_levels": 2,
            "istmd": False,
            "ist_splits": 7,  # 4 KiB, 16 KiB and 64 KiB
            "istmd_sz": 0,
        },
        "INSTANCES": [
            {
                "name": "irs0",
                "irsid": 0,
                "spi_irs_range": 256,
                "spi_base": 0,
                "domains": domains(routing_frames),
                "processing_element_affinities": list(range(ALL_CORES)),
            }
        ],
    }
    interfaces = [
        {
            "core_id": number,
            "has_gicv5_legacy": False,
            "supported_int_id_bits": 16,
            "number_of_non_arch_ppis_implemented": 0,
        }
        for number in range(ALL_CORES)
    ]
    top = {"pa_range": 6, "IWB": [bridge], "ITS": [translation], "IRS": routing}
    return {
        "name": "gicv5_config",
        "version": 1,
        "GIC_TOP": [top],
        "CPU_INTERFACE": interfaces,
    }
