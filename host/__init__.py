# SPDX-License-Identifier: MIT
"""The host side of Assay: starts VMMs, reads their consoles, says what is wrong.

Where to look (in the order in which a run passes through):

    cli.py         the command line of run_tests.sh
    settings.py    what one invocation asks for
    tools.py       where the checkout and the programs are
    prepare.py     dependencies and build, when something is missing
    image.py       the list of tests, read from the guest's ELF file
    store.py       what is remembered between runs
    globs.py       patterns that choose tests
    machine.py     machines/*.toml: what to start, what it must offer, what is known to be broken
    schedule.py    several machines at once, by lit; litformat.py is lit's side of it
    session.py     one machine: boots until every test has a result
    vmm/           command lines of QEMU, kvmtool, Firecracker, FVP and the model machine; device
                   trees; QMP; what a hung machine was doing; whether there is KVM
    process.py     one VMM process: read it, limit it, end it
    console.py     bytes of the console to events
    transcript.py  events of one boot to results
    results.py     results, and what the eight outcomes mean
    symbols.py     image+0x1a2b4 to function and line
    progress.py    what a person sees while it runs and at the end
    report/        JSON, JUnit, KTAP, HTML

Beside it: bench.py is `make bench`, plugins/ holds the QEMU plugin that counts instructions for it,
tests/ tests all of this without a VMM (fake_vmm.py plays one).
"""
