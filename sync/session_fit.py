"""A session as a FIT activity file, by Garmin's own encoder, for any training diary that reads FIT.

Order and required messages: Garmin FIT SDK, «Activity File» and «Encoding FIT Activity Files». Times are the session's
beginning by the wall clock plus the session's own seconds, so that a clock set meanwhile moves nothing.
"""

import zlib
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from garmin_fit_sdk import Encoder, Profile

from coach.protocol import PhaseKind
from sync.session_track import Second, Track, paused_s, seconds_of

EARLIEST = datetime(1998, 7, 4, tzinfo=UTC)
"""A FIT time before this (0x10000000 s after 1989-12-31) means «since power on»; a clock never set gets this."""

INTENSITIES = {
    PhaseKind.WARM_UP: "warmup",
    PhaseKind.INTERVAL: "active",
    PhaseKind.RECOVERY: "recovery",
    PhaseKind.STEADY: "active",
    PhaseKind.MOTOR: "active",
    PhaseKind.COOL_DOWN: "cooldown",
}
_HIGHEST_BPM = 254
_RR_PER_MESSAGE = 5
_LONGEST_RR_MS = 65_534
_SPORT = {"sport": "running", "sub_sport": "treadmill"}
_SOFTWARE_VERSION = 1.0


def fit_of(track: Track, session_id: str, begun_wall_s: float, zone: tzinfo | None = None) -> bytes:
    """Write a session as a FIT activity: a record each second, a lap for each phase, beats where there are any.

    `begun_wall_s`: seconds since 1970. `zone`: that of the clinic's wall; None: this computer's own.
    """
    return _Activity(track, session_id, begun_wall_s, zone).written()


class _Activity:
    """One activity on its way into the encoder."""

    def __init__(self, track: Track, session_id: str, begun_wall_s: float, zone: tzinfo | None) -> None:
        self._encoder = Encoder()
        self._track = track
        self._zone = zone
        self._seconds: list[Second] = list(seconds_of(self._track))
        self._begun = max(datetime.fromtimestamp(begun_wall_s, tz=UTC).replace(microsecond=0), EARLIEST)
        # 0 is «not known» in FIT.
        self._serial = zlib.crc32(session_id.encode()) or 1

    def written(self) -> bytes:
        """Write all messages in the order of their times, the sums last."""
        created_by = {"manufacturer": "development", "product": 1, "serial_number": self._serial}
        self._write("FILE_ID", type="activity", time_created=self._begun, **created_by)
        self._write(
            "DEVICE_INFO",
            timestamp=self._begun,
            device_index="creator",
            software_version=_SOFTWARE_VERSION,
            **created_by,
        )
        self._timer(0.0, "start")
        laps = list(self._track.phases)
        for before, second in zip([None, *self._seconds], self._seconds, strict=False):
            if before is not None and before.paused != second.paused:
                self._timer(float(second.t_s), "stop_all" if second.paused else "start")
            self._record(second)
        self._timer(self._track.length_s, "stop_all")
        for index, phase in enumerate(laps):
            self._write(
                "LAP",
                message_index=index,
                event="lap",
                event_type="stop",
                intensity=INTENSITIES[phase.kind],
                lap_trigger="session_end" if phase is laps[-1] else "time",
                **_SPORT,
                **self._sums(phase.start_s, phase.end_s),
            )
        whole = self._sums(0.0, self._track.length_s)
        self._write(
            "SESSION",
            message_index=0,
            event="session",
            event_type="stop",
            trigger="activity_end",
            first_lap_index=0,
            num_laps=len(laps),
            **_SPORT,
            **whole,
        )
        self._write(
            "ACTIVITY",
            timestamp=whole["timestamp"],
            total_timer_time=whole["total_timer_time"],
            num_sessions=1,
            type="manual",
            event="activity",
            event_type="stop",
            # Local time without a zone, as FIT has it: the clinic's wall.
            local_timestamp=whole["timestamp"] + (whole["timestamp"].astimezone(self._zone).utcoffset() or timedelta()),
        )
        return bytes(self._encoder.close())

    def _record(self, second: Second) -> None:
        """Write one second, and the beats that came in it."""
        bpm = None if second.hr_bpm is None else round(second.hr_bpm)
        self._write(
            "RECORD",
            timestamp=self._at(second.t_s),
            heart_rate=bpm if bpm is not None and bpm <= _HIGHEST_BPM else None,
            speed=None if second.speed_kmh is None else second.speed_kmh / 3.6,
            grade=second.incline_percent,
        )
        beats_s = [rr_ms / 1000 for rr_ms in second.rr_ms if 0 < rr_ms <= _LONGEST_RR_MS]
        for first in range(0, len(beats_s), _RR_PER_MESSAGE):
            self._write("HRV", time=beats_s[first : first + _RR_PER_MESSAGE])

    def _timer(self, t_s: float, event_type: str) -> None:
        self._write("EVENT", timestamp=self._at(t_s), event="timer", event_type=event_type)

    def _sums(self, start_s: float, end_s: float) -> dict[str, Any]:
        """Sum up a stretch of the session, as laps and the session have it."""
        within = [second for second in self._seconds if start_s <= second.t_s < end_s]
        rates = [round(second.hr_bpm) for second in within if second.hr_bpm is not None]
        rates = [bpm for bpm in rates if bpm <= _HIGHEST_BPM]
        speeds_mps = [second.speed_kmh / 3.6 for second in within if second.speed_kmh is not None and not second.paused]
        timer_s = end_s - start_s - paused_s(self._track, start_s, end_s)
        return {
            "timestamp": self._at(end_s),
            "start_time": self._at(start_s),
            "total_elapsed_time": round(end_s - start_s, 3),
            "total_timer_time": round(timer_s, 3),
            "avg_heart_rate": round(sum(rates) / len(rates)) if rates else None,
            "max_heart_rate": max(rates, default=None),
            "total_distance": round(sum(speeds_mps), 2) if speeds_mps else None,
        }

    def _at(self, t_s: float) -> datetime:
        return self._begun + timedelta(seconds=int(t_s))

    def _write(self, message: str, **fields: Any) -> None:  # noqa: ANN401 - the encoder takes any message's fields
        self._encoder.on_mesg(
            Profile["mesg_num"][message], {name: value for name, value in fields.items() if value is not None}
        )
