"""The disk: room for another session, writable, and a card that does not fail."""

import os
from pathlib import Path
from typing import ClassVar

from firmware.doctor.check import CheckFinding, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext


class DiskCheck:
    """Free space under the diary, how its file system is mounted, and the errors that the kernel has counted there."""

    name: str = "disk"
    codes: ClassVar[Codes] = {
        "disk_full": Severity.ATTENTION,
        "disk_read_only": Severity.ATTENTION,
        "disk_filling": Severity.ATTENTION,
        "card_errors": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
        """Nothing here closes the start: what the card does not take is kept in memory until it is delivered."""
        free = place.free_bytes or _free_bytes
        folder = next(one for one in (place.diary.parent, *place.diary.parents, Path("/")) if one.exists())
        left = free(folder)
        facts = f"{left / 2**20:.0f} MB"
        findings: list[CheckFinding] = []
        if left < place.free_floor_bytes:
            findings.append(make_finding(self, "disk_full", f"{facts} of {place.free_floor_bytes / 2**20:.0f} MB"))
        elif left < place.limits.free_disk_mb * 2**20:
            findings.append(make_finding(self, "disk_filling", facts))
        if self._read_only(place, folder):
            findings.append(make_finding(self, "disk_read_only", str(folder)))
        for counted in place.those("/sys/fs/ext4", "*/errors_count"):
            errors = place.number(counted)
            if errors:
                findings.append(make_finding(self, "card_errors", f"{counted.parent.name}: {errors}"))
        return Outcome(tuple(findings), facts)

    def _read_only(self, place: CheckContext, folder: Path) -> bool:
        """Whether the mount that holds the folder is read-only: the longest mount point that is above it, the last."""
        holds: tuple[int, bool] = (-1, False)
        for line in (place.text("/proc/self/mounts") or "").splitlines():
            match line.split():
                case [_, point, _, options, *_]:
                    point = point.replace("\\040", " ")
                    above = point == "/" or folder.is_relative_to(point)
                    if above and len(point) >= holds[0]:
                        # Since Linux 6.15 an ext4 that gave up is `rw,…,emergency_ro`.
                        holds = (len(point), not {"ro", "emergency_ro"}.isdisjoint(options.split(",")))
                case _:
                    raise ValueError(f"/proc/self/mounts: {line[:80]}")
        return holds[1]


def _free_bytes(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize
