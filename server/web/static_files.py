"""Static files under names that hold their content's hash, so that a browser may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # whitenoise has no types
    """Hashed and compressed; modules that import each other are rewritten too.

    A file that was not collected, such as a script that could not be fetched, keeps its plain name: the page comes
    without it rather than not at all.
    """

    manifest_strict = False
    support_js_module_import_aggregation = True

    def hashed_name(self, name, content=None, filename=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - Django's own signature has no types
        """Return the name with its hash; the name as it is where there is no such file."""
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return name
