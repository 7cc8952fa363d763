"""The part of the metadata that pyproject.toml cannot hold: the description for the project's page on PyPI."""

import re
from pathlib import Path

from setuptools import setup

RELATIVE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?://)[^)]*\)")

README = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
setup(long_description=RELATIVE_LINK.sub(r"\1", README), long_description_content_type="text/markdown")
