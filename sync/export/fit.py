"""A session as a FIT activity file, by Garmin's own encoder, for any training diary that reads FIT.

Order and required messages: Garmin FIT SDK, «Activity File» and «Encoding FIT Activity Files». Times are the session's
beginning by the wall clock plus the session's own seconds, so that a clock set meanwhile moves nothing.
"""

import re
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from garmin_fit_sdk import Encoder, Profile
from msgspec import Struct

from coach.model.events import AnyEvent, Signal, StrapBound
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind, Protocol
from coach.model.summary import Summary
from sync.export.timeline import TimelineSecond, Track, paused_s, seconds_of

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
_ON_A_TREADMILL = {"sport": "running", "sub_sport": "treadmill"}
_ELSEWHERE = {"sport": "training", "sub_sport": "cardio_training"}
_ZONES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Edwards' zones, as shares of HRmax, as the summary's load counts them."""
_CUSTOM_BPM_FROM = 100
"""FIT writes a target in bpm as the rate plus 100; smaller numbers are percent."""
_BLE_HEART_RATE = 1
_STRAP_INDEX = 1
_SIGNAL_KEY, _SENT_KEY = 0, 1
_SIGNALS = (Signal.LIVE, Signal.WEAK, Signal.STALE, Signal.LOST, Signal.IMPLAUSIBLE)
_APPLICATION = list(UUID("6d0d7a3c-95c5-5a5e-8c1c-0b8a3c7c52f1").bytes)
"""Whose the developer fields are; drawn once, never changed."""
_DEVELOPER = {"developer_data_index": 0, "application_id": _APPLICATION}
_FIELDS = {
    _SIGNAL_KEY: {
        "field_name": "signal",
        "units": "0 live, 1 weak, 2 stale, 3 lost, 4 implausible",
        "fit_base_type_id": 2,
    },
    _SENT_KEY: {"field_name": "disbelieved_rate", "units": "bpm", "fit_base_type_id": 0x84},
}
_BORG, _MOODS = (6, 20), (1, 5)


class SessionFacts(Struct, frozen=True, kw_only=True):
    """What a FIT file says beside the track.

    `machine`: names the recording machine, the same for all its sessions. `strap`: what the strap calls itself.
    """

    plan: Plan
    protocol: Protocol
    summary: Summary | None = None
    machine: str = ""
    strap: str = ""
    software: str = ""


def fit_of(
    track: Track, session_id: str, begun_wall_s: float, zone: tzinfo | None = None, *, facts: SessionFacts | None = None
) -> bytes:
    """Write a session as a FIT activity: a record each second, a lap for each phase, beats where there are any.

    `begun_wall_s`: seconds since 1970. `zone`: that of the clinic's wall; None: this computer's own.
    """
    return _Activity(track, session_id, begun_wall_s, zone, facts).written()


def strap_of(events: Iterable[AnyEvent]) -> str:
    """Return the name of the strap that was worn last; empty where none was bound."""
    return next((event.name for event in reversed(list(events)) if isinstance(event, StrapBound)), "")


class _Activity:
    """One activity on its way into the encoder."""

    def __init__(
        self, track: Track, session_id: str, begun_wall_s: float, zone: tzinfo | None, facts: SessionFacts | None
    ) -> None:
        fields: Any = {
            key: {"developer_data_id_mesg": _DEVELOPER, "field_description_mesg": _description(key)} for key in _FIELDS
        }
        self._encoder = Encoder(fields)
        self._track = track
        self._zone = zone
        self._facts = facts
        self._seconds: list[TimelineSecond] = list(seconds_of(self._track))
        self._begun = max(datetime.fromtimestamp(begun_wall_s, tz=UTC).replace(microsecond=0), EARLIEST)
        on_a_treadmill = any(change.speed_kmh is not None for change in track.settings)
        self._sport = _ON_A_TREADMILL if on_a_treadmill else _ELSEWHERE
        self._travelled_m = 0.0
        # 0 is «not known» in FIT.
        self._serial = zlib.crc32((facts.machine if facts and facts.machine else session_id).encode()) or 1

    def written(self) -> bytes:
        """Write all messages in the order of their times, the sums last."""
        self._who_and_what()
        self._timer(0.0, "start")
        laps = list(self._track.phases)
        for before, second in zip([None, *self._seconds], self._seconds, strict=False):
            # A session that was stopped in a pause did not run on in its last second.
            goes_on = second.paused or second.t_s < int(self._track.length_s)
            if before is not None and before.paused != second.paused and goes_on:
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
                **self._sport,
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
            **self._sport,
            **whole,
            **self._felt(),
        )
        self._zones(whole["timestamp"])
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

    def _who_and_what(self) -> None:
        """Write who recorded it, with which strap, and the workout as it was planned."""
        facts = self._facts
        created_by = {"manufacturer": "development", "product": 1, "serial_number": self._serial}
        self._write("FILE_ID", type="activity", time_created=self._begun, **created_by)
        self._write(
            "DEVICE_INFO",
            timestamp=self._begun,
            device_index="creator",
            product_name="interval-coach",
            software_version=_version(facts.software if facts else ""),
            **created_by,
        )
        if facts is not None and facts.strap:
            self._write(
                "DEVICE_INFO",
                timestamp=self._begun,
                device_index=_STRAP_INDEX,
                device_type=_BLE_HEART_RATE,
                source_type="bluetooth_low_energy",
                product_name=facts.strap,
            )
        self._write("DEVELOPER_DATA_ID", **_DEVELOPER)
        for key in _FIELDS:
            self._write("FIELD_DESCRIPTION", **_description(key))
        if facts is None:
            return
        if facts.plan.hr_max_bpm is not None:
            self._write("ZONES_TARGET", max_heart_rate=round(facts.plan.hr_max_bpm), hr_calc_type="percent_max_hr")
        steps = list(_steps(facts.protocol, facts.plan))
        name = facts.protocol.titles.get(facts.plan.language, facts.protocol.name)
        self._write("WORKOUT", sport=self._sport["sport"], num_valid_steps=len(steps), wkt_name=name)
        for index, step in enumerate(steps):
            self._write("WORKOUT_STEP", message_index=index, **step)

    def _record(self, second: TimelineSecond) -> None:
        """Write one second, and the beats that came in it. A rate that was not believed is in a field of its own."""
        bpm = None if second.hr_bpm is None else round(second.hr_bpm)
        believed = second.signal is not Signal.IMPLAUSIBLE
        if second.speed_kmh is not None and not second.paused:
            self._travelled_m += second.speed_kmh / 3.6
        own: dict[int, int] = {_SIGNAL_KEY: _SIGNALS.index(second.signal)}
        if bpm is not None and not believed:
            own[_SENT_KEY] = bpm
        self._write(
            "RECORD",
            timestamp=self._at(second.t_s),
            heart_rate=bpm if bpm is not None and believed and bpm <= _HIGHEST_BPM else None,
            speed=None if second.speed_kmh is None else second.speed_kmh / 3.6,
            grade=second.incline_percent,
            distance=round(self._travelled_m, 2) if self._sport is _ON_A_TREADMILL else None,
            developer_fields=own,
        )
        beats_s = [rr_ms / 1000 for rr_ms in second.rr_ms if 0 < rr_ms <= _LONGEST_RR_MS]
        for first in range(0, len(beats_s), _RR_PER_MESSAGE):
            self._write("HRV", time=beats_s[first : first + _RR_PER_MESSAGE])

    def _timer(self, t_s: float, event_type: str) -> None:
        self._write("EVENT", timestamp=self._at(t_s), event="timer", event_type=event_type)

    def _counted(self, start_s: float, end_s: float) -> list[float]:
        """Return the rates that the engine counted: believed, and not in a pause."""
        return [
            second.believed_bpm
            for second in self._seconds
            if start_s <= second.t_s < end_s and not second.paused and second.believed_bpm is not None
        ]

    def _sums(self, start_s: float, end_s: float) -> dict[str, Any]:
        """Sum up a stretch of the session, as laps and the session have it."""
        within = [second for second in self._seconds if start_s <= second.t_s < end_s]
        rates = self._counted(start_s, end_s)
        speeds_mps = [second.speed_kmh / 3.6 for second in within if second.speed_kmh is not None and not second.paused]
        timer_s = end_s - start_s - paused_s(self._track, start_s, end_s)
        return {
            "timestamp": self._at(end_s),
            "start_time": self._at(start_s),
            "total_elapsed_time": round(end_s - start_s, 3),
            "total_timer_time": round(timer_s, 3),
            "avg_heart_rate": round(sum(rates) / len(rates)) if rates else None,
            "max_heart_rate": round(max(rates)) if rates else None,
            "total_distance": round(sum(speeds_mps), 2) if speeds_mps else None,
            "enhanced_avg_speed": round(sum(speeds_mps) / len(speeds_mps), 3) if speeds_mps else None,
            "enhanced_max_speed": round(max(speeds_mps), 3) if speeds_mps else None,
        }

    def _felt(self) -> dict[str, int]:
        """Exertion and mood on FIT's scales of 0–100: Borg 6–20 and mood 1–5, each stretched evenly."""
        summary = self._facts.summary if self._facts is not None else None
        felt: dict[str, int] = {}
        if summary is not None and summary.borg is not None:
            felt["workout_rpe"] = _percent(summary.borg, _BORG)
        if summary is not None and summary.mood is not None:
            felt["workout_feel"] = _percent(summary.mood, _MOODS)
        return felt

    def _zones(self, at: datetime) -> None:
        """Write how long the rate was in each of Edwards' zones; the first number is below all of them."""
        hr_max = self._facts.plan.hr_max_bpm if self._facts is not None else None
        if hr_max is None:
            return
        seconds = [0.0] * (len(_ZONES) + 1)
        for bpm in self._counted(0.0, self._track.length_s):
            seconds[bisect_right(_ZONES, bpm / hr_max)] += 1.0
        self._write(
            "TIME_IN_ZONE",
            timestamp=at,
            reference_mesg="session",
            reference_index=0,
            time_in_hr_zone=seconds,
            hr_zone_high_boundary=[round(fraction * hr_max) for fraction in _ZONES],
            hr_calc_type="percent_max_hr",
            max_heart_rate=round(hr_max),
        )

    def _at(self, t_s: float) -> datetime:
        return self._begun + timedelta(seconds=int(t_s))

    def _write(self, message: str, **fields: Any) -> None:  # noqa: ANN401 - the encoder takes any message's fields
        self._encoder.on_mesg(
            Profile["mesg_num"][message], {name: value for name, value in fields.items() if value is not None}
        )


