# SPDX-License-Identifier: MIT
"""The pattern language of test selections, the same as the guest's (`assay.tests=`).

`*` is any text, `?` any character, a leading `-` excludes. A test that is marked "on request" is
chosen only by a pattern whose text before its first wildcard names the test's group, so that
`misbehave.*` finds what `*` does not.
"""

import functools
import re

DEFAULT = "*"


@functools.lru_cache(maxsize=None)
def _compile(pattern):
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern, text):
    return _compile(pattern).fullmatch(text) is not None


def _names_group(pattern, identifier):
    group = identifier.rpartition(".")[0]
    return re.split(r"[*?]", pattern, maxsplit=1)[0].startswith(group + ".")


def normalise(patterns):
    """Splits at commas; what only excludes, excludes from everything."""
    parts = [part for text in patterns for part in re.split(r"[,\s]+", text) if part]
    if all(part.startswith("-") for part in parts):
        parts.insert(0, DEFAULT)
    return parts


def chooses(pattern, identifier, on_request=False):
    """Whether this one pattern (with no leading `-`) chooses this test."""
    return matches(pattern, identifier) and (
        not on_request or _names_group(pattern, identifier)
    )


def wanted(patterns):
    """Those that choose, without those that exclude."""
    return [pattern for pattern in patterns if not pattern.startswith("-")]


def select(patterns, tests):
    """The chosen ones of `tests` (objects with .id and .on_request), in their order."""
    choosing = wanted(patterns)
    unwanted = [p[1:] for p in patterns if p.startswith("-")]
    return [
        test
        for test in tests
        if any(chooses(p, test.id, test.on_request) for p in choosing)
        and not any(matches(p, test.id) for p in unwanted)
    ]


def limit(patterns, limits, tests):
    """Patterns that choose what both choose. `limits` stand for a DEFAULT among the patterns."""
    if wanted(patterns) == [DEFAULT]:
        return limits + [pattern for pattern in patterns if pattern.startswith("-")]
    return [test.id for test in select(patterns, select(limits, tests))]
