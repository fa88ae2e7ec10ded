"""Google Drive, which answers as it does where there is no Colab machine behind it."""


def mount(mountpoint: str, force_remount: bool = False, **_: object) -> None:
    """Refuse."""
    raise NotImplementedError("Mounting drive is unsupported in this environment.")
