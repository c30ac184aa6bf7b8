"""Sessions as an HL7 FHIR bundle: a pseudonymous Patient, Devices, and for each session a Procedure and Observations.

Elements are those that FHIR R4 (4.0.1) and R4B (4.3.0) share; every bundle is checked against R4B's models before it is
handed out. Codes and where each was read: docs/fhir.md.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from django.db import DatabaseError
from msgspec import Struct

from coach.model.events import Signal
from coach.model.summary import IntervalSummary, Summary
from server.assessment.measures import value_of
from server.assessment.models import CourseMeasurement
from server.diary.models import DiaryEntry
from server.diary.selectors import SessionDetail, one_session
from server.documents.comparison import DatedEstimate
from server.documents.errors import PaperError
from server.documents.export import session_files
from server.documents.export.data_export import left_out_words
from server.people.models import Participant
from sync.errors import WireError
from sync.export.timeline import TimelineSecond, seconds_of, track_of

LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_log = logging.getLogger(__name__)
OWN = "urn:uuid:8f6a4a0e-5b1d-5c55-9a53-4d4f6a2f5b10"
"""The system of the codes that no public terminology has; docs/fhir.md lists them."""
_SPACE = UUID("8f6a4a0e-5b1d-5c55-9a53-4d4f6a2f5b10")

_SIGNALS = (Signal.LIVE, Signal.WEAK, Signal.STALE, Signal.LOST, Signal.IMPLAUSIBLE)

Resource = dict[str, Any]

_ACTIVITY: Resource = {"coding": [{"system": CATEGORY, "code": "activity", "display": "Activity"}]}
_VITAL_SIGNS: Resource = {"coding": [{"system": CATEGORY, "code": "vital-signs", "display": "Vital Signs"}]}


class ObservationKind(Struct, frozen=True):
    """What an Observation measures: its code, what it is called, and its UCUM unit."""

    code: str
    display: str
    unit: str
    system: str = OWN
    method: str = ""


DURATION = ObservationKind("55411-3", "Exercise duration", "min", LOINC)
MEAN_RATE = ObservationKind("8867-4", "Heart rate", "/min", LOINC, "mean over the session")
MAXIMUM_RATE = ObservationKind("55422-0", "Heart rate Encounter maximum", "/min", LOINC)
RATES = ObservationKind("heart-rate-each-second", "Heart rate each second", "/min", OWN, "pulse strap")
SIGNALS = ObservationKind(
    "signal-each-second", "Worth of the heart rate each second: 0 live, 1 weak, 2 stale, 3 lost, 4 implausible", "1"
)
ZONE = ObservationKind("minutes-in-target-zone", "Time of the intervals with the heart rate in the target zone", "min")
ABOVE_95 = ObservationKind("minutes-above-95-percent", "Time with the heart rate above 95 % of the plan's HRmax", "min")
HR_MAX = ObservationKind("planned-hrmax", "HRmax in the training plan", "/min")
LOAD = ObservationKind("edwards-load", "Training load (Edwards 1993)", "1")
BORG = ObservationKind("borg-6-20", "Rating of perceived exertion, Borg 6–20", "{score}")
MOOD = ObservationKind("mood-1-5", "Mood after the session, 1 (bad) to 5 (good)", "{score}")
SURE = ObservationKind("sure-signal-fraction", "Share of training time with a sure heart rate", "%")
INTERVAL = ObservationKind("interval", "One interval of the session", "")
THIRD_MINUTE = ObservationKind("third-minute-heart-rate", "Mean heart rate of the interval's third minute", "/min")
THIRD_FRACTION = ObservationKind("third-minute-fraction", "The same as a share of the plan's HRmax", "%")
UNTIL_ZONE = ObservationKind("time-to-zone", "Time until the heart rate reached the zone", "s")
IN_ZONE = ObservationKind("time-in-zone", "Time with the heart rate in the zone", "s")
PEAK = ObservationKind("interval-peak-heart-rate", "Highest heart rate of the interval", "/min")
FALL = ObservationKind("recovery-fall-60s", "Fall of the heart rate in the first minute after the interval", "/min")
SPEED = ObservationKind("treadmill-speed", "Treadmill speed", "km/h")
INCLINE = ObservationKind("treadmill-incline", "Treadmill incline", "%")

WEIGHT = ObservationKind("29463-7", "Body weight", "kg", LOINC)
RESTING_RATE = ObservationKind("40443-4", "Heart rate --resting", "/min", LOINC)
PRESSURE = ObservationKind("85354-9", "Blood pressure panel with all children optional", "mm[Hg]", LOINC)
SYSTOLIC = ObservationKind("8480-6", "Systolic blood pressure", "mm[Hg]", LOINC)
DIASTOLIC = ObservationKind("8462-4", "Diastolic blood pressure", "mm[Hg]", LOINC)
WAIST = ObservationKind("waist", "Waist circumference", "cm")
VO2_MAX = ObservationKind("measured-vo2max", "Maximal oxygen uptake, measured with a mask", "mL/kg/min")
WALK = ObservationKind("six-minute-walk", "Six-minute walk, the better of two tries", "m")
ESTIMATE = ObservationKind("estimated-vo2max", "Maximal oxygen uptake, estimated over sessions", "mL/kg/min")
ESTIMATE_LOW = ObservationKind("estimated-vo2max-low", "Lower end of the estimate's 95 % day-to-day range", "mL/kg/min")
ESTIMATE_HIGH = ObservationKind("estimated-vo2max-high", "Upper end of the same range", "mL/kg/min")
ESTIMATE_BY = ObservationKind("estimated-vo2max-hrmax", "HRmax by which all estimates of the course are made", "/min")
MEASURED = {
    "weight": WEIGHT, "waist": WAIST, "resting_hr": RESTING_RATE, "blood_pressure": PRESSURE, "vo2_max": VO2_MAX,
    "six_minute_walk": WALK,
}  # fmt: skip
"""By the keys of `server.assessment.measures.KINDS`."""

OWN_MEASURES = (
    WAIST, VO2_MAX, WALK, ESTIMATE, ESTIMATE_LOW, ESTIMATE_HIGH, ESTIMATE_BY,
    ZONE, ABOVE_95, HR_MAX, LOAD, BORG, MOOD, SURE, INTERVAL, THIRD_MINUTE, THIRD_FRACTION, UNTIL_ZONE, IN_ZONE, PEAK,
    FALL, SPEED, INCLINE, RATES, SIGNALS,
)  # fmt: skip
"""Codes of our own system; a test looks that docs/fhir.md tells each."""


def bundle(
    participant: Participant,
    sessions: Iterable[SessionDetail],
    made_at: datetime | None = None,
    *,
    transaction: bool = False,
    left_out: Sequence[str] = (),
    assessed: Sequence[CourseMeasurement] = (),
    estimates: Sequence[DatedEstimate] = (),
) -> bytes:
    """Return a bundle as JSON. Raises PaperError where it does not pass FHIR's own rules.

    `assessed`: what was measured apart from the sessions; `estimates`: of fitness, all by one HRmax. `transaction`:
    the form that a FHIR server takes by POST; else a `collection`. `left_out`: what a tag names.
    """
    # Loading the models takes half a second, and only whoever exports needs it.
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415

    told = collected(participant, sessions, made_at or datetime.now(UTC), assessed, estimates)
    if transaction:
        told = as_transaction(told)
    if left_out:
        told["meta"] = {"tag": [{"system": OWN, "code": "left-out", "display": left_out_words(left_out)}]}
    try:
        checked = Bundle.model_validate(told)
    except ValueError as error:
        raise PaperError(f"The FHIR bundle does not pass FHIR's rules, so it is not handed out: {error}") from error
    return checked.model_dump_json(indent=2).encode() + b"\n"


def bundle_of_readable(
    participant: Participant,
    entries: Iterable[DiaryEntry],
    *,
    transaction: bool = False,
    assessed: Sequence[CourseMeasurement] = (),
    estimates: Sequence[DatedEstimate] = (),
) -> tuple[bytes, list[str]]:
    """Return a bundle of the sessions that can be written, and the names of those that are left out.

    The bundle names them too, in a tag.
    """
    made_at = datetime.now(UTC)
    sessions, left_out = [], []
    for entry in entries:
        try:
            session = one_session(entry)
            bundle(participant, [session], made_at)
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001 - whatever is wrong with one session, the others are handed out
            _log.exception("a session was left out of a FHIR bundle")
            left_out.append(session_files.name_of(entry))
            continue
        sessions.append(session)
    made = bundle(
        participant, sessions, made_at, transaction=transaction, left_out=left_out, assessed=assessed,
        estimates=estimates,
    )  # fmt: skip
    return made, left_out


def collected(
    participant: Participant,
    sessions: Iterable[SessionDetail],
    made_at: datetime,
    assessed: Sequence[CourseMeasurement] = (),
    estimates: Sequence[DatedEstimate] = (),
) -> Resource:
    """Return the bundle as a tree, not yet checked."""
    patient = _patient(participant)
    devices: dict[str, Resource] = {}
    resources: list[Resource] = []
    for session in sessions:
        device = _device(session)
        devices.setdefault(device["id"], device)
        resources += _session(session, patient["id"], device["id"])
    resources += _assessed(participant, patient["id"], assessed)
    resources += _estimated(participant, patient["id"], estimates)
    return {
        "resourceType": "Bundle",
        "id": str(uuid5(_SPACE, f"bundle {participant.clinic.code} {participant.pseudonym} {made_at.isoformat()}")),
        "type": "collection",
        "timestamp": _instant(made_at),
        "entry": [
            {"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in (patient, *devices.values(), *resources)
        ],
    }


def as_transaction(collection: Resource) -> Resource:
    """Return the bundle as a transaction that may be sent twice.

    The Patient is created where the pseudonym is unknown and never changed. All else is put in the place of an earlier
    revision. An Observation gets its id as an identifier, which the server looks for.
    """
    entries = []
    for one in collection["entry"]:
        resource = {key: value for key, value in one["resource"].items() if key != "id"}
        kind = resource["resourceType"]
        resource.setdefault("identifier", [{"system": "urn:ietf:rfc:3986", "value": one["fullUrl"]}])
        identifier = resource["identifier"][0]
        # R4's uri has no white space, and a machine's version has.
        wanted = "identifier=" + "|".join(quote(identifier[part], safe=":/") for part in ("system", "value"))
        request = (
            {"method": "POST", "url": kind, "ifNoneExist": wanted}
            if kind == "Patient"
            else {"method": "PUT", "url": f"{kind}?{wanted}"}
        )
        entries.append({"fullUrl": one["fullUrl"], "resource": resource, "request": request})
    return {"resourceType": "Bundle", "type": "transaction", "timestamp": collection["timestamp"], "entry": entries}


def clinic_system(clinic: str) -> str:
    """Return the identifier system of one clinic: a pseudonym is unique within a clinic only."""
    return f"urn:uuid:{uuid5(_SPACE, f'clinic {clinic}')}"


def _patient(participant: Participant) -> Resource:
    """Return the pseudonym, sex and year of birth; never the name."""
    made: Resource = {
        "resourceType": "Patient",
        "id": str(uuid5(_SPACE, f"patient {participant.clinic.code} {participant.pseudonym}")),
        "identifier": [
            {
                "use": "secondary",
                "system": clinic_system(participant.clinic.code),
                "value": participant.pseudonym,
            }
        ],
        "birthDate": f"{participant.birth_year:04}",
    }
    if participant.sex in ("f", "m"):
        made["gender"] = "female" if participant.sex == "f" else "male"
    return made


def _device(session: SessionDetail) -> Resource:
    """Return the machine that recorded it: computer, software and pulse strap as one."""
    entry, delivery = session.entry, session.delivery
    version = delivery.software.interval_coach if delivery is not None else ""
    made: Resource = {
        "resourceType": "Device",
        "id": str(uuid5(_SPACE, f"device {entry.clinic.code} {entry.machine} {version}")),
        "identifier": [{"system": clinic_system(entry.clinic.code), "value": f"{entry.machine} {version}".strip()}],
        "deviceName": [{"name": "interval-coach with a Bluetooth pulse strap", "type": "user-friendly-name"}],
    }
    if version:
        made["version"] = [{"value": version}]
    return made


def _session(session: SessionDetail, patient: str, device: str) -> Iterator[Resource]:
    entry, summary = session.entry, session.summary
    procedure = str(uuid5(_SPACE, f"procedure {entry.session_id}"))
    period = _period(entry.begun_at, 0.0, summary.duration_s)
    notes = [] if entry.clock_trusted else ["The machine's clock was not set: day and time of day may be wrong."]
    notes += [f"The recording is not whole: {session.flaw}"] if session.flaw else []
    made: Resource = {
        "resourceType": "Procedure",
        "id": procedure,
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{entry.session_id}"}],
        "status": "completed" if summary.completed else "stopped",
        "code": {
            "coding": [{"system": SNOMED, "code": "229065009", "display": "Exercise therapy"}],
            "text": f"Interval training on a treadmill, {entry.protocol}",
        },
        "subject": _to(patient),
        "performedPeriod": period,
        "usedReference": [_to(device)],
    }
    if notes:
        made["note"] = [{"text": one} for one in notes]
    yield made
    about = {
        "subject": _to(patient),
        "device": _to(device),
        "partOf": [_to(procedure)],
        "status": "preliminary" if session.flaw or not entry.clock_trusted else "final",
    }
    for place, (measure, value) in enumerate(_values(summary)):
        if value is not None:
            yield _observation(f"{entry.session_id} {place}", measure, about, period) | _quantity(measure, value)
    for interval in summary.intervals:
        during = _period(entry.begun_at, interval.start_s, interval.end_s)
        one = _observation(f"{entry.session_id} interval {interval.index}", INTERVAL, about, during)
        parts = [
            {"code": _code(measure)} | _quantity(measure, value)
            for measure, value in _interval_values(interval)
            if value is not None
        ]
        yield one | {"valueInteger": interval.index} | ({"component": parts} if parts else {})
    seconds = _seconds(session)
    if seconds:
        yield _observation(f"{entry.session_id} rates", RATES, about, period) | {
            "valueSampledData": _sampled([second.believed_bpm for second in seconds], "/min"),
            "component": [
                {
                    "code": _code(SIGNALS),
                    "valueSampledData": _sampled([_SIGNALS.index(second.signal) for second in seconds], "1"),
                }
            ],
        }


def _assessed(participant: Participant, patient: str, rows: Iterable[CourseMeasurement]) -> Iterator[Resource]:
    """Yield an Observation for each measurement of a known kind, on its day."""
    for row in rows:
        kind = MEASURED.get(row.kind)
        if kind is None:
            continue
        on = row.taken_on.isoformat()
        made = _of_day(f"{participant.clinic.code} {participant.pseudonym} measurement {row.pk}", kind, patient, on)
        if kind is PRESSURE:
            parts = ((SYSTOLIC, row.value), (DIASTOLIC, row.second))
            made["component"] = [{"code": _code(one)} | _quantity(one, value) for one, value in parts if value]
        else:
            made |= _quantity(kind, value_of(row))
        yield made


def _estimated(participant: Participant, patient: str, rows: Iterable[DatedEstimate]) -> Iterator[Resource]:
    """Yield an Observation for each estimate, with its range and the one HRmax that all of them go by."""
    for row in rows:
        key = f"{participant.clinic.code} {participant.pseudonym} estimate {row.point.sessions} {row.on.isoformat()}"
        made = _of_day(key, ESTIMATE, patient, row.on.isoformat())
        made["method"] = {"text": f"one estimate over {row.point.sessions} sessions (ACSM; Swain 1994)"}
        parts = ((ESTIMATE_LOW, row.point.low), (ESTIMATE_HIGH, row.point.high), (ESTIMATE_BY, row.hr_max_bpm))
        yield (
            made
            | _quantity(ESTIMATE, row.point.vo2_max)
            | {"component": [{"code": _code(one)} | _quantity(one, value) for one, value in parts]}
        )


def _of_day(key: str, measure: ObservationKind, patient: str, on: str) -> Resource:
    return {
        "resourceType": "Observation",
        "id": str(uuid5(_SPACE, f"observation {key}")),
        "category": [_VITAL_SIGNS] if measure.system == LOINC else [_ACTIVITY],
        "code": _code(measure),
        "effectiveDateTime": on,
        "subject": _to(patient),
        "status": "final",
    }


def _values(summary: Summary) -> Iterator[tuple[ObservationKind, float | None]]:
    yield DURATION, summary.training_s / 60
    yield MEAN_RATE, summary.mean_bpm
    yield MAXIMUM_RATE, summary.peak_bpm
    yield ZONE, summary.time_in_zone_s / 60
    yield ABOVE_95, summary.above_95_s / 60
    yield HR_MAX, summary.hr_max_bpm
    yield LOAD, summary.load
    yield SURE, summary.signal_quality_fraction * 100
    yield BORG, summary.borg
    yield MOOD, summary.mood


def _interval_values(interval: IntervalSummary) -> Iterator[tuple[ObservationKind, float | None]]:
    fraction = interval.third_minute_fraction
    yield THIRD_MINUTE, interval.third_minute_bpm
    yield THIRD_FRACTION, None if fraction is None else fraction * 100
    yield UNTIL_ZONE, interval.time_to_zone_s
    yield IN_ZONE, interval.time_in_zone_s
    yield PEAK, interval.peak_bpm
    yield FALL, interval.recovery_fall_60s_bpm
    yield SPEED, interval.speed_kmh
    yield INCLINE, interval.incline_percent
    yield BORG, interval.borg


def _seconds(session: SessionDetail) -> tuple[TimelineSecond, ...]:
    if session.delivery is None:
        return ()
    try:
        return tuple(seconds_of(track_of(session.delivery)))
    except WireError:
        return ()


def _sampled(values: Iterable[float | None], unit: str) -> Resource:
    """Return a number each second; E where there was none that the engine believed (FHIR, SampledData)."""
    return {
        "origin": {"value": 0, "unit": unit, "system": UCUM, "code": unit},
        "period": 1000,
        "dimensions": 1,
        "data": " ".join("E" if value is None else f"{value:g}" for value in values),
    }


def _observation(key: str, measure: ObservationKind, about: Resource, period: Resource) -> Resource:
    return {
        "resourceType": "Observation",
        "id": str(uuid5(_SPACE, f"observation {key}")),
        # R4 asks every Observation with this code to conform to its heart-rate profile, claimed or not.
        "category": [_VITAL_SIGNS, _ACTIVITY] if measure is MEAN_RATE else [_ACTIVITY],
        "code": _code(measure),
        "effectivePeriod": period,
        **({"method": {"text": measure.method}} if measure.method else {}),
        **about,
    }


def _code(measure: ObservationKind) -> Resource:
    return {
        "coding": [{"system": measure.system, "code": measure.code, "display": measure.display}],
        "text": measure.display,
    }


def _quantity(measure: ObservationKind, value: float) -> Resource:
    return {"valueQuantity": {"value": round(value, 2), "unit": measure.unit, "system": UCUM, "code": measure.unit}}


def _period(begun_at: datetime, start_s: float, end_s: float) -> Resource:
    return {
        "start": _instant(begun_at + timedelta(seconds=start_s)),
        "end": _instant(begun_at + timedelta(seconds=max(start_s, end_s))),
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _to(one: str) -> Resource:
    return {"reference": f"urn:uuid:{one}"}
