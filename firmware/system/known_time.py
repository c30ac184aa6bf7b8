"""What is known about the time now where the wall clock may not be set, and how old a moment is by it.

The rule for all decisions about people (docs/clock.md): an age is known exactly within one boot (monotonic time), or
where both moments have a trusted wall time. Otherwise only its least value is known: the time since this boot, and the
time up to the newest trusted moment on record. A wall clock that was never set says nothing.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from firmware.system.timestamps import Timestamp


class Age(Struct, frozen=True):
    """How long ago a moment was, in s. `exact_s` is None where only `least_s` is known."""

    least_s: float
    exact_s: float | None = None

    def under(self, limit_s: float) -> bool:
        """Return whether the age is certainly below `limit_s`."""
        return self.exact_s is not None and self.exact_s < limit_s

    def may_be_under(self, limit_s: float) -> bool:
        """Return whether the age is not known and could be below `limit_s`."""
        return self.exact_s is None and self.least_s < limit_s


class KnownTime(Struct, frozen=True):
    """What is known of one moment. `offsets_s`: wall minus monotonic time of each boot with a set clock, by boot id.

    `floor_wall_s`: the newest trusted wall time on record; it is never earlier than that now.
    """

    stamp: Timestamp
    offsets_s: Mapping[str, float] = {}
    floor_wall_s: float = 0.0

    @property
    def wall_s(self) -> float | None:
        """Return the time in s since 1970; None while the clock is not set."""
        return self.wall_of(self.stamp)

    def wall_of(self, then: Timestamp) -> float | None:
        """Return the wall time of a moment, by its own trusted stamp or by its boot; None where neither is known."""
        if then.trusted:
            return then.wall_s
        offset_s = self.offsets_s.get(then.boot_id)
        return None if offset_s is None else then.monotonic_s + offset_s

    def has_passed(self, wall_s: float) -> bool:
        """Return whether it is certainly later than a wall time in s since 1970."""
        now_s = self.wall_s
        return (self.floor_wall_s if now_s is None else now_s) >= wall_s

    def not_before(self, wall_s: float | None) -> "KnownTime":
        """Return the same, never earlier than a trusted wall time (s since 1970)."""
        now_s = self.wall_s
        if wall_s is None or (now_s is not None and now_s >= wall_s):
            return self
        if now_s is None:
            return replace(self, floor_wall_s=max(self.floor_wall_s, wall_s))
        return replace(self, stamp=replace(self.stamp, wall_s=wall_s, synchronised=True))

    def age_of(self, then: Timestamp) -> Age:
        """Return how long ago a moment was. A trusted moment after now has a negative exact age."""
        if then.boot_id and then.boot_id == self.stamp.boot_id:
            age_s = self.stamp.monotonic_s - then.monotonic_s
            return Age(max(0.0, age_s), age_s)
        then_s, now_s = self.wall_of(then), self.wall_s
        if then_s is not None and now_s is not None:
            return Age(max(0.0, now_s - then_s), now_s - then_s)
        # Another boot of this machine ended before this one began; a time from elsewhere may be of this boot.
        since_boot_s = self.stamp.monotonic_s if then.boot_id else 0.0
        return Age(max(since_boot_s, 0.0 if then_s is None else self.floor_wall_s - then_s))


def trusted_moment(wall_s: float) -> Timestamp:
    """Return a moment that a trusted clock elsewhere has told: a server's, or that of a dated file."""
    return Timestamp("", 0.0, wall_s, synchronised=True)
