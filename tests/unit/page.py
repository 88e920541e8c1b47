# SPDX-License-Identifier: Apache-2.0
"""What tests ask of a report's page, and what of a run is the same with every matplotlib."""

import json
import re
from html.parser import HTMLParser

VOID = ("meta", "br")
FORBIDDEN = {"script", "link", "img", "iframe", "object", "embed", "base", "form", "foreignobject"}
HTML_ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "open", "href", "id"),
    *("tabindex", "role", "aria-label", "scope"),
    # Programs of mail know no other way to place and colour a cell.
    *("width", "height", "bgcolor", "valign", "cellspacing", "cellpadding", "border"),
}
_SVG = re.compile(r"<svg\b.*?</svg>", re.S)
_PLOTS = re.compile(r"^plots/|^report\.html$")


class Page(HTMLParser):
    """The tags of a page with their attributes; those of plots apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.plot_tags, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        is_plot = tag == "svg" or "svg" in self.open
        (self.plot_tags if is_plot else self.tags).append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check(text):
    """Hold a page to what it promises: sound, without scripts, nothing from outside."""
    page = Page(text)
    assert page.open == []
    tags = [*page.tags, *page.plot_tags]
    assert not {tag for tag, _ in tags} & FORBIDDEN
    assert "style" not in {tag for tag, _ in page.plot_tags}
    assert {key for _, found in page.tags for key in found} <= HTML_ATTRIBUTES
    assert not any(key == "style" or key.startswith("on") for _, found in tags for key in found)
    ids = [found["id"] for _, found in tags if "id" in found]
    assert len(ids) == len(set(ids))
    for tag, found in tags:
        _check_references(tag, found, ids)
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style and "@import" not in style


def _check_references(tag, found, ids):
    link = found.get("href", "")
    if link.startswith("#"):
        assert link[1:] in ids
    elif link:
        assert tag == "a"
        assert re.fullmatch(r"[A-Za-z0-9._~%/-]+", link)
        assert not link.startswith("/") and ".." not in link.split("/")
    for value in found.values():
        assert set(re.findall(r"url\((.*?)\)", value or "")) <= {
            f"url(#{name})" for name in ids
        } | {f"#{name}" for name in ids}


def stable(name, data):
    """Return a file's bytes without what another matplotlib would draw otherwise."""
    if name == "report.html":
        return _SVG.sub("<svg/>", data.decode()).encode()
    if name == "manifest.json":
        manifest = json.loads(data)
        kept = {key: one for key, one in manifest["files"].items() if not _PLOTS.match(key)}
        return (json.dumps({**manifest, "files": kept}, indent=2, sort_keys=True) + "\n").encode()
    return data
