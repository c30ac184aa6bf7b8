"""The installed version of this software, looked up only when somebody asks: the look-up takes as long as a start."""


def own_version() -> str:
    """Return the version; `uninstalled` where this runs from a folder that was never installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - see above

    try:
        return version("interval-coach")
    except PackageNotFoundError:
        return "uninstalled"
