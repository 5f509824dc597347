# SPDX-License-Identifier: MIT
"""A GICv5 in a device tree, where the back end makes the tree: FVP and the model machine.

Binding: Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic-v5{,-iwb}.yaml. The
frames of both are where Trusted Firmware-A's description of the FVP has them
(fdts/fvp-base-gicv5.dtsi, plat/arm/board/fvp/gicv5_config.yaml).
"""

from host.vmm.device_tree import cells, cells64, halves, strings

IWB, ITS, TRANSLATE, IRS, SETLPI = 0x2F000000, 0x2F120000, 0x2F130000, 0x2F1A0000, 0x2F1B0000
FRAME = 0x10000
IWB_DEVICE = 64  # DeviceID of the wires' events
PPI, SPI = 1, 3  # first cell of an interrupt, a type as in INTIDs; then its number and the flags
LEVEL_HIGH = 4
PMU, HYP_PHYS, VIRT, SEC_PHYS, PHYS = 23, 26, 27, 29, 30  # PPIs, as architected


def interrupt(kind, number, flags=LEVEL_HIGH):
    return cells(kind, number, flags)


def timer():
    """The node of the CPUs' timers: its interrupts in the binding's order."""
    ppis = (SEC_PHYS, PHYS, VIRT, HYP_PHYS)
    return {
        "compatible": strings("arm,armv8-timer"),
        "interrupts": b"".join(interrupt(PPI, ppi) for ppi in ppis),
    }


def nodes(phandle, its_phandle, cpus, iaffids, coherent):
    """The CPU interface with IRS and ITS in it, and the IWB. `cpus` are phandles of CPU nodes."""
    children = {"#address-cells": cells(2), "#size-cells": cells(2), "ranges": b""}
    coherency = {} if coherent else {"dma-noncoherent": b""}
    translation = {
        "compatible": strings("arm,gic-v5-its"),
        "reg": cells64(ITS, FRAME),
        "reg-names": strings("ns-config"),
        **children,
        **coherency,
        f"msi-controller@{TRANSLATE:x}": {
            "reg": cells64(TRANSLATE, FRAME),
            "reg-names": strings("ns-translate"),
            "#msi-cells": cells(1),
            "msi-controller": b"",
            "phandle": cells(its_phandle),
        },
    }
    routing = {
        "compatible": strings("arm,gic-v5-irs"),
        "reg": cells64(IRS, FRAME, SETLPI, FRAME),
        "reg-names": strings("ns-config", "ns-setlpi"),
        "cpus": cells(*cpus),
        "arm,iaffids": halves(*iaffids),
        **children,
        **coherency,
        f"its@{ITS:x}": translation,
    }
    return {
        "interrupt-controller": {
            "compatible": strings("arm,gic-v5"),
            "interrupt-controller": b"",
            "#interrupt-cells": cells(3),
            "phandle": cells(phandle),
            **children,
            f"irs@{IRS:x}": routing,
        },
        f"interrupt-controller@{IWB:x}": {
            "compatible": strings("arm,gic-v5-iwb"),
            "reg": cells64(IWB, FRAME),
            "interrupt-controller": b"",
            "#interrupt-cells": cells(2),
            "#address-cells": cells(0),
            "msi-parent": cells(its_phandle, IWB_DEVICE),
        },
    }
