"""How Sphinx builds the site: ``nox -s docs``."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).resolve().parent
# MathJax itself; the package's extension would forbid to read in parallel.
MATHJAX = Path(str(files("sphinx-mathjax-offline"))) / "static"
sys.path.insert(0, str(HERE / "_extensions"))

project = "fastloss"
author = "The fastloss developers"
copyright = author
version = release = version_of("fastloss")

extensions = [
    "function_pages",
    "loss_pages",
    "myst_parser",
    "repository",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "speed_history",
]
exclude_patterns = ["_build", "notes", "examples", "**/GALLERY_HEADER.md"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["config.cache"]  # sphinx_gallery_conf is no plain data

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "matplotlib_animations": False,
    "plot_gallery": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

mathjax_path = "mathjax/tex-chtml.js"

html_theme = "pydata_sphinx_theme"
html_title = "fastloss"
html_context = {"default_mode": "auto"}
html_static_path = ["_static", str(MATHJAX)]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    # Wide tables have its room.
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        **{page: [] for page in ("losses", "accuracy", "definitions", "speed", "api")},
    },
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
