# SPDX-License-Identifier: Apache-2.0
"""Plots as SVG: made plain, for a file of their own and for the page that they are put into."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

INK = "#010203"  # stands for the colour of the text around it
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_LEFT_OUT = ("metadata", "style", "title")
# The page's colours, for whoever opens the file alone.
_COLOURS = (
    ":root{color:#1c1c1c;background:#fff}"
    "@media screen and (prefers-color-scheme:dark){:root{color:#ececec;background:#161616}}"
)


@dataclass(frozen=True)
class Plot:
    """One drawing: its SVG, a title, and what it shows in words."""

    name: str
    root: Element
    title: str
    words: str


def parse(name: str, text: str, title: str, words: str) -> Plot:
    """Return the plot that matplotlib wrote as `text`, made plain.

    Styles become attributes, for a page with a strict Content-Security-Policy
    drops the former. Ids that nothing refers to go; the others begin with
    `name`, so that they are unique in a page of several plots.
    """
    root = ElementTree.fromstring(text)
    _strip(root)
    used = set(_iter_references(root))
    for element in root.iter():
        _plain(element, name, used)
    root.set("stroke-linejoin", "round")
    return Plot(name, root, title, words)


def standalone(plot: Plot) -> str:
    """Return the plot as a file."""
    root = _titled(plot)
    style = Element("style")
    style.text = _COLOURS
    root.insert(1, style)
    root.set("xmlns", _NAMESPACE.strip("{}"))
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def inline(plot: Plot) -> str:
    """Return the plot as an element of an HTML page."""
    return ElementTree.tostring(_titled(plot), encoding="unicode")


def _strip(element: Element) -> None:
    for child in list(element):
        if child.tag.removeprefix(_NAMESPACE) in _LEFT_OUT:
            element.remove(child)
        else:
            _strip(child)
    element.tail = None
    if element.tag != f"{_NAMESPACE}text":
        element.text = None


def _iter_references(root: Element) -> Iterator[str]:
    for element in root.iter():
        if _HREF in element.attrib:
            yield element.attrib[_HREF].removeprefix("#")
        for value in element.attrib.values():
            yield from _REFERENCE.findall(value)


def _plain(element: Element, name: str, used: set[str]) -> None:
    element.tag = element.tag.removeprefix(_NAMESPACE)
    attributes = dict(element.attrib)
    styles = attributes.pop("style", "")
    attributes |= dict(_iter_styles(styles))
    if _HREF in attributes:
        attributes["href"] = attributes.pop(_HREF)
    if attributes.get("id") not in used:
        attributes.pop("id", None)
    element.attrib.clear()
    for key, value in attributes.items():
        element.set(key, _value(key, value, name))


def _iter_styles(styles: str) -> Iterator[tuple[str, str]]:
    for style in filter(None, styles.split(";")):
        key, _, value = style.partition(":")
        yield key.strip(), value.strip()


def _value(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href":
        return f"#{name}-{value.removeprefix('#')}"
    if key == "font-family":
        return "system-ui, sans-serif"
    if value == INK:
        return "currentColor"
    shorter = _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}", value)
    return " ".join(_REFERENCE.sub(rf"url(#{name}-\1)", shorter).split())


def _titled(plot: Plot) -> Element:
    root = Element("svg", plot.root.attrib)
    root.set("role", "img")
    root.set("aria-label", f"{plot.title}. {plot.words}")
    title = Element("title")
    title.text = plot.title
    root.extend([title, *plot.root])
    return root
