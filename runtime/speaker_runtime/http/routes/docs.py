"""The API's own pages: reference and error list, complete without the Internet."""

from html import escape
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from speaker_runtime.errors import CATALOGUE
from speaker_runtime.http.envelope import ERRORS_PATH

_ASSETS: Final = "/docs/assets"
_START: Final = "/docs/start.js"
# Swagger UI sets styles from its script and has its icons in data URLs; nothing else is allowed.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
</head>
<body>
{body}
</body>
</html>
"""

router = APIRouter(include_in_schema=False)


def install(app: FastAPI) -> None:
    """Serve the pages and, beside them, Swagger UI's files."""
    app.include_router(router)
    static = files("fastapi_offline") / "static"
    app.mount(_ASSETS, StaticFiles(directory=str(static)), name="docs-assets")


@router.get("/")
async def root() -> Response:
    """The first thing to see is the API reference."""
    return RedirectResponse("/docs")


@router.get("/docs")
async def reference() -> Response:
    """The API reference, to read and to try."""
    head = f'<link rel="stylesheet" href="{_ASSETS}/swagger-ui.css">'
    body = (
        f'<div id="swagger-ui"></div>\n<script src="{_ASSETS}/swagger-ui-bundle.js"></script>\n'
        f'<script src="{_START}"></script>'
    )
    return _page("Speaker TTS API", head, body)


@router.get(_START)
async def start() -> Response:
    """The script that the policy forbids to write into the page."""
    script = files("speaker_runtime.http") / "pages" / "start.js"
    return Response(script.read_text("utf-8"), media_type="text/javascript", headers=_HEADERS)


@router.get(ERRORS_PATH)
async def errors() -> Response:
    """Every error code, its cause and remedy; `error.docs` points here."""
    sections = (
        f'<h2 id="{code}"><code>{code}</code> (HTTP {kind.status})</h2>\n'
        f"<p>{escape(kind.when)}</p>\n<p>{escape(kind.remedy)}</p>"
        for code, kind in CATALOGUE.items()
    )
    return _page("Speaker TTS errors", "", "<h1>Errors</h1>\n" + "\n".join(sections))


def _page(title: str, head: str, body: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=title, head=head, body=body), headers=_HEADERS)
