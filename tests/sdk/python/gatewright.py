"""A running `gatewright dev` for each database, with an empty data folder, and the administrator's view of it."""

import atexit
import functools
import json
import logging
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

import httpx
import psycopg2
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("GATEWRIGHT_BIN", ROOT / "target/debug/gatewright"))
POSTGRES = os.environ.get("GATEWRIGHT_TEST_DATABASE_URL")

SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="gatewright-python-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
# The CAs of the servers and nothing else: requests and httpx verify against this file.
TRUSTED = SCRATCH / "trusted.pem"
TRUSTED.touch()
os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = str(TRUSTED)

# httpx gives up after five seconds, and the SDK has no option for it; on a busy machine that is no fault.
for _phase in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, _phase, 60)
# The tests visit pages in between, which asyncio would report as slow.
logging.getLogger("asyncio").setLevel(logging.ERROR)

DATABASE = "Username-Password-Authentication"
PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"
PASSWORDLESS = "http://auth0.com/oauth/grant-type/passwordless/otp"


class Case(unittest.IsolatedAsyncioTestCase):
    """Prints the server's last lines when a test fails."""

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"--- the server, at the end of {self.id()}\n{server(self.engine).last_lines()}", file=sys.stderr)
        return result


def on_every_engine(conversations):
    """Makes a test case of a class of conversations for SQLite, and for PostgreSQL where a server is named."""
    module = conversations.__module__
    for engine in ["SQLite"] + (["PostgreSQL"] if POSTGRES else []):
        case = type(f"{conversations.__name__}On{engine}", (conversations, Case), {"engine": engine})
        case.__module__ = module
        setattr(__import__(module), case.__name__, case)
    return conversations


class Server:
    """One server; `server(engine)` starts it when it is first asked for and stops it when Python ends."""

    def __init__(self, engine):
        folder = SCRATCH / engine
        self._log = SCRATCH / f"{engine}.log"
        arguments = ["dev", "--port", "0", "--ops-port", "0", "--data-dir", str(folder), "--json"]
        if engine == "PostgreSQL":
            arguments += ["--database-url", self._new_database()]
        self.admin = {"client_id": "sdk-tests-admin", "client_secret": secrets.token_urlsafe(32)}
        # Gatewright refuses GATEWRIGHT_* variables that it does not know; the tests' own are not for it.
        env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
        env["GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_ID"] = self.admin["client_id"]
        env["GATEWRIGHT_BOOTSTRAP_ADMIN_CLIENT_SECRET"] = self.admin["client_secret"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(BINARY), *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
            )
        atexit.register(self._stop)
        too_late = threading.Timer(60, self._process.kill)
        too_late.start()
        lines = iter(self._process.stdout.readline, b"")
        started = next((json.loads(line) for line in lines if line.startswith(b'{"') and b"ca_certificate" in line), None)
        too_late.cancel()
        if started is None:
            raise RuntimeError(f"{BINARY} did not start:\n{self._log.read_text()}")
        # What else it prints is read and forgotten, or it would block.
        threading.Thread(target=self._process.stdout.read, daemon=True).start()
        with TRUSTED.open("a") as trusted:
            trusted.write(pathlib.Path(started["ca_certificate"]).read_text())
        self.domain, self.issuer, self.audience = started["domain"], started["issuer"], started["audience"]
        self._inbox = started["inbox"] + ".json"
        self._token = None
        self.management("PATCH", "tenants/settings", {"default_directory": DATABASE})

    def _new_database(self):
        name = f"gatewright_python_{secrets.token_hex(6)}"
        self._statement(f"CREATE DATABASE {name}")
        atexit.register(self._statement, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        return urllib.parse.urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()

    @staticmethod
    def _statement(sql):
        connection = psycopg2.connect(POSTGRES)
        connection.autocommit = True
        try:
            connection.cursor().execute(sql)
        finally:
            connection.close()

    def _stop(self):
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def last_lines(self):
        """What it logged lately."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-30:])

    def management(self, method, resource, body=None):
        """Calls the Management API as the administrator; anything but 2xx is an error."""
        if self._token is None:
            grant = {"grant_type": "client_credentials", "audience": f"{self.issuer}api/v2/", **self.admin}
            self._token = requests.post(f"{self.issuer}oauth/token", json=grant, timeout=60).json()["access_token"]
        headers = {"Authorization": f"Bearer {self._token}"}
        reply = requests.request(method, f"{self.issuer}api/v2/{resource}", json=body, headers=headers, timeout=60)
        if not reply.ok:
            raise RuntimeError(f"{method} {resource}: {reply.status_code} {reply.text}")
        return reply.json() if reply.content else None

    def register(self, settings, connections=()):
        """A client with these connections (by name) enabled."""
        client = self.management("POST", "clients", {"oidc_conformant": True, **settings})
        for name in connections:
            (connection,) = self.management("GET", f"connections?name={name}")
            enabled = [*connection.get("enabled_clients", []), client["client_id"]]
            self.management("PATCH", f"connections/{connection['id']}", {"enabled_clients": enabled})
        return client

    def message(self, to, after=None):
        """The newest message to somebody, newer than that of the id `after`; waits for it."""
        query = {"to": to, "wait": 20, **({"after": after} if after else {})}
        found = requests.get(self._inbox, params=query, timeout=60).json()["messages"]
        if not found:
            raise AssertionError(f"no message to {to}")
        return found[0]

    def code(self, to, after=None):
        """The six digits in the newest message to somebody."""
        return re.search(r"\b\d{6}\b", self.message(to, after)["body"])[0]

    def link(self, message, path):
        """The link to one of the server's pages in a message."""
        return re.search(re.escape(self.issuer + path) + r'[^\s"<)]*', message["body"])[0].rstrip("#")


def key_pair():
    """A new RSA key pair in PEM: `(private, public)`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


@functools.cache
def server(engine):
    """The server of a database; the test cases of all modules share it."""
    return Server(engine)
