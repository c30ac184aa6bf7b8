"""TCX and GPX: points with a time and a heart rate, whatever name space or extension a maker puts it in.

Speed is not taken: it is a satellite's or a foot pod's, and says nothing of a belt. XML is read by defusedxml, which
refuses entities: a file of some kilobytes must not become gigabytes.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from firmware.recordings.errors import RecordingFileError
from firmware.recordings.sample import Remark, Sample, SampleRecording, Skipped

LONGEST_S = 24 * 3600.0
HIGHEST_SENT_BPM = 65535.0
_POINTS = ("Trackpoint", "trkpt")
_LAPS = ("Lap",)
_TIMES = ("time",)
_RATES = ("heartratebpm", "hr", "heartrate", "heart_rate")


def read_track(name: str, content: bytes) -> SampleRecording:
    """Return the recording of a TCX or GPX file. Raises RecordingError where it cannot be used."""
    root = _root(name, content)
    skipped: Counter[str] = Counter()
    remarks: list[Remark] = []
    points = [(at, point) for point in _elements(root, _POINTS) if (at := _moment(point)) is not None]
    skipped["points without a time that can be read"] = sum(1 for _ in _elements(root, _POINTS)) - len(points)
    late = sum(after[0] < before[0] for before, after in itertools.pairwise(points))
    if late:
        # Each point has its own date and time; the order in the file is the exporter's.
        remarks.append(Remark(0, f"Time steps back {late} times in the file; all points were sorted by their time."))
    begun_at = _beginning([at for at, _ in points])
    samples: list[Sample] = []
    unrated: list[float] = []
    for at, point in points:
        t = (at - begun_at).total_seconds()
        if not 0 <= t <= LONGEST_S:
            skipped["points over a day from the first"] += 1
            continue
        rate = _rate(point, skipped)
        if rate is None:
            unrated.append(t)
        else:
            samples.append(Sample(t, rate))
    begun = [at for lap in _elements(root, _LAPS) if (at := _parsed(lap.get("StartTime"))) is not None]
    begins_s = (min(begun) - begun_at).total_seconds() if begun else 0.0
    return SampleRecording(
        name=name,
        samples=tuple(sorted(samples, key=lambda sample: sample.t_s)),
        remarks=tuple(remarks),
        begins_s=begins_s if samples and 0 <= begins_s <= max(one.t_s for one in samples) else 0.0,
        unrated_s=tuple(sorted(unrated)),
        skipped=tuple(Skipped(reason, count) for reason, count in skipped.items() if count),
    )


def _beginning(times: list[datetime]) -> datetime:
    """Return the earliest time within a day of the file's first point: another day is another activity."""
    if not times:
        return datetime.min.replace(tzinfo=UTC)
    return min(at for at in times if abs((at - times[0]).total_seconds()) <= LONGEST_S)


def _root(name: str, content: bytes) -> Any:  # noqa: ANN401 - defusedxml has no types
    try:
        # Exporters put blank lines before the XML declaration, which XML forbids.
        return fromstring(content.lstrip(b" \t\r\n"))
    except ParseError as error:
        line = error.position[0]
        raise RecordingFileError(
            name, line, f"The XML breaks off or is damaged here ({error.msg}). Export the activity again."
        ) from error
    except DefusedXmlException as error:
        raise RecordingFileError(
            name, 0, "The file defines XML entities, which no recording needs and which can flood the memory."
        ) from error
    except (ValueError, LookupError) as error:
        raise RecordingFileError(name, 0, f"The XML cannot be read ({error}). Export the activity again.") from error


def _local(element: Element) -> str:
    # A comment's tag is a function.
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]


def _elements(root: Element, names: tuple[str, ...]) -> Iterator[Element]:
    return (element for element in root.iter() if _local(element) in names)


def _moment(point: Element) -> datetime | None:
    return next((_parsed(child.text) for child in point if _local(child).lower() in _TIMES), None)


def _parsed(written: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat((written or "").strip().replace(",", "."))
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _rate(point: Element, skipped: Counter[str]) -> float | None:
    """Return the point's rate; TCX has it in `HeartRateBpm/Value`, GPX in an extension's `hr`."""
    for element in point.iter():
        if _local(element).lower() not in _RATES:
            continue
        written = "".join(element.itertext()).strip()
        if not written:
            continue
        try:
            rate = float(written.replace(",", "."))
        except ValueError:
            rate = -1.0
        if 0 <= rate <= HIGHEST_SENT_BPM:
            return rate
        skipped["rates that are no number"] += 1
    return None
