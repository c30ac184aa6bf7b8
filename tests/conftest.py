"""For every test: time never decides. A busy machine makes no property false, and a slow draw no test unhealthy."""

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
