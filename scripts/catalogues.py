"""The pages' texts: which there are in code and templates, and whether each has its bokmål.

    python -m scripts.catalogues                  what is missing, or no longer used; exit status 1 where anything is
    python -m scripts.catalogues --update [APP]   add what is missing (untranslated) to its catalogue or to all of them,
                                                  drop what is not used

A text belongs to the application in whose folder it stands: `server/<app>/locale/nb/LC_MESSAGES/django.po`.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "npgettext": ((1, "c"), 2, 3),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}

HEADER = b"""\
msgid ""
msgstr ""
"Language: nb\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
"""Nothing of when or by whom it was written: two runs give the same file."""

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")
"""What makes a text a Python format; "95% of HRmax" is none, though extractors take it for one."""

Key = tuple[str, str]
"""A text's context (empty where it has none) and the text itself, of a plural the singular."""


def applications() -> list[Path]:
    """Return the server's applications that have texts."""
    return sorted(one.parent for one in (ROOT / "server").glob("*/apps.py") if any(used(one.parent)))


def catalogue_of(application: Path) -> Path:
    """Where its bokmål stands."""
    return application / "locale" / "nb" / "LC_MESSAGES" / "django.po"


def used(application: Path) -> Iterator[tuple[str, str | tuple[str, ...], str]]:
    """Each text in code and templates: context, text (singular and plural), file."""
    for path in sorted(application.rglob("*")):
        if path.suffix == ".py" and "migrations" not in path.parts:
            source = path.read_bytes()
        elif path.suffix in (".html", ".txt", ".svg") and "templates" in path.parts:
            # Django's own way: a template is turned into lines that any extractor of Python reads.
            source = templatize(path.read_text(encoding="utf-8"), origin=str(path)).encode()
            source = re.sub(rb"^[ \t]+", b"", source, flags=re.MULTILINE)
        else:
            continue
        for _line, text, _comments, context in extract("python", BytesIO(source), KEYWORDS, (), {}):
            if text and any(text):
                yield context or "", text if isinstance(text, str) else tuple(text), path.relative_to(ROOT).as_posix()


def read(application: Path) -> Catalog:
    """Its catalogue; an empty one where there is none."""
    path = catalogue_of(application)
    if not path.exists():
        return Catalog(locale="nb", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale="nb", abort_invalid=True)


def _key(context: str | None, text: str | tuple[str, ...] | list[str]) -> Key:
    return context or "", text if isinstance(text, str) else text[0]


def faults(application: Path) -> list[str]:
    """Return what is wrong with an application's catalogue, a line each."""
    catalogue = read(application)
    have = {_key(one.context, one.id): one for one in catalogue if one.id}
    found = []
    wanted: set[Key] = set()
    for context, text, file in used(application):
        key = _key(context, text)
        if key in wanted:
            continue
        wanted.add(key)
        message = have.get(key)
        if message is None or message.fuzzy or not (all(message.string) if message.pluralizable else message.string):
            found.append(f"{file}: no bokmål for «{key[1]}»")
            continue
        if any(_names(one) != _names(key[1]) for one in _strings(message)) and not message.pluralizable:
            found.append(f"{file}: «{key[1]}» has other names in its bokmål")
    place = catalogue_of(application).relative_to(ROOT).as_posix()
    return found + [f"{place}: «{key[1]}» is not used" for key in have if key not in wanted]


def _names(text: str) -> set[tuple[str, str]]:
    """Return what stands in a text's place for something: `%(name)s` or `{name}`."""
    return set(re.findall(r"%\((\w+)\)|\{(\w*)\}", text))


def _strings(message: object) -> tuple[str, ...]:
    string = message.string  # type: ignore[attr-defined] # babel has no types
    return tuple(string) if isinstance(string, list | tuple) else (string,)


def update(application: Path) -> None:
    """Add what is missing, drop what is not used, keep what is translated."""
    before = read(application)
    after = Catalog(locale="nb", charset="utf-8", fuzzy=False)
    for context, text, file in used(application):
        old = before.get(text if isinstance(text, str) else text[0], context or None)
        message = after.add(text, old.string if old else None, locations=[(file, 0)], context=context or None)
        if not PLACEHOLDER.search(message.id if isinstance(message.id, str) else " ".join(message.id)):
            message.flags.discard("python-format")
    path = catalogue_of(application)
    path.parent.mkdir(parents=True, exist_ok=True)
    out = BytesIO()
    write_po(out, after, width=110, omit_header=True, include_lineno=False, sort_output=True)
    path.write_bytes(HEADER + out.getvalue())


def main() -> int:
    """Look, or update."""
    if "--update" in sys.argv[1:]:
        for application in applications():
            if len(sys.argv) < 3 or application.name in sys.argv[2:]:  # noqa: PLR2004 - the word and a name
                update(application)
    wrong = [fault for application in applications() for fault in faults(application)]
    for one in wrong:
        print(one)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
