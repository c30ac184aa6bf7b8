"""Try mutants of the coach's guards: a test must fail when one of their lines is wrong.

Run it with `make mutate`, or as

    python -m scripts.mutate [module …] [--sample N] [--seed S] [--line TEXT] [--list]

Every mutant (`scripts.mutants`) of a module is tried against that module's tests in a child process. The child is
forked with all large packages loaded, imports the mutant in the place of the module, and stops at the first failing
test. A mutant that no test fails on has survived: write the test that is missing, or list the mutant with a reason in
`tests/coach/survivors.toml`. Why a runner of our own: docs/adr/0016-mutation-runner.md.
"""

import argparse
import importlib.machinery
import os
import random
import resource
import signal
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import hypothesis
import numpy as np
import pytest

from scripts.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[1]
SURVIVORS = ROOT / "tests" / "coach" / "survivors.toml"
KILLED_TARGET = 0.95
MOST_CPU_S = 90
"""A mutant that has used so much processor time is in an endless loop, and counts as killed."""
OPTIONS = ("-x", "-q", "-p", "pytest_timeout", "-p", "no:cacheprovider")
PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
LOADED = (hypothesis, np)
"""Loaded before the forks, so that no child pays for them."""

SESSION = "tests/coach/session"
GUIDANCE = "tests/coach/guidance"
RULES = (
    *(
        f"{SESSION}/test_{name}.py"
        for name in (
            *(
                "transitions",
                "guards",
                "commands",
                "silent_strap",
                "ceiling",
                "questions",
                "gate",
                "stop",
                "pause",
                "readiness",
            ),
            *("recovery", "target", "warm_up", "view", "slow_source", "zone_position", "cues"),
        )
    ),
    "tests/coach/test_unanswered_call.py",
    "tests/coach/test_floor.py",
)
LEARNED = (f"{GUIDANCE}/test_heart_model.py", f"{GUIDANCE}/test_fault_sessions.py")
TESTS: dict[str, tuple[str, ...]] = {
    "coach.session.limits": RULES,
    "coach.session.signal_quality": (
        *(f"{SESSION}/test_{name}.py" for name in ("signal_bounds", "signal", "slow_source", "guards")),
    ),
    "coach.session.engine": (f"{SESSION}/test_commands.py", *RULES),
    "coach.session.transition": RULES,
    "coach.session.pace": (f"{SESSION}/test_slow_source.py", f"{SESSION}/test_guards.py"),
    "coach.session.restraints": (
        f"{SESSION}/test_causes.py",
        f"{SESSION}/test_gate.py",
        f"{SESSION}/test_guards.py",
        "tests/coach/test_restraints.py",
    ),
    "coach.guidance.belief": (f"{GUIDANCE}/test_belief.py", *LEARNED),
    "coach.guidance.first_reading_check": (f"{GUIDANCE}/test_expectation.py", f"{GUIDANCE}/test_belief.py"),
    "coach.guidance.advice_policy": (f"{GUIDANCE}/test_advice_policy.py", *LEARNED),
    "coach.guidance.barrier": (f"{GUIDANCE}/test_guidance_barrier.py",),
}
"""The modules that guard somebody, and which tests of `tests/coach` hold each; quick and likely ones first."""


def source_of(module: str) -> Path:
    """Return the file of a module."""
    return ROOT / f"{module.replace('.', '/')}.py"


def listed() -> dict[tuple[str, str, str], str]:
    """Return the reason of each survivor that is listed, by module, line and change."""
    if not SURVIVORS.exists():
        return {}
    rows = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get("survivor", [])
    return {(row["module"], row["line"], row["change"]): row["reason"] for row in rows}


def run_tests(module: str, mutant: Mutant | None) -> bool:
    """Return whether the module's tests pass with this mutant, or with the module as it is."""
    child = os.fork()
    if child == 0:
        os._exit(_child(module, mutant))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _child(module: str, mutant: Mutant | None) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S + 5))
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(3))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    if mutant is not None:
        _import_mutant(module, mutant)
    for name in [name for name in sys.modules if name.split(".")[0] in ("coach", "firmware", "tests")]:
        del sys.modules[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        # File by file, so that a mutant that the first one kills pays for no other's imports.
        return next(
            (code for path in tests_of(module) if (code := int(pytest.main([*OPTIONS, path]))) not in PASSED), 0
        )
    except BaseException:  # noqa: BLE001 - a mutant that breaks pytest itself is killed
        return 4


def tests_of(module: str) -> list[str]:
    """Return the files of tests that hold a module."""
    return [path for path in dict.fromkeys(TESTS[module]) if (ROOT / path).exists()]


def _import_mutant(module: str, mutant: Mutant) -> None:
    """From now on, import the mutant in the place of the module."""
    path = str(source_of(module))
    code = compile(mutant.tree(), path, "exec", dont_inherit=True)
    usual: Callable[[importlib.machinery.SourceFileLoader, str], CodeType | None] = (
        importlib.machinery.SourceFileLoader.get_code
    )

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str) -> CodeType | None:
        return code if name == module else usual(loader, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]


def measure(module: str, chosen: list[Mutant]) -> list[Mutant]:
    """Try mutants of a module, and return those that survived."""
    if not run_tests(module, None):
        raise SystemExit(f"{module}: its tests fail without any mutant; mend them first")
    lived = []
    for mutant in chosen:
        if run_tests(module, mutant):
            lived.append(mutant)
            print(f"  lived {module}:{mutant.lineno}  {mutant.change}   in   {mutant.line}", flush=True)
    return lived


def choose(module: str, asked: argparse.Namespace) -> tuple[list[Mutant], int]:
    """Return the mutants of a module to try, in the order of its lines, and how many there are."""
    every = mutants(source_of(module).read_text(encoding="utf-8"))
    drawn = [one for one in every if asked.line is None or asked.line in one.line]
    if asked.sample is not None and asked.sample < len(drawn):
        chance = random.Random(f"{asked.seed} {module}")  # noqa: S311 - a seeded sample, no secret
        drawn = sorted(chance.sample(drawn, asked.sample), key=lambda one: one.number)
    return drawn, len(every)


def main() -> int:
    """Measure the modules that were named, or all, and print a figure for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="module", help="the last part of its name is enough")
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants of each module, drawn with the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line", metavar="TEXT", help="only mutants of lines that hold this text")
    parser.add_argument("--list", action="store_true", help="print the mutants and try none")
    asked = parser.parse_args()
    reasons, missed = listed(), 0
    tried_all = killed_all = 0
    for module in [name for name in TESTS if not asked.modules or any(name.endswith(one) for one in asked.modules)]:
        drawn, many = choose(module, asked)
        if asked.list:
            for one in drawn:
                print(f"{module}:{one.lineno}  {one.change}   in   {one.line}")
            continue
        began_s = time.monotonic()
        lived = measure(module, drawn)
        unlisted = [one for one in lived if (module, *one.key) not in reasons]
        killed, tried = len(drawn) - len(lived), len(drawn)
        tried_all, killed_all = tried_all + tried, killed_all + killed
        missed += killed < KILLED_TARGET * tried or bool(unlisted)
        print(
            f"{module}: {killed} of {tried} killed ({killed / max(tried, 1):.1%}), "
            f"{len(lived) - len(unlisted)} survivors listed, {len(unlisted)} not; "
            f"{tried} of {many} mutants tried, {time.monotonic() - began_s:.0f} s",
            flush=True,
        )
    if tried_all:
        print(f"all: {killed_all} of {tried_all} killed ({killed_all / tried_all:.1%}); target {KILLED_TARGET:.0%}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
