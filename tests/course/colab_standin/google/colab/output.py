"""Colab's switch for widgets that are not its own."""


def enable_custom_widget_manager() -> None:
    """Do nothing: no page is listening."""


def disable_custom_widget_manager() -> None:
    """Do nothing: no page is listening."""
