"""Who may import whom: each room only what stands below it, and nothing in a circle."""

from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[1] / "srgan_lib"
ROOMS = {
    "system": {"top: errors"},
    "top": {"top", "system"},
    "display": {"top", "system"},
    "datasets": {"top", "system"},
    "performance": {"top", "system"},
    "course": {"top", "system"},
    "results": {"top", "system", "display", "datasets", "performance"},
    "cli": {"top", "system", "datasets", "performance", "results"},
}
