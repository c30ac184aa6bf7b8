"""The machine looks at itself: one check in each file, each giving findings, each finding with its advice.

`check` says what a check, a finding and an outcome are; `place` is the one way to the world outside, so that tests put
a recorded tree there; `checks` lists all; `round` goes through them, and lets no check hurt another.
"""
