# SPDX-License-Identifier: Apache-2.0
"""Where the web service begins; lazr.restful finds these classes by itself."""

from io import BytesIO

from lazr.restful.simple import RootResource, RootResourceAbsoluteURL, SimulatedWebsiteRequest
from lazr.restful.wsgi import BaseWSGIWebServiceConfiguration

from launchpad.service import content, interfaces


class Configuration(BaseWSGIWebServiceConfiguration):
    """One version, the newest one; everybody may see everything."""

    active_versions = ("devel",)
    code_revision = "test"
    last_version_with_mutator_named_operations = None
    use_https = False
    view_permission = "zope.Public"


class Root(RootResource):
    """The collections by their names, and all things at their places."""

    def _build_top_level_objects(self):
        collections = {
            "people": (interfaces.IPerson, content.PEOPLE),
            "projects": (interfaces.IProject, content.PROJECTS),
            "branches": (interfaces.IBranch, content.BRANCHES),
            "git_repositories": (interfaces.IGitRepository, content.REPOSITORIES),
        }
        return collections, {}

    def get(self, request, name):
        return super().get(request, name) or content.at(name)


class RootURL(RootResourceAbsoluteURL):
    """The address of the beginning."""


def page_request(request):
    """Return the request of a page; that there is one makes lazr.restful tell pages' addresses."""
    return SimulatedWebsiteRequest(BytesIO(), {})


class PageURL:
    """The address of a thing's page, which is nowhere."""

    def __init__(self, context, request):
        self._context = context

    def __call__(self):
        return f"https://code.launchpad.test/{self._context.place}"
