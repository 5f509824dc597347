# SPDX-License-Identifier: MIT
"""The console parser: what it understands, and that nothing a guest writes upsets it."""

import random
import tracemalloc
import unittest

from host import console
from host.console import Parser
from host.results import PASS, SKIP, STATUSES
from host.transcript import Transcript


def parse(data):
    parser = Parser()
    return parser.feed(data) + parser.close()


class Lines(unittest.TestCase):
    def one(self, text):
        events = parse(text.encode() + b"\r\n")
        self.assertEqual(len(events), 1)
        return events[0]

    def test_results(self):
        event = self.one("ok 1 psci.version # 4 checks, 12 us")
        self.assertEqual(
            (event.ok, event.number, event.id, event.directive, event.text),
            (True, 1, "psci.version", "", "4 checks, 12 us"),
        )
        event = self.one("not ok 12 gicv5.its.msi # SKIP needs gicv5_its: no node")
        self.assertEqual((event.ok, event.directive), (False, "SKIP"))
        self.assertEqual(event.text, "needs gicv5_its: no node")
        event = self.one("not ok 2 a.b # ERROR crash: data abort")
        self.assertEqual((event.directive, event.text), ("ERROR", "crash: data abort"))
        self.assertEqual(self.one("ok 3 a.b").text, "")
        self.assertEqual(self.one("ok 3 a.b # SKIPPED is no directive").directive, "")
        self.assertEqual(self.one("ok 4 - a.b").id, "a.b")
        event = self.one("  ok 5 SHA2: SHA256H, SHA256SU0 # 0x1 # 2")
        self.assertEqual((event.id, event.text), ("SHA2: SHA256H, SHA256SU0", "0x1 # 2"))
        self.assertEqual(self.one("  # start SHA2: SHA256H").id, "SHA2: SHA256H")

    def test_items_are_one_level_deep(self):
        self.assertEqual(self.one("  ok 1 ID_PFR0_EL1 # 0x11020131").depth, 1)
        self.assertEqual(self.one("      ok 1 deeper").depth, 1)
        self.assertEqual(self.one("  # start ID_PFR0_EL1").depth, 1)
        self.assertEqual(self.one("  1..56").count, 56)
        self.assertEqual(self.one("  KTAP version 1").depth, 1)

    def test_comments(self):
        self.assertEqual(self.one("# start a.b").id, "a.b")
        header = self.one("# assay 1.0 arm64 build=0123 seed=1 cpus=2 dt=linux,dummy-virt el=1")
        self.assertEqual(header.fields["dt"], "linux,dummy-virt")
        self.assertEqual(self.one("# capabilities: gicv3 cpus(2)").names, ["gicv3", "cpus(2)"])
        self.assertEqual(self.one("# Totals: pass:1 fail:20").counts, {"pass": 1, "fail": 20})
        self.assertEqual(self.one("# bench irq.latency ns n=1").text, "irq.latency ns n=1")
        self.assertEqual(self.one("#   expected: 0x0").text, "  expected: 0x0")
        self.assertEqual(self.one("Bail out! crash in a.b").text, "crash in a.b")

    def test_what_is_nearly_a_line_is_noise(self):
        for text in ("ok", "ok 1", "ok x a.b", "okay 1 a.b", "1..", "1..x", "no"):
            self.assertIsInstance(self.one(text), console.Noise, text)
        self.assertIsInstance(self.one("ok 99999999999999999999 a.b"), console.Noise)

    def test_damage_in_front(self):
        event = self.one("\x02garbage]ok 3 a.b # 1 checks, 2 us")
        self.assertTrue(event.damaged and event.ok and not event.doubtful)
        self.assertTrue(self.one("garbageot ok 3 a.b").doubtful)
        event = self.one("[    0.1] not ok 3 a.b")
        self.assertTrue(event.damaged and not event.ok)
        self.assertEqual(self.one("xxx# start a.b").id, "a.b")

    def test_a_damaged_failure_is_never_a_pass(self):
        whole = b"not ok 3 a.b # 1 checks, 2 us"
        for cut in range(len("not ")):
            for filling in (b"", b"\xff", b"\0", b"#", b"~"):
                line = whole[:cut] + filling + whole[cut + 1 :]
                transcript = Transcript(("a.b",))
                for event in parse(b"KTAP version 1\n1..1\n# start a.b\n" + line + b"\n"):
                    transcript.feed(event)
                self.assertNotEqual(transcript.cases[0].status, PASS, line)

    def test_a_half_line_is_no_result(self):
        self.assertIsInstance(parse(b"ok 1 psci.ver")[0], console.Noise)
        self.assertIsInstance(parse(b"Bail out! x")[0], console.BailOut)

    def test_nul_and_carriage_return(self):
        events = parse(b"\0\0ok 1 a\0.b\r\r\n\0\n\0")
        self.assertEqual(events[0].id, "a.b")
        self.assertEqual(len(events), 2)

    def test_no_terminal_escapes_come_through(self):
        for line in (b"\x1b[2J", b"# \x1b[2J", b"# start \x1b[2Ja", b"ok 1 a # \x1b]0;x\x07\x9b"):
            event = parse(line + b"\n")[0]
            self.assertNotRegex(str(event), "[\x00-\x1f\x7f-\x9f]")

    def test_long_lines_are_cut(self):
        events = parse(b"x" * 100_000 + b"\nok 1 a.b\n")
        self.assertLessEqual(len(events[0].text), console.MAX_LINE)
        self.assertEqual(events[1].id, "a.b")

    def test_pieces_do_not_matter(self):
        data = b"KTAP version 1\r\n1..2\r\n# start a.b\r\nnot ok 1 a.b # ERROR x\r\n\xffok 2 c\r\n"
        whole = parse(data)
        for size in (1, 2, 3, 7):
            parser, events = Parser(), []
            for at in range(0, len(data), size):
                events += parser.feed(data[at : at + size])
            self.assertEqual(events + parser.close(), whole)

    def test_an_endless_line_takes_no_memory(self):
        parser = Parser()
        tracemalloc.start()
        for _ in range(200):
            parser.feed(b"x" * 65536)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.assertLess(peak, 1 << 20)


