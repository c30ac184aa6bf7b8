"""JSON Schema as the standard has it (2020-12), from what msgspec writes."""

from inspect import cleandoc


def make_standard(part: object) -> None:
    """Remove every `discriminator` object below `part` and the indentation of every description, in place.

    Descriptions are docstrings, which Python indents as in the source up to 3.12 and not from 3.13 on.
    msgspec writes OpenAPI's keyword. JSON Schema has none of that name, and AsyncAPI takes a property's name and no
    object. Nothing is lost: each alternative of such an `anyOf` requires its own constant tag.
    """
    if isinstance(part, dict):
        if isinstance(part.get("discriminator"), dict):
            del part["discriminator"]
        if isinstance(part.get("description"), str):
            part["description"] = cleandoc(part["description"])
        for inner in part.values():
            make_standard(inner)
    elif isinstance(part, list):
        for inner in part:
            make_standard(inner)
