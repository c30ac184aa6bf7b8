"""Papers and files of sessions: what they hold, in which language, and that FHIR's own rules pass them."""

import html
import io
import json
import re
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from django.conf import settings
from fhir.resources.R4B.bundle import Bundle
from fhirclient.models.bundle import Bundle as R4Bundle
from garmin_fit_sdk import Decoder, Stream

from coach.model.events import Signal, SignalChanged
from server.audit.models import Entry
from server.diary.selectors import SessionDetail, one_session
from server.documents.export import fhir, session_files
from server.models import Session
from server.people.models import Course, Note, PlanVersion
from tests.server.web.conftest import People
from tests.server.web.papers_ground import fetched, keep, trained, unzipped, weeks
from tests.support.standards import checked

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "fhir.md"
BASE = "/c/trondheim/participants/p-1/papers/"


def words_of(pdf: bytes) -> str:
    """What a PDF says, as a reader's program sees it."""
    try:
        told = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("pdftotext (poppler-utils) is not installed")
    return " ".join(told.decode().split())


def test_a_sessions_paper_is_a_tagged_pdf_with_a_title_and_a_language(people: People) -> None:
    (entry,) = weeks(1)
    made = fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.pdf")
    assert made.startswith(b"%PDF-")
    told = made + b"".join(
        zlib.decompress(one) for one in re.findall(rb"FlateDecode.*?stream\n(.*?)\nendstream", made, re.DOTALL)
    )
    assert [
        one for one in (b"/MarkInfo", b"/StructTreeRoot", b"/Lang (nb)", b"pdfuaid", b"/Alt ") if one not in told
    ] == []


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        (
            "nb",
            ("Kari Nordmann", "i målsonen", "i 3. minutt", "for å stille diagnose", "Godt driv"),
        ),
        (
            "en",
            ("Kari Nordmann", "in the target zone", "Heart rate in minute 3", "not intended to diagnose", "Godt driv"),
        ),
    ],
)
def test_a_sessions_paper_tells_it_in_the_language_asked_for(
    people: People, language: str, wanted: tuple[str, ...]
) -> None:
    (entry,) = weeks(1)
    Note.objects.create(participant=people.participant, session_id=entry.session_id, text="Godt driv")
    words = words_of(fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.pdf?language={language}"))
    assert [one for one in wanted if one not in words] == []


def test_a_session_without_raw_data_still_has_a_paper_and_no_fit_file(people: People) -> None:
    (entry,) = weeks(1)
    Session.objects.update(payload=None)
    words = words_of(fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.pdf"))
    assert "Rådata fra denne økten er ikke lagret lenger" in words
    assert people.therapist.get(f"{BASE}session/{entry.session_id}/session.fit").status_code == 404
    page = people.therapist.get(BASE).content.decode()
    assert "session.json" in page
    assert "session.fit" not in page


def test_a_courses_paper_shows_weeks_sessions_and_plots(people: People) -> None:
    entries = weeks(5)
    Course.objects.create(participant=people.participant, begins_on=entries[0].begun_on)
    words = words_of(fetched(people.therapist, f"{BASE}course.pdf"))
    for wanted in ("5 av 24 økter", "Uke 1", "Økt for økt", "Kondisjonsalder", "3. minutt"):
        assert wanted in words


def test_a_letter_is_written_changed_and_set_and_not_kept(people: People) -> None:
    weeks(12)
    PlanVersion.objects.create(participant=people.participant, version=1, hr_max_bpm=185, hr_max_source="formula")
    first = people.therapist.get(f"{BASE}letter/").context["form"].initial
    for wanted in ("12 økter", "185 slag/min: formel", "innenfor 11 slag/min", "15 %", "ikke fra en medisinsk test"):
        assert wanted in " ".join(first["text"].split()), wanted
    answer = people.therapist.post(
        f"{BASE}letter/",
        {
            "to": "Lege Hansen", "subject": first["subject"], "text": "Trener godt.\nHilsen oss.",
            "profession": "fysioterapeut", "hpr": "9876543", "telephone": "73 00 00 00",
        },
    )  # fmt: skip
    words = words_of(answer.content)
    assert "Lege Hansen" in words
    assert "Trener godt. Hilsen oss." in words
    assert "fysioterapeut, HPR-nr. 9876543" in words
    assert "Tlf. 73 00 00 00" in words
    assert "Økt for økt" not in words
    again = people.therapist.get(f"{BASE}letter/").context["form"].initial
    assert (again["profession"], again["hpr"]) == ("fysioterapeut", "9876543")
    assert not Note.objects.exists()


def test_a_letter_without_text_says_what_is_missing(people: People) -> None:
    answer = people.therapist.post(f"{BASE}letter/", {"subject": "Om trening"})
    assert answer.status_code == 422


def test_who_has_looked_is_printed_with_names_and_words(people: People) -> None:
    people.therapist.get(BASE)
    words = words_of(fetched(people.admin, f"{BASE}who-looked.pdf"))
    assert "Therapist Testesen" in words
    assert "så på dokumentene" in words


def test_a_fit_file_is_read_by_garmins_own_reader(people: People) -> None:
    (entry,) = weeks(1)
    made = fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.fit")
    messages, errors = Decoder(Stream.from_byte_array(bytearray(made))).read()
    assert errors == []
    assert messages["session_mesgs"][0]["start_time"] == entry.begun_at
    assert len(messages["lap_mesgs"]) == 9


def test_csv_and_json_hold_the_whole_session(people: People) -> None:
    (entry,) = weeks(1)
    rows = fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.csv").decode().splitlines()
    assert rows[0].startswith("t_s,hr_bpm,signal,phase,interval,")
    assert len(rows) == 2462
    told = json.loads(fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.json"))
    assert (told["session_id"], told["counted_for"]) == (str(entry.session_id), "p-1")
    assert told["delivery"]["plan"]["hr_max_bpm"] == 185.0


def test_a_course_as_a_zip_holds_every_sessions_files(people: People) -> None:
    weeks(2)
    files = unzipped(fetched(people.therapist, f"{BASE}sessions.zip"))
    assert sorted(name.split(".", 1)[1] for name in files) == ["csv", "csv", "csv", "fit", "fit", "json", "json"]


@pytest.mark.parametrize(("page", "folder"), [("sessions.zip", ""), ("everything.zip", "sessions/")])
def test_a_session_that_cannot_be_written_spoils_no_export_and_is_named(
    people: People, page: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = weeks(2)
    write = session_files.json

    def breaks(session: SessionDetail) -> bytes:
        if session.entry.pk == bad.pk:
            raise OverflowError("a number that no plot can draw")
        return write(session)

    monkeypatch.setattr(session_files, "json", breaks)
    files = unzipped(fetched(people.therapist, f"{BASE}{page}"))
    assert f"{folder}{session_files.name_of(good)}.json" in files
    assert not any(session_files.name_of(bad) in name for name in files)
    said = files["left-out.txt"].decode()
    assert said.startswith("1 økt utelatt")
    assert session_files.name_of(bad) in said


def test_a_session_that_cannot_be_read_spoils_no_bundle_and_is_named_in_it_and_on_the_next_page(
    people: People,
) -> None:
    good, bad = weeks(2)
    Session.objects.filter(pk=bad.stored_id).update(summary={"protocol": 7})
    for form in ("", "?form=transaction"):
        told = json.loads(fetched(people.therapist, f"{BASE}course.fhir.json{form}"))
        kinds = [one["resource"]["resourceType"] for one in told["entry"]]
        assert kinds.count("Procedure") == 1
        assert told["meta"]["tag"][0]["display"].startswith("1 økt utelatt")
        assert session_files.name_of(bad) in told["meta"]["tag"][0]["display"]
        assert "1 økt utelatt" in people.therapist.get(BASE).content.decode()
    assert people.therapist.get(f"{BASE}session/{good.session_id}/session.json").status_code == 200


@pytest.mark.parametrize("file", ["session.json", "session.csv", "session.fhir.json", "session.pdf"])
def test_a_session_that_cannot_be_read_is_told_in_words(people: People, file: str) -> None:
    (bad,) = weeks(1)
    Session.objects.filter(pk=bad.stored_id).update(summary={"protocol": 7})
    answer = people.therapist.get(f"{BASE}session/{bad.session_id}/{file}")
    assert (answer.status_code, "kan ikke vises" in answer.content.decode()) == (422, True)


def test_a_fhir_bundle_passes_fhirs_own_rules_and_names_nobody(people: People) -> None:
    weeks(2)
    made = fetched(people.therapist, f"{BASE}course.fhir.json")
    assert Bundle.model_validate_json(made).type == "collection"
    assert b"Nordmann" not in made
    told = json.loads(made)
    kinds = [one["resource"]["resourceType"] for one in told["entry"]]
    assert (kinds.count("Patient"), kinds.count("Device"), kinds.count("Procedure")) == (1, 1, 2)
    codes = {
        one["resource"]["code"]["coding"][0]["code"]: one["resource"].get("valueQuantity", {}).get("code")
        for one in told["entry"]
        if one["resource"]["resourceType"] == "Observation" and "valueQuantity" in one["resource"]
    }
    assert {"55411-3": "min", "8867-4": "/min", "55422-0": "/min", "borg-6-20": "{score}"}.items() <= codes.items()


def uris_of(value: object) -> list[str]:
    """Return what R4 types as a uri or a url, anywhere in a bundle; fhirclient takes any text for one."""
    if isinstance(value, list):
        return [found for one in value for found in uris_of(one)]
    if not isinstance(value, dict):
        return []
    own = [value[name] for name in ("url", "fullUrl", "system", "reference") if name in value]
    return own + [found for one in value.values() for found in uris_of(one)]


@pytest.mark.parametrize("form", ["collection", "transaction"])
def test_a_bundle_is_what_r4s_json_schema_says(people: People, form: str, tmp_path: Path) -> None:
    """A person's whole course, and a bundle with a wrong type, so that the check is not blind."""
    weeks(2)
    file = tmp_path / "bundle.json"
    file.write_bytes(fetched(people.therapist, f"{BASE}course.fhir.json?form={form}"))
    assert checked("fhir", file) == {"parsed": True, "errors": []}
    wrong = json.loads(file.read_bytes())
    wrong["entry"][0]["fullUrl"] = "urn:uuid: with white space"
    file.write_text(json.dumps(wrong), encoding="utf-8")
    assert checked("fhir", file)["errors"] != []


@pytest.mark.parametrize("form", ["collection", "transaction"])
def test_a_bundle_passes_r4s_own_models(people: People, form: str) -> None:
    (entry,) = weeks(1)
    told = json.loads(fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.fhir.json?form={form}"))
    assert R4Bundle(told, strict=True).as_json() == told
    assert [one for one in uris_of(told) if not re.fullmatch(r"\S*", one)] == [], "R4's schema allows no white space"
    assert told["type"] == form


def test_a_heart_rate_by_loinc_meets_r4s_heart_rate_profile(people: People) -> None:
    """R4's vital-signs page: an Observation with 8867-4 has the category vital-signs and a Quantity in /min."""
    weeks(2)
    told = json.loads(fetched(people.therapist, f"{BASE}course.fhir.json"))
    found = [
        one["resource"]
        for one in told["entry"]
        if any(code.get("code") == "8867-4" for code in one["resource"].get("code", {}).get("coding", ()))
    ]
    assert len(found) == 2
    for one in found:
        assert "vital-signs" in [coding["code"] for kind in one["category"] for coding in kind["coding"]]
        assert (one["valueQuantity"]["system"], one["valueQuantity"]["code"]) == (fhir.UCUM, "/min")
        assert not {"valueSampledData", "component"} & one.keys()


def test_a_transaction_may_be_sent_twice(people: People) -> None:
    (entry,) = weeks(1)
    address = f"{BASE}session/{entry.session_id}/session.fhir.json?form=transaction"
    first, again = (json.loads(fetched(people.therapist, address)) for _ in range(2))
    assert [one["request"] for one in first["entry"]] == [one["request"] for one in again["entry"]]
    asked = [(one["resource"]["resourceType"], one["request"]) for one in first["entry"]]
    assert len({request["url"] for _, request in asked}) == len(asked)
    assert [set(request) for kind, request in asked if kind == "Patient"] == [{"method", "url", "ifNoneExist"}]
    assert all(request["method"] == "PUT" and "?identifier=" in request["url"] for kind, request in asked[1:])


def test_two_clinics_pseudonyms_are_of_two_systems() -> None:
    assert fhir.clinic_system("trondheim") != fhir.clinic_system("oslo")


@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_page_offers_both_forms_of_fhir_side_by_side(people: People, language: str) -> None:
    (entry,) = weeks(1)
    people.therapist.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    page = html.unescape(people.therapist.get(BASE).content.decode())
    for address in (f"{BASE}course.fhir.json", f"{BASE}session/{entry.session_id}/session.fhir.json"):
        links = re.findall(rf'href="({re.escape(address)}[^"]*)"', page)
        kinds = [json.loads(fetched(people.therapist, link))["type"] for link in links]
        assert kinds == ["collection", "transaction"]
    assert ("FHIR til server" if language == "nb" else "FHIR to send") in page


def test_a_rate_that_was_not_believed_is_no_rate_in_fhir(people: People) -> None:
    made = trained(1)
    change = SignalChanged(700.0, Signal.IMPLAUSIBLE, Signal.LIVE, "jump")
    back = SignalChanged(730.0, Signal.LIVE, Signal.IMPLAUSIBLE, "ok")
    events = tuple(sorted((*made.events, change, back), key=lambda event: event.t))
    (entry,) = keep(msgspec.structs.replace(made, events=events))
    told = fhir.collected(people.participant, [one_session(entry)], datetime(2026, 1, 1, tzinfo=UTC))
    (series,) = [one["resource"] for one in told["entry"] if "valueSampledData" in one["resource"]]
    rates = series["valueSampledData"]["data"].split()
    signals = series["component"][0]["valueSampledData"]["data"].split()
    assert (set(rates[700:730]), set(signals[700:730])) == ({"E"}, {"4"})
    assert "E" not in rates[690:700] + rates[730:740]


def test_sessions_of_one_minute_have_files_of_their_own(people: People) -> None:
    first, second = trained(1), trained(2)
    begun = "01a201a2-20b4-7"
    both = [
        msgspec.structs.replace(one, session_id=f"{begun}dc4-b145-{end}")
        for one, end in ((first, "77fdcea40af6"), (second, "000000000001"))
    ]
    keep(*both)
    with zipfile.ZipFile(io.BytesIO(fetched(people.therapist, f"{BASE}sessions.zip"))) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names)) == 7


def test_a_sessions_rows_as_a_workbook_hold_numbers(people: People) -> None:
    (entry,) = weeks(1)
    sheet = unzipped(fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.xlsx"))[
        "xl/worksheets/sheet1.xml"
    ].decode()
    assert '<c r="H702"><v>6.4</v></c>' in sheet


def test_every_reference_in_a_bundle_leads_to_something_in_it(people: People) -> None:
    (entry,) = weeks(1)
    made = fetched(people.therapist, f"{BASE}session/{entry.session_id}/session.fhir.json").decode()
    told = json.loads(made)
    there = {one["fullUrl"] for one in told["entry"]}
    assert len(there) == len(told["entry"])
    assert set(re.findall(r'"reference": ?"([^"]+)"', made)) <= there


def test_a_bundle_uses_no_element_that_r4_lacks(people: People) -> None:
    """Elements of R4 (4.0.1) by resource, as far as they are used; R4B's models would pass newer ones."""
    in_r4 = {
        "Patient": {"identifier", "gender", "birthDate"},
        "Device": {"identifier", "deviceName", "version"},
        "Procedure": {"identifier", "status", "code", "subject", "performedPeriod", "usedReference", "note"},
        "Observation": {
            "status", "category", "code", "subject", "device", "partOf", "effectivePeriod", "method", "valueQuantity",
            "valueInteger", "valueSampledData", "component",
        },
    }  # fmt: skip
    (entry,) = weeks(1)
    told = json.loads(fhir.bundle(people.participant, [one_session(entry)], datetime(2026, 1, 1, tzinfo=UTC)))
    for one in told["entry"]:
        resource = one["resource"]
        assert set(resource) - {"resourceType", "id"} <= in_r4[resource["resourceType"]]


def test_an_unfinished_flawed_or_empty_session_makes_a_valid_bundle_too(people: People) -> None:
    made = trained(1)
    bare = msgspec.structs.replace(
        made.summary, completed=False, intervals=(), peak_bpm=None, mean_bpm=None, hr_max_bpm=None, borg=None, mood=None
    )
    (entry,) = keep(msgspec.structs.replace(made, summary=bare))
    Session.objects.update(payload=None, flaw="cut off", clock_trusted=False)
    entry.refresh_from_db()
    told = Bundle.model_validate_json(fhir.bundle(people.participant, [one_session(entry)]))
    procedure = next(one.resource for one in told.entry if one.resource.get_resource_type() == "Procedure")
    assert procedure.status == "stopped"


def test_every_own_code_is_in_the_document() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert [one.code for one in fhir.OWN_MEASURES if f"`{one.code}`" not in document] == []
    public = (fhir.DURATION, fhir.MEAN_RATE, fhir.MAXIMUM_RATE)
    assert [one.code for one in public if f"`{one.code}`" not in document] == []


def test_every_look_is_logged_by_what_it_was(people: People) -> None:
    (entry,) = weeks(1)
    for name in ("session.pdf", "session.fit", "session.fhir.json"):
        fetched(people.therapist, f"{BASE}session/{entry.session_id}/{name}")
    told = [(one.action, one.participant) for one in Entry.objects.order_by("number")]
    assert told == [("papers.session", "p-1"), ("papers.file", "p-1"), ("papers.fhir", "p-1")]


def test_a_session_of_somebody_else_is_not_found_below_a_participant(people: People) -> None:
    (entry,) = keep(trained(1, participant="p-2"))
    assert people.therapist.get(f"{BASE}session/{entry.session_id}/session.json").status_code == 404


def test_everything_about_a_participant_is_in_one_readable_zip(people: People) -> None:
    weeks(2)
    Note.objects.create(participant=people.participant, text="Liker musikk")
    Course.objects.create(participant=people.participant, begins_on="2026-01-01")
    PlanVersion.objects.create(participant=people.participant, version=1, hr_max_bpm=185)
    files = unzipped(fetched(people.therapist, f"{BASE}everything.zip"))
    index = files["index.html"].decode()
    assert '<html lang="nb">' in index
    assert "er lagret om deg" in index
    for name in re.findall(r'href="([^"]+)"', index):
        assert name in files
    told = json.loads(files["participant.json"])
    assert told["participant"]["name"] == "Kari Nordmann"
    assert [one["text"] for one in told["notes"]] == ["Liker musikk"]
    assert (len(told["plans"]), len(told["courses"]), len(told["sessions"])) == (1, 1, 2)
    assert "tok ut alt om deltakeren" in files["who-looked.csv"].decode()
    assert sum(name.endswith(".fit") for name in files) == 2


def test_a_name_that_looks_like_a_formula_is_no_formula_in_a_spreadsheet(people: People) -> None:
    people.participant.name = "=HYPERLINK(1)"
    people.participant.save()
    (entry,) = weeks(1)
    day = entry.begun_on.isoformat()
    made = fetched(people.therapist, f"/c/trondheim/papers/report.csv?first={day}&last={day}")
    assert b"'=HYPERLINK(1)" in made


def test_a_zip_is_whole(people: People) -> None:
    weeks(1)
    made = fetched(people.therapist, f"{BASE}sessions.zip")
    assert io.BytesIO(made).read(2) == b"PK"
