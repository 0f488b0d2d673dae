"""What all tests share: Hypothesis without deadlines, since the machine under the tests may be busy with others."""

from hypothesis import HealthCheck, settings

settings.register_profile("angarium", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("angarium")
