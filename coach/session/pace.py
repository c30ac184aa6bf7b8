"""How often a source reports, learned from its last gaps: silence is judged against the source's own pace.

Most straps report once a second. Some report every 5 or 6 s, steadily, and others do so over a weak link. A fixed limit
just below such a period makes a steady source look broken at every report.
"""

from msgspec import Struct
from msgspec.structs import replace

GAPS_KEPT = 12
TOGETHER_S = 0.15
"""Reports so near to each other had waited for a weak link and came at one moment: no heart beats so fast."""
LEAST_GAPS = 3
"""A source is taken for one that reports once a second until so many gaps are known."""
USUAL_SHARE = 0.75
"""Upper quartile: a single long gap changes nothing, and an uneven source is judged by its longer gaps."""


class Pace(Struct, frozen=True):
    """The last gaps between reports, in seconds, oldest first."""

    gaps_s: tuple[float, ...] = ()

    def after(self, gap_s: float) -> "Pace":
        """Return the pace after another gap; reports that come together count as one."""
        if gap_s < TOGETHER_S:
            return self
        return replace(self, gaps_s=(*self.gaps_s, gap_s)[-GAPS_KEPT:])

    @property
    def usual_s(self) -> float:
        """The usual gap: the upper quartile of the last ones, and never less than one second."""
        if len(self.gaps_s) < LEAST_GAPS:
            return 1.0
        return max(sorted(self.gaps_s)[int(USUAL_SHARE * (len(self.gaps_s) - 1))], 1.0)

    def allowed_s(self, least_s: float, most_s: float, gaps: float) -> float:
        """Return so many usual gaps, within the two bounds."""
        return min(max(least_s, gaps * self.usual_s), most_s)
