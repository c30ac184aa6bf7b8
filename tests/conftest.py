"""For every test: time never decides. A busy machine makes no property false, and a slow draw no test unhealthy.

Ctrl-C reaches every program that a test starts, also where the suite itself was started in the background.
"""

import signal
import threading

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
