"""Who runs first on a busy machine: cues before pictures, pictures before everything else.

Where that is not permitted the services go on without it, silently.
"""

import contextlib
import os
import sys

REAL_TIME_PRIORITY = 10
NICE_INSTEAD = -10
THREAD_SWITCH_S = 0.0005


def set_switch_interval() -> None:
    """Let a thread of this process that has something urgent wait half a millisecond at most for another one."""
    sys.setswitchinterval(THREAD_SWITCH_S)


def set_realtime_priority() -> None:
    """Let this thread run before all ordinary ones. Threads that it starts later get the ordinary priority again."""
    try:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(REAL_TIME_PRIORITY))
    except OSError:
        nicer()


def nicer() -> None:
    """Give this thread, and those that it starts later, more of a busy machine than ordinary ones get."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE_INSTEAD)
