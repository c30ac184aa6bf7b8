"""From a template to a PDF: A4, Inter, tagged for screen readers (PDF/UA-1), and nothing fetched from anywhere."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language

VARIANT = "pdf/ua-1"
_STYLES = Path(__file__).resolve().parents[1] / "print" / "paper.css"


def paper(template: str, shown: dict[str, Any], *, title: str, made_for: str) -> bytes:
    """Set a template as a PDF in the language at hand. `made_for`: the clinic's name, at the foot of each page."""
    # Loading it takes a second or two, and only whoever prints needs it.
    from weasyprint import HTML  # noqa: PLC0415

    told = {
        **shown,
        "title": title,
        "made_for": made_for,
        "made_at": timezone.localtime(),
        "language": get_language() or "nb",
    }
    html: SafeString = render_to_string(template, told)
    made = HTML(string=html, url_fetcher=_fetcher()).write_pdf(stylesheets=[_styles()], pdf_variant=VARIANT)
    return bytes(made)


@lru_cache(maxsize=1)
def _fetcher() -> Any:  # noqa: ANN401 - weasyprint has no types
    """Pictures come inside the page, as `data:` addresses; the typeface is the system's. Nothing else is fetched."""
    from weasyprint import URLFetcher  # noqa: PLC0415 - see above

    return URLFetcher(allowed_protocols=("data",), allow_redirects=False)


@lru_cache(maxsize=1)
def _styles() -> Any:  # noqa: ANN401 - weasyprint has no types
    from weasyprint import CSS  # noqa: PLC0415 - see above

    return CSS(string=_STYLES.read_text(encoding="utf-8"), url_fetcher=_fetcher())
