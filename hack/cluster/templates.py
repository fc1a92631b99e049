"""Fill in the files under ``templates/``."""

from string import Template

from cluster.config import PACKAGE


def render(name: str, **values: object) -> str:
    """The template's text with each ``$key`` replaced; a key without a value is an error."""
    return Template((PACKAGE / "templates" / name).read_text()).substitute(values)
