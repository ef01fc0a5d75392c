"""Links of included files: those to files of the repository lead to their pages."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

PAGES = {
    "docs/speed": "speed",
    "README": "index",
    "CONTRIBUTING": "contribute/index",
    "CHANGELOG": "contribute/changelog",
    "benchmarks/README": "contribute/benchmarks",
    "csrc/README": "contribute/c_side",
}


class Included(SphinxPostTransform):
    """Exchange targets before MyST, whose priority is 9, looks for them."""

    default_priority = 8

    def run(self, **kwargs: Any) -> None:
        """Of a document whose links are to be resolved."""
        for node in self.document.findall(pending_xref):
            if node.get("refdomain") not in (None, "doc"):
                continue
            target = str(node.get("reftarget", "")).removesuffix(".md")
            for file, page in PAGES.items():
                if PurePosixPath(target).match(file):
                    node["refdomain"], node["reftype"] = "doc", "doc"
                    node["reftarget"] = page
                    if not node.astext():
                        node += nodes.inline("", file)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_post_transform(Included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