WORDS = [
    b"KTAP version 1\r\n",
    b"1..3\r\n",
    b"# start a.a\r\n",
    b"# start a.b\r\n",
    b"ok 1 a.a # 4 checks, 12 us\r\n",
    b"not ok 2 a.b\r\n",
    b"ok 3 a.c # SKIP needs gicv5: none\r\n",
    b"not ok 2 a.b # ERROR crash: data abort\r\n",
    b"Bail out! crash\r\n",
    b"  KTAP version 1\r\n  1..2\r\n",
    b"  # start X\r\n",
    b"  ok 1 X # 0x1\r\n",
    b"  not ok 2 Y\r\n",
    b"# tests/x.cc:1: EXPECT_EQ(a, b)\r\n#   expected: 1\r\n#   actual:   2   [cpu0]\r\n",
    b"# Totals: pass:1 fail:1 skip:1 error:0\r\n",
    b"# crash: data abort in a.b\r\n#     #0 image+0x1a2b4\r\n",
    b"# capabilities: gicv3 cpus(2)\r\n",
    b"# assay 0 arm64 build=00 seed=1\r\n",
    b"# error: x\r\n",
    b"\0\xff\xfe\x80\x1b[2J",
    b"ok ",
    b"#",
    b"\n",
]


def mutated(generator, count):
    data = bytearray(b"".join(generator.choice(WORDS) for _ in range(count)))
    for _ in range(generator.randrange(count)):
        at = generator.randrange(len(data))
        kind = generator.randrange(4)
        if kind == 0:
            data[at] = generator.randrange(256)
        elif kind == 1:
            del data[at : at + generator.randrange(20)]
        elif kind == 2:
            data[at:at] = generator.randbytes(generator.randrange(8))
        else:
            data[at:at] = data[at : at + generator.randrange(40)]
        data = data or bytearray(b"\n")
    return bytes(data)


class Fuzz(unittest.TestCase):
    ROUNDS = 2000

    def test_any_bytes(self):
        for seed in range(self.ROUNDS):
            with self.subTest(seed=seed):
                self.one_round(random.Random(seed))

    def one_round(self, generator):
        data = mutated(generator, 40)
        parser, transcript, at = Parser(), Transcript(("a.a", "a.b", "a.c")), 0
        while at < len(data):
            size = generator.randrange(1, 200)
            for event in parser.feed(data[at : at + size]):
                transcript.feed(event)
            at += size
        for event in parser.close():
            transcript.feed(event)
        transcript.abandon("crash", "the end")
        transcript.check(3)
        self.assertLessEqual(len(transcript.cases), 3)
        for case in transcript.cases:
            self.assertIn(case.status, STATUSES)
            self.assertTrue(case.reason or case.status in (PASS, SKIP), case)


if __name__ == "__main__":
    unittest.main()
