"""Pictures that a reader can handle: live in a notebook, and alive in a page without a kernel.

A widget is one JavaScript function with two hosts (`static/host.js`): anywidget's model, through
which Python sees and sets what the reader sees, and a page of its own in a frame.
"""

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from PIL import Image

from ..errors import ImageError
from ..images import check_image

STATIC = Path(__file__).with_name("static")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def to_png(image: np.ndarray) -> bytes:
    """A picture, uint8 (H, W, 3), as lossless PNG."""
    buffer = io.BytesIO()
    # On photographs the default level saves a tenth, and takes four times as long.
    Image.fromarray(check_image(image)).save(buffer, "PNG", compress_level=2)
    return buffer.getvalue()


def picture(image: np.ndarray, label: str, alt: str, **data: Any) -> dict[str, Any]:
    """One picture as the widgets send it; `data` becomes the data attributes of its figure."""
    height, width = check_image(image).shape[:2]
    return {
        "label": label, "alt": alt, "width": width, "height": height, "png": to_png(image),
        "data": data,
    }  # fmt: skip


def check_text(text: Any, what: str) -> str:
    """A text that is shown or read aloud.

    Raises:
        ImageError: it is missing, or more than one line.
    """
    if not isinstance(text, str) or not text.strip():
        raise ImageError(f"{what} is missing: give a text, not {text!r}.")
    if not text.isprintable():
        raise ImageError(f"{what} has line breaks or signs that cannot be shown: {text!r}.")
    return text


def _script(name: str) -> str:
    files = STATIC / "host.js", STATIC / f"{name}.js"
    return "".join(file.read_text(encoding="utf-8") for file in files)


def _style() -> str:
    return (STATIC / "widgets.css").read_text(encoding="utf-8")


class PictureWidget(anywidget.AnyWidget):
    """Base of the widgets: what they send, and their form without a kernel.

    In a notebook the last line of a cell shows it. Its output holds both forms. A converted
    notebook shows the page in a frame if it was executed without storing the widgets' state
    (nbclient's `store_widget_state=False`, as the handout does); else converters ask a server on
    the web for the widget.

    Attributes:
        title: what the whole of it shows, for screen readers.
    """

    script = ""  # name of the JavaScript file; its function is mount(root, store)
    values: Sequence[str] = ()  # traits that the page starts with
    height = 400  # of the frame before its content has said how high it is, in CSS pixels

    title = traitlets.Unicode("").tag(sync=True)
    _pictures = traitlets.List().tag(sync=True)

    # ipywidgets before 8 would show the widget through this method and leave out all other forms.
    _ipython_display_ = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "script" in vars(cls):  # and not when anywidget derives a class of its own from it
            cls._esm = _script(cls.script) + "\nexport default { render };\n"
            cls._css = _style()
        super().__init_subclass__(**kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title!r})"

    def to_html(self) -> str:
        """The widget as it is now, as one `<iframe>` that needs no kernel, file or network.

        The same widget gives the same text every time.
        """
        frame = html.escape(self.to_page(), quote=True)
        return (
            f'<iframe title="{html.escape(self.title, quote=True)}" srcdoc="{frame}" '
            f'style="width: 100%; height: {self.height}px; border: 0"></iframe>'
        )

    def to_page(self) -> str:
        """The page inside the frame of `to_html`; as a file of its own it works as well."""
        state = {name: getattr(self, name) for name in self.values}
        # In a script element "<" could begin its end.
        encoded = json.dumps(state, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
        script = _script(self.script).replace("</", "<\\/")
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{html.escape(self.title)}</title>"
            "<style>body { margin: 0 } body > .srgan-widget { padding-bottom: 12px }\n"
            f"{_style()}</style></head><body>"
            f'<div class="srgan-widget"><div class="figures">'
            f"{''.join(map(_figure, self._pictures))}</div></div>"
            f'<script type="application/json" id="state">{encoded}</script>'
            f'<script type="module">{script}\nstandalone();</script></body></html>'
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return {**data, "text/html": self.to_html()}, metadata


def _figure(entry: Mapping[str, Any]) -> str:
    label, alt = (html.escape(entry[name], quote=True) for name in ("label", "alt"))
    data = {"label": entry["label"], **entry["data"]}
    attributes = "".join(
        f' data-{name}="{html.escape(str(value), quote=True)}"' for name, value in data.items()
    )
    source = base64.b64encode(entry["png"]).decode("ascii")
    return (
        f'<figure{attributes}><img src="data:image/png;base64,{source}" alt="{alt}" '
        f'width="{entry["width"]}" height="{entry["height"]}">'
        f"<figcaption>{label}</figcaption></figure>"
    )