def _description(key: int) -> dict[str, Any]:
    return {"developer_data_index": 0, "field_definition_number": key, **_FIELDS[key]}


def _percent(value: int, scale: tuple[int, int]) -> int:
    lowest, highest = scale
    return round(100 * (value - lowest) / (highest - lowest))


def _version(software: str) -> float | None:
    """Return `major.minor` as FIT's number with two decimals; None where the version is not known."""
    found = re.match(r"(\d+)\.(\d{1,2})", software)
    return None if found is None else int(found[1]) + int(found[2]) / 100


def _steps(protocol: Protocol, plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the workout's steps: a phase each, and work, rest and their repetition where a phase has a pattern."""
    index = 0
    for phase in protocol.phases:
        target: dict[str, Any] = {"target_type": "open"}
        if phase.zone is not None and plan.hr_max_bpm is not None:
            low_bpm, high_bpm = phase.zone.bounds_bpm(plan.hr_max_bpm)
            target = {
                "target_type": "heart_rate",
                "target_value": 0,
                "custom_target_value_low": round(low_bpm) + _CUSTOM_BPM_FROM,
                "custom_target_value_high": round(high_bpm) + _CUSTOM_BPM_FROM,
            }
        if phase.pattern is None:
            yield {**_timed(phase.length_s, INTENSITIES[phase.kind]), **target}
            index += 1
            continue
        yield {**_timed(phase.pattern.work_s, "active"), **target}
        yield _timed(phase.pattern.rest_s, "rest") | {"target_type": "open"}
        yield {
            "duration_type": "repeat_until_steps_cmplt",
            "duration_value": index,
            "target_value": round(phase.length_s / (phase.pattern.work_s + phase.pattern.rest_s)),
        }
        index += 3


def _timed(length_s: float, intensity: str) -> dict[str, Any]:
    return {"duration_type": "time", "duration_value": round(length_s * 1000), "intensity": intensity}
