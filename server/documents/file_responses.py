"""Files as answers: never named after a person, always saved and never shown inline; the gate says `no-store`."""

from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse
from django.utils.translation import get_language

from server.documents.forms import chosen_language

PDF, CSV, JSON, FIT, ZIP, FHIR = (
    "application/pdf", "text/csv; charset=utf-8", "application/json", "application/vnd.ant.fit", "application/zip",
    "application/fhir+json",
)  # fmt: skip
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BYTES = "application/octet-stream"


def file_answer(content: bytes, kind: str, name: str) -> HttpResponse:
    """Return a file to save. `name`: ASCII, from pseudonyms and days."""
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def open_file_answer(content: IO[bytes], kind: str, name: str) -> FileResponse:
    """Return an open file to save; it is closed when it is sent."""
    return FileResponse(content, as_attachment=True, filename=name, content_type=kind)


def language_of(request: HttpRequest) -> str:
    """In which language a paper is asked for: `?language=en`, else the page's."""
    return chosen_language(request.GET.get("language"), get_language() or "nb")
