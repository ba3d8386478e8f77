"""Formulas as MathML, which browsers draw by themselves: no script, no font from elsewhere.

A fenced block of ``math``, which forges draw as well, holds TeX. Knows no page.
"""

from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    fence = {"name": "math", "class": "formula", "format": formula}
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [fence]}
    return config


def formula(source: str, language: str, css_class: str, *_: Any, **__: Any) -> str:
    """One formula a line, below each other."""
    lines = "".join(convert(line, display="block") for line in source.splitlines() if line.strip())
    return f'<div class="{css_class}" tabindex="0" role="region" aria-label="Formula">{lines}</div>'
