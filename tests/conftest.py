"""How many examples property tests try: a hundred, or with `--hypothesis-profile thorough` five times as many.

No time is ever asserted: a machine that is busy makes nothing fail.
"""

from hypothesis import settings

settings.register_profile("quick", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("quick")
