"""Somebody with a browser without scripts: cookies, redirects and forms of the hosted pages, in plain HTTP."""

import html.parser
import urllib.parse

import requests


class Form(html.parser.HTMLParser):
    """The first form of a page: its action and its fields, buttons left out."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.action = attributes["action"]
        elif tag == "input" and self.action is not None:
            self.fields[attributes["name"]] = attributes.get("value", "")


class Visitor:
    """Follows redirects as long as they stay on the host; `left` is the address outside that the last one led to."""

    def __init__(self):
        self._session = requests.Session()
        self._page = None
        self.left = None

    def open(self, url, **request):
        """Opens an address and returns the text of the page that it leads to."""
        self.left = None
        reply = self._session.request(request.pop("method", "GET"), url, allow_redirects=False, timeout=60, **request)
        self._page = reply
        if "location" not in reply.headers:
            return reply.text
        target = urllib.parse.urljoin(url, reply.headers["location"])
        if urllib.parse.urlsplit(target)[:2] != urllib.parse.urlsplit(url)[:2]:
            self.left = target
            return reply.text
        return self.open(target)

    def submit(self, **typed):
        """Fills these fields of the open page's form in and presses its first button."""
        form = Form(self._page.text)
        unknown = {name.replace("_", "-") if name not in form.fields else name for name in typed} - form.fields.keys()
        if form.action is None or unknown:
            raise AssertionError(f"{self._page.url}: no form with {unknown}:\n{self._page.text}")
        filled = {name if name in form.fields else name.replace("_", "-"): value for name, value in typed.items()}
        url = urllib.parse.urljoin(self._page.url, form.action)
        return self.open(url, method="POST", data={**form.fields, "action": "default", **filled})

    def returned(self):
        """The parameters with which the browser was sent back to the application."""
        if self.left is None:
            raise AssertionError(f"still at {self._page.url}:\n{self._page.text}")
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.left).query))
