"""What a FIT file says beyond its records, and that it hands on only what the engine believed."""

from typing import Any

import numpy as np
import pytest
from garmin_fit_sdk import Decoder, Stream
from msgspec.structs import replace

from coach.model.events import SessionEnded, SessionPaused, SessionResumed, StrapBound, TreadmillChanged
from coach.model.messages import HeartRate
from coach.model.plan import Plan
from coach.model.protocol import Pattern
from coach.model.summary import Summary
from firmware.commands.export_csv import export_csv
from firmware.commands.export_fit import export_fit
from firmware.commands.replay import as_record
from firmware.journal.record import SessionDocument
from firmware.journal.timeline import track_of
from firmware.participants.protocol_files import load
from firmware.recordings.sample import Sample, SampleRecording
from firmware.simulation.faults import AnyFault, Doubled, Dropout, Offset
from firmware.simulation.session import Recorded, simulate_session
from sync.export.timeline import seconds_of
from tests.support.machine.session_factory import record

Messages = dict[str, list[dict[str, Any]]]


def decoded(document: SessionDocument) -> Messages:
    messages, errors = Decoder(Stream.from_byte_array(bytearray(export_fit(document)))).read()
    assert errors == []
    return messages


def trained(*faults: AnyFault) -> tuple[SessionDocument, Summary]:
    """A made session through the whole engine, with the strap's faults."""
    samples = tuple(Sample(float(t), 120.0 + 30 * np.sin(t / 90) + t % 2) for t in range(2760))
    plan = Plan(participant="p1", hr_max_bpm=185.0, hr_max_source="measured")
    lived = simulate_session(plan, load("4x4"), Recorded(SampleRecording(name="a", samples=samples)), faults=faults)
    return as_record(lived), lived.summary


@pytest.mark.parametrize(
    "faults",
    [
        (),
        (Doubled(start_s=1000.0, length_s=60.0),),
        (Offset(start_s=1000.0, length_s=20.0, bpm=90.0),),
        (Dropout(start_s=700.0, length_s=9.0), Doubled(start_s=1500.0, length_s=40.0)),
    ],
)
def test_a_fit_session_has_the_engines_own_figures(faults: tuple[AnyFault, ...]) -> None:
    document, summary = trained(*faults)
    (session,) = decoded(document)["session_mesgs"]
    assert summary.mean_bpm is not None
    assert session["max_heart_rate"] == round(summary.peak_bpm or 0)
    assert session["avg_heart_rate"] == pytest.approx(summary.mean_bpm, abs=0.6)


def test_a_rate_that_was_not_believed_is_in_a_field_of_its_own() -> None:
    document, summary = trained(Doubled(start_s=700.0, length_s=40.0))
    records = decoded(document)["record_mesgs"]
    disbelieved = [one["developer_fields"][1] for one in records if 1 in one["developer_fields"]]
    assert len(disbelieved) >= summary.signal.implausible_s - 1 > 0
    assert max(disbelieved) > max(one.get("heart_rate", 0) for one in records)
    assert {one["developer_fields"][0] for one in records if "heart_rate" not in one} <= {2, 3, 4}


def test_the_csv_still_holds_every_rate_as_it_was_sent() -> None:
    document, _ = trained(Doubled(start_s=700.0, length_s=40.0))
    rates = [line.split(",")[1] for line in export_csv(document).decode().splitlines()[1:]]
    assert max(float(rate) for rate in rates if rate) > 200


def test_a_fit_file_names_distance_speeds_strap_zones_and_how_it_felt() -> None:
    whole = record()
    worn = replace(whole, events=(StrapBound(0.0, "1234567B", "Polar H10 1234567B"), *whole.events))
    messages = decoded(worn)
    (session,) = messages["session_mesgs"]
    seconds = [one for one in seconds_of(track_of(worn)) if not one.paused and one.speed_kmh is not None]
    assert session["total_distance"] == pytest.approx(sum((one.speed_kmh or 0) / 3.6 for one in seconds), abs=2.0)
    assert messages["record_mesgs"][-1]["distance"] == pytest.approx(session["total_distance"], abs=2.0)
    assert session["enhanced_max_speed"] == pytest.approx(6.4 / 3.6, abs=0.001)
    assert 4.5 / 3.6 < session["enhanced_avg_speed"] < 6.4 / 3.6
    assert (session["workout_rpe"], session["workout_feel"]) == (71, 75)
    strap = messages["device_info_mesgs"][1]
    assert (strap["product_name"], strap["source_type"]) == ("Polar H10 1234567B", "bluetooth_low_energy")
    (zones,) = messages["time_in_zone_mesgs"]
    assert zones["hr_zone_high_boundary"] == [92, 111, 130, 148, 166, 185]
    assert len(zones["time_in_hr_zone"]) == 7


def test_the_workout_is_in_the_file_as_it_was_planned_also_short_work_and_rest() -> None:
    messages = decoded(record())
    assert [step["intensity"] for step in messages["workout_step_mesgs"]][:3] == ["warmup", "active", "recovery"]
    assert messages["workout_step_mesgs"][1]["custom_target_value_low"] == 100 + 158
    whole = record()
    bout = replace(whole.protocol.phases[1], pattern=Pattern(20, 10))
    tabata = replace(whole, protocol=replace(whole.protocol, phases=(whole.protocol.phases[0], bout)))
    steps = decoded(tabata)["workout_step_mesgs"]
    assert [(step["duration_type"], step["duration_value"]) for step in steps] == [
        ("time", 600_000), ("time", 20_000), ("time", 10_000), ("repeat_until_steps_cmplt", 1)
    ]  # fmt: skip
    assert steps[-1]["target_value"] == 8


def test_all_sessions_of_a_machine_name_one_device() -> None:
    one, other = record(), replace(record(), session_id="01a201a2-20b4-7dc4-b145-000000000000")
    serials = {decoded(document)["file_id_mesgs"][0]["serial_number"] for document in (one, other)}
    assert len(serials) == 1


def test_a_session_without_a_treadmill_does_not_claim_to_have_run_on_one() -> None:
    whole = record()
    bare = replace(whole, events=tuple(one for one in whole.events if not isinstance(one, TreadmillChanged)))
    (session,) = decoded(bare)["session_mesgs"]
    assert (session["sport"], session["sub_sport"]) == ("training", "cardio_training")
    assert "total_distance" not in session


def test_a_session_stopped_in_a_pause_does_not_start_its_timer_again() -> None:
    whole = record()
    early = [one for one in whole.events if one.t < 1000 and not isinstance(one, SessionPaused | SessionResumed)]
    ended = (SessionPaused(1000.0, "asked"), SessionEnded(1060.0, "stopped", completed=False))
    stopped = replace(
        whole,
        events=(*early, *ended),
        messages=tuple(one for one in whole.messages if isinstance(one, HeartRate) and one.t <= 1060),
    )
    timer = [event["event_type"] for event in decoded(stopped)["event_mesgs"]]
    assert timer == ["start", "stop_all", "stop_all"]
