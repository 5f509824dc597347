# SPDX-License-Identifier: MIT
"""The command line of run_tests.sh."""

import argparse
import os
import signal
import sys

from host import globs, schedule, session, vmm
from host import image as images
from host import machine as machines
from host import prepare as preparation
from host import progress, report, results, tools
from host.settings import Settings

PROGRAM = "run_tests.sh"
FAULT_TIMEOUT = 9  # seconds: with faults, tests hang as a matter of course

_DESCRIPTION = """\
Boots the test image on machines and says what it found. Without options: every test on every
machine that can run here. GLOB chooses tests by their id ('timer.*'); behind '--' a leading '-'
excludes. What is missing is set up and built first.
"""

_EPILOG = """\
exit status: 0 everything as expected, 1 something was not, 2 nothing could be run (and why)
"""


class Usage(Exception):
    """The command line asks for something that is not there."""


def main(arguments):
    # Ended from outside, what was started has to be ended as well: unwind instead of dying.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _main(arguments)
    except (Usage, machines.BadMachine, images.BadImage, preparation.NotPrepared) as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has seen enough; nothing of ours may complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        print(f"{PROGRAM}: error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("globs", nargs="*", metavar="GLOB", help="tests to run")
    add("--arch", metavar="A", help="only machines of this architecture")
    add("--machine", metavar="M", action="append", help="only this machine; may be repeated")
    add("--vmm", metavar="V", help="only machines of this VMM: " + ", ".join(vmm.NAMES))
    add("--accel", metavar="X", choices=("tcg", "kvm"), help="run under tcg or kvm")
    add("--list", action="store_true", help="list the tests: id, sentence, needs; no boot")
    add("--list-machines", action="store_true", help="list the machines and what they need")
    add("-j", metavar="N", dest="jobs", type=_count, help="machines at once (default: CPUs)")
    for kind in report.KINDS:
        add(f"--{kind}", metavar="FILE", help=f"write a {kind} report; '-' is standard output")
    add("--seed", metavar="N", default="1", help="seed of the tests (default 1), or 'random'")
    add("--order", choices=("sorted", "random"), default="sorted", help="order of the tests")
    add("--repeat", metavar="N", type=_count, default=1, help="run the selection N times")
    add("--fault", metavar="NAME", help="run with this fault, on machines that have it: models")
    add("--faults", action="store_true", help="prove that the tests notice every fault")
    add("--timeout", metavar="S", type=_seconds, help="seconds a test may take (default 60)")
    add("--logs", metavar="DIR", help="where to keep consoles (default build/logs)")
    add("--toolchain", choices=("llvm", "gnu"), default="llvm", help="what builds the image")
    add("--qemu", metavar="PATH", help="the QEMU program to use")
    add("--vmm-arg", metavar="ARG", action="append", default=[], help="one more VMM argument")
    add("-v", "--verbose", action="store_true", help="every test, and all output of bad ones")
    return parser


def _count(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _seconds(text):
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError
    return value


_count.__name__ = "number"  # argparse's messages: "invalid number value"
_seconds.__name__ = "seconds"


def _parse(arguments):
    excluding = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, excluding = arguments[:at], arguments[at + 1 :]
    parser = _parser()
    options, unknown = parser.parse_known_intermixed_args(arguments)
    for argument in unknown:
        name = argument.split("=")[0]
        known = [text for action in parser._actions for text in action.option_strings]
        raise Usage(f"unknown option '{name}'{_near(name, known)}")
    options.globs += excluding
    return options


def _near(name, known):
    import difflib

    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def _main(arguments):
    options = _parse(arguments)
    settings = _settings(options)
    files = _report_files(options)
    # A report on standard output is for a program: what is for people goes beside it.
    stream = sys.stderr if "-" in files.values() else sys.stdout
    chosen = _choose_machines(options)
    if options.list_machines:
        return _list_machines(chosen, settings, stream)
    if "ASSAY_BUILD_DIR" not in os.environ:
        _prepare(chosen, options.toolchain)
    loaded = _load_images(chosen, settings)
    _check_globs(settings.patterns, loaded.values())
    if options.list:
        return _list_tests(settings, bool(options.globs), loaded)
    view = progress.View(stream, options.verbose)
    targets, runs = _resolve(options, settings, chosen, loaded, view)
    if options.faults:
        return _run_faults(options, settings, targets, files, view)
    return _run(options, settings, chosen, targets, runs, files, view)


def _prepare(chosen, toolchain):
    for arch in sorted({machine.arch for machine in chosen}):
        kinds = {machine.vmm for machine in chosen if machine.arch == arch}
        image = bool(kinds - {"model"})
        preparation.prepare(arch, toolchain, image, "model" in kinds)


def _load_images(chosen, settings):
    """{machine: image}; machines share them."""
    loaded, images_of = {}, {}
    for machine in chosen:
        key = machine.arch, machine.vmm == "model"
        if key not in loaded:
            loaded[key] = images.of_machine(machine, settings)
        images_of[machine.name] = loaded[key]
    return images_of


def _settings(options):
    settings = Settings()
    settings.patterns = globs.normalise(options.globs)
    if globs.wanted(settings.patterns) != [globs.DEFAULT]:
        settings.unlimited = _named_machines(options)
    if options.toolchain != "llvm":
        settings.build = str(tools.ROOT / f"build-{options.toolchain}")
        settings.cache = os.path.join(settings.build, "runner")
    if build := os.environ.get("ASSAY_BUILD_DIR"):
        settings.build, settings.cache = build, os.path.join(build, "runner")
        settings.models = os.path.join(build, "models")
    settings.logs = os.path.abspath(options.logs or os.path.join(settings.build, "logs"))
    settings.accel = options.accel or ""
    if options.qemu:
        settings.programs["qemu"] = options.qemu
    settings.vmm_args = options.vmm_arg
    settings.order = options.order
    settings.repeat = options.repeat
    settings.timeout = options.timeout or (FAULT_TIMEOUT if options.faults else 0)
    settings.fault = options.fault or ""
    if options.seed == "random":
        settings.seed = int.from_bytes(os.urandom(4), "little")
    else:
        try:
            settings.seed = int(options.seed, 0)
        except ValueError:
            raise Usage(f"--seed: '{options.seed}' is neither a number nor 'random'") from None
        if not 0 <= settings.seed < 1 << 64:
            raise Usage("--seed: must be from 0 to 2^64 - 1")
    return settings


def _report_files(options):
    files = {kind: path for kind in report.KINDS if (path := getattr(options, kind))}
    if list(files.values()).count("-") > 1:
        raise Usage("only one report can go to standard output")
    return files


def _named_machines(options):
    return [name for text in options.machine or () for name in text.split(",") if name]


def _choose_machines(options):
    """Machines by --machine, --arch and --vmm; not yet whether they can run."""
    every = [machines.load_named(name) for name in machines.names()]
    chosen = every
    if options.machine:
        wanted = _named_machines(options)
        for name in wanted:
            if not any(globs.matches(name, machine.name) for machine in every):
                known = [machine.name for machine in every]
                near = _near(name, known) or f" (there are: {', '.join(known)})"
                raise Usage(f"no machine is called '{name}'{near}")
        chosen = [m for m in every if any(globs.matches(name, m.name) for name in wanted)]
    for option, attribute in (("--arch", "arch"), ("--vmm", "vmm")):
        value = getattr(options, attribute)
        if not value:
            continue
        known = sorted({getattr(machine, attribute) for machine in every})
        if value not in known:
            near = f" (there are: {', '.join(known)})"
            raise Usage(f"{option}: no machine has '{value}'{near}")
        chosen = [machine for machine in chosen if getattr(machine, attribute) == value]
    if options.fault or options.faults:
        chosen = [machine for machine in chosen if vmm.backend(machine.vmm).has_faults]
        if not chosen:
            raise Usage("none of these machines can be made wrong on purpose (models can)")
    if not chosen:
        raise Usage("no machine is left by --machine, --arch and --vmm together")
    return chosen


def _check_globs(patterns, loaded):
    tests = _union(loaded)
    for pattern in patterns:
        bare = pattern.removeprefix("-")
        if any(globs.chooses(bare, t.id, t.on_request and bare == pattern) for t in tests):
            continue
        hidden = sorted({t.id.rpartition(".")[0] for t in tests if globs.matches(bare, t.id)})
        if hidden:
            named = " or ".join(f"'{group}.*'" for group in hidden)
            raise Usage(f"'{bare}' finds only tests that run on request: name their group: {named}")
        groups = sorted({t.id.rpartition(".")[0] + ".*" for t in tests})
        near = _near(bare, [t.id for t in tests] + groups) or " (--list shows all)"
        raise Usage(f"no test matches '{bare}'{near}")
    if not globs.select(patterns, tests):
        raise Usage(f"no test is left by '{','.join(patterns)}'")


def _union(loaded):
    """Every test of these images once: a model machine's program has tests of the image, too."""
    return list({test.id: test for image in loaded for test in image.tests}.values())


def _list_tests(settings, chosen, loaded):
    archs = sorted({image.arch for image in loaded.values()})
    for arch in archs:
        tests = _union(image for image in loaded.values() if image.arch == arch)
        tests.sort(key=lambda test: test.id)
        tests = globs.select(settings.patterns, tests) if chosen else tests
        if len(archs) > 1:
            print(f"{arch}:")
        width = max((len(test.id) for test in tests), default=0)
        for test in tests:
            needs = f"  [needs {test.needs}]" if test.needs else ""
            request = "  [on request]" if test.on_request else ""
            print(f"{test.id:<{width}}  {test.summary}{needs}{request}")
    return 0


def _list_machines(chosen, settings, stream):
    width = max(len(machine.name) for machine in chosen)
    for machine in chosen:
        try:
            target = session.resolve(machine, None, settings)
            state = " ".join(filter(None, (target.vmm_name, target.version, target.accel)))
        except vmm.Missing as error:
            state = f"cannot run here: {error}"
        print(f"{machine.name:<{width}}  {machine.summary}  [{state}]", file=stream)
    return 0


def _resolve(options, settings, chosen, loaded, view):
    """Machines that can run these tests here, and why others cannot."""
    targets, runs = [], {}
    for machine in chosen:
        image = loaded[machine.name]
        if not session.selection(machine, image, settings)[1]:
            if options.verbose:
                view.line(f"{machine.name}: none of these tests is among its own")
            continue
        try:
            targets.append(session.resolve(machine, image, settings))
        except vmm.Missing as error:
            if options.machine:
                runs[machine.name] = results.Run(machine.name, machine.arch, not_run=str(error))
            elif options.verbose or not isinstance(error, vmm.Absent):
                view.line(f"{machine.name}: cannot run here: {error}")
    if not targets and not runs:
        raise Usage("no machine can run these tests here (--list-machines says why)")
    for run in runs.values():
        view.event(run.machine, "done", run=run)
    if options.fault:
        known = {name for target in targets for name in target.faults()}
        if known and options.fault not in known:
            raise Usage(f"no fault is called '{options.fault}'{_near(options.fault, known)}")
        targets = [target for target in targets if options.fault in target.faults()]
    return targets, runs


def _schedule(options, settings, targets, view, **faults):
    try:
        at_once = options.jobs or os.cpu_count() or 1
        return schedule.run(targets, settings, at_once, view, **faults) if targets else []
    finally:
        view.close()


def _run_faults(options, settings, targets, files, view):
    """First the machines as they are, then with one fault after the other."""
    if options.fault:
        raise Usage("--fault and --faults exclude each other")
    healthy = _schedule(options, settings, targets, view)
    if not healthy or not all(run.as_expected for run in healthy):
        view.line("No fault was tried: the machine has to be as expected without one.")
        report.write_all(files, healthy)
        return results.exit_status(healthy) or 1
    settings.stop_when_noticed = True
    summaries = {
        (target.machine.name, name): summary
        for target in targets
        for name, summary in target.faults().items()
    }
    fault_view = progress.FaultView(view.stream, summaries)
    verdicts = []
    for target in targets:
        name = target.machine.name
        for run in _schedule(options, settings, [target], fault_view, faults=list(target.faults())):
            verdicts.append(results.Verdict.of(run, summaries[name, run.fault]))
    unnoticed = [verdict.name for verdict in verdicts if not verdict.noticed]
    view.line(progress.verdict_total(verdicts, view.style))
    report.write_all(files, healthy, verdicts)
    return 1 if unnoticed else 0


def _run(options, settings, chosen, targets, runs, files, view):
    for run in _schedule(options, settings, targets, view):
        runs[run.machine] = run
    ordered = [runs[machine.name] for machine in chosen if machine.name in runs]
    status = results.exit_status(ordered)
    for line in progress.total_lines(ordered, view.style):
        view.line(line)
    if options.verbose or settings.seed != 1 or settings.order == "random":
        view.line(f"Seed {settings.seed}, order {settings.order}.")
    report.write_all(files, ordered)
    return status
