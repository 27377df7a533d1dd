"""auth0-server-python: ServerClient logs somebody in, keeps the session, renews tokens, logs out; codes and a link."""

import http.server
import queue
import threading
import urllib.parse

from auth0_server_python.auth_server.server_client import ServerClient
from auth0_server_python.auth_types import (
    LogoutOptions,
    StartInteractiveLoginOptions,
    StartPasswordlessEmailOptions,
    StartPasswordlessSmsOptions,
    VerifyPasswordlessOtpOptions,
)
from auth0_server_python.error import (
    AccessTokenError,
    ApiError,
    BackchannelLogoutError,
    MfaEnrollmentError,
    MfaRequiredError,
    MfaVerifyError,
    MissingTransactionError,
    PasswordlessVerifyError,
)
from auth0_server_python.store import StateStore, TransactionStore

from gatewright import DATABASE, PASSWORDLESS, key_pair, on_every_engine, server
from visitor import Visitor

CALLBACK = "http://localhost:3000/auth/callback"
HOME = "http://localhost:3000/"
API = "https://stock.example/"
PASSWORD = "Correct-horse-7"
MFA_OOB = "http://auth0.com/oauth/grant-type/mfa-oob"


class Memory(StateStore, TransactionStore):
    """What an application keeps for one browser."""

    def __init__(self):
        super().__init__({"secret": "of the application"})
        self.kept = {}

    async def set(self, identifier, state, remove_if_expires=False, options=None):
        self.kept[identifier] = state if isinstance(state, dict) else state.model_copy(deep=True)

    async def get(self, identifier, options=None):
        return self.kept.get(identifier)

    async def delete(self, identifier, options=None):
        self.kept.pop(identifier, None)

    async def delete_by_logout_token(self, claims, options=None):
        for name, state in list(self.kept.items()):
            session = state if isinstance(state, dict) else state.model_dump()
            if claims["sid"] in (None, session["internal"]["sid"]):
                del self.kept[name]


class LogoutListener(http.server.ThreadingHTTPServer):
    """The address of the application that logout tokens are sent to, and those that came."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), ReceiveLogout)
        self.url = f"http://localhost:{self.server_port}/backchannel-logout"
        self.tokens = queue.Queue()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class ReceiveLogout(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.tokens.put(urllib.parse.parse_qs(body)["logout_token"][0])
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@on_every_engine
class Sessions:
    engine: str

    @classmethod
    def setUpClass(cls):
        cls.server = server(cls.engine)
        cls.client = cls.server.register(
            {
                "name": "Python web app",
                "app_type": "regular_web",
                "callbacks": [CALLBACK],
                "allowed_logout_urls": [HOME],
                "grant_types": ["authorization_code", "refresh_token", PASSWORDLESS, MFA_OOB],
                "refresh_token": {"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0},
            },
            [DATABASE, "sms", "email"],
        )
        api = {"identifier": API, "name": "Stock", "scopes": [{"value": "read:stock"}], "allow_offline_access": True}
        cls.server.management("POST", "resource-servers", api)
        person = {"connection": DATABASE, "email": "hedy@example.com", "password": PASSWORD, "email_verified": True}
        cls.hedy = cls.server.management("POST", "users", person)

    def setUp(self):
        self.visitor, self.states = Visitor(), Memory()
        self.app = self.application()

    def application(self, **options):
        asked = {"scope": "openid profile email offline_access read:stock", "audience": API}
        usual = {
            "domain": self.server.domain,
            "client_id": self.client["client_id"],
            "client_secret": self.client["client_secret"],
            "redirect_uri": CALLBACK,
            "secret": "a secret of thirty-two characters",
            "transaction_store": Memory(),
            "state_store": self.states,
            "authorization_params": asked,
        }
        return ServerClient(**{**usual, **options})

    async def log_in(self, app=None):
        """Hedy logs in on the hosted page; what the SDK makes of the callback."""
        app = app or self.app
        self.visitor.open(await app.start_interactive_login(StartInteractiveLoginOptions(app_state={"to": "/orders"})))
        self.visitor.submit(username=self.hedy["email"], password=PASSWORD)
        return await app.complete_interactive_login(self.visitor.left)

    async def silently(self):
        """The callback of a login without questions."""
        without = StartInteractiveLoginOptions(authorization_params={"prompt": "none"})
        self.visitor.open(await self.app.start_interactive_login(without))
        return await self.app.complete_interactive_login(self.visitor.left)

    async def test_a_login_is_kept_and_used_once(self):
        done = await self.log_in()
        self.assertEqual(done["app_state"], {"to": "/orders"})
        user = await self.app.get_user()
        self.assertEqual((user["sub"], user["email"]), (self.hedy["user_id"], self.hedy["email"]))
        session = await self.app.get_session()
        token_set = session["token_sets"][0]
        granted = {"openid", "profile", "email", "offline_access", "read:stock"}
        self.assertEqual((token_set["audience"], set(token_set["scope"].split())), (API, granted))
        with self.assertRaises(MissingTransactionError):
            await self.app.complete_interactive_login(self.visitor.left)
        # Single sign-on: the browser is known.
        again = await self.silently()
        self.assertEqual(again["state_data"]["internal"]["sid"], done["state_data"]["internal"]["sid"])

    async def test_access_tokens_are_renewed_with_rotating_refresh_tokens(self):
        done = await self.log_in()
        token = await self.app.get_access_token()
        self.assertEqual(token, done["state_data"]["token_sets"][0]["access_token"])
        seen = {done["state_data"]["refresh_token"]}
        for _ in range(2):
            self.expire()
            renewed = await self.app.get_access_token()
            self.assertNotEqual(renewed, token)
            seen.add(self.kept()["refresh_token"])
        self.assertEqual(len(seen), 3, "every renewal gives a new refresh token")
        # A replaced token that comes again ends the whole family.
        old = done["state_data"]["refresh_token"]
        for token in [old, self.kept()["refresh_token"]]:
            with self.assertRaises(ApiError) as caught:
                await self.app.get_token_by_refresh_token({"refresh_token": token, "domain": self.server.domain})
            self.assertEqual(caught.exception.code, "invalid_grant")
        self.expire()
        with self.assertRaises(AccessTokenError):
            await self.app.get_access_token()

    async def test_a_second_factor_at_a_renewal(self):
        path = f"users/{urllib.parse.quote(self.hedy['user_id'])}"
        phone = {"type": "phone", "phone_number": "+61400111222"}
        made = self.server.management("POST", f"{path}/authentication-methods", phone)
        self.server.management("PUT", "guardian/factors/sms", {"enabled": True})
        code = """exports.onExecutePostLogin = async (event, api) => {
          const renewal = event.transaction.protocol === 'oauth2-refresh-token';
          if (renewal) api.authentication.challengeWith({ type: 'phone' });
        };"""
        triggers = [{"id": "post-login", "version": "v3"}]
        action = {"name": "step up", "code": code, "supported_triggers": triggers}
        action = self.server.management("POST", "actions/actions", action)
        self.server.management("POST", f"actions/actions/{action['id']}/deploy")
        bindings = "actions/triggers/post-login/bindings"
        bound = {"bindings": [{"ref": {"type": "action_id", "value": action["id"]}}]}
        self.server.management("PATCH", bindings, bound)
        self.addCleanup(self.server.management, "PATCH", bindings, {"bindings": []})
        await self.log_in()
        self.expire()
        with self.assertRaises(MfaRequiredError) as caught:
            await self.app.get_access_token()
        token, mfa = caught.exception.mfa_token, self.app.mfa
        (listed,) = await mfa.list_authenticators({"mfa_token": token})
        self.assertEqual((listed.id, listed.oob_channel, listed.name), (made["id"], "sms", "XXXXXXX1222"))
        with self.assertRaises(MfaEnrollmentError):
            await mfa.enroll_authenticator({"mfa_token": token, "factor_type": "otp"})
        sent = await mfa.challenge_authenticator({"mfa_token": token, "factor_type": "sms"})
        code = self.server.code("+61400111222")
        right = {"mfa_token": token, "oob_code": sent.oob_code, "binding_code": code}
        with self.assertRaises(MfaVerifyError):
            await mfa.verify({**right, "binding_code": "0"})
        verified = await mfa.verify(right)
        self.assertTrue(verified.access_token and verified.refresh_token)

    async def test_logout_ends_the_session(self):
        await self.log_in()
        self.visitor.open(await self.app.logout(LogoutOptions(return_to=HOME)))
        self.assertEqual(self.visitor.left, HOME)
        self.assertIsNone(await self.app.get_user())
        with self.assertRaises(ApiError) as caught:
            await self.silently()
        self.assertEqual(caught.exception.code, "login_required")

    async def test_a_logout_elsewhere_is_told_by_the_back_channel(self):
        with LogoutListener() as listener:
            settings = {"backchannel_logout_urls": [listener.url], "backchannel_logout_initiators": {"mode": "all"}}
            client = f"clients/{self.client['client_id']}"
            self.server.management("PATCH", client, {"oidc_logout": settings})
            self.addCleanup(self.server.management, "PATCH", client, {"oidc_logout": {"backchannel_logout_urls": []}})
            await self.log_in()
            self.visitor.open(f"{self.server.issuer}v2/logout")
            token = listener.tokens.get(timeout=60)
        self.assertIsNotNone(await self.app.get_user())
        head, claims, signature = token.split(".")
        with self.assertRaises(BackchannelLogoutError):
            await self.app.handle_backchannel_logout(f"{head}.{claims}.{signature[::-1]}")
        await self.app.handle_backchannel_logout(token)
        self.assertIsNone(await self.app.get_user())

    async def test_requests_are_pushed_and_signed(self):
        private, public = key_pair()
        credential = {"credential_type": "public_key", "pem": public}
        signer = self.server.register(
            {
                "name": "Python signer",
                "app_type": "regular_web",
                "callbacks": [CALLBACK],
                "grant_types": ["authorization_code", "refresh_token"],
                "require_pushed_authorization_requests": True,
                "client_authentication_methods": {"private_key_jwt": {"credentials": [credential]}},
            },
            [DATABASE],
        )
        app = self.application(
            client_id=signer["client_id"],
            client_secret=None,
            client_assertion_signing_key=private,
            pushed_authorization_requests=True,
        )
        await self.log_in(app)
        self.assertEqual((await app.get_user())["sub"], self.hedy["user_id"])
        self.expire()
        self.assertTrue(await app.get_access_token())

    async def test_codes_and_a_link(self):
        phone, email = "+61400000002", "katherine@example.com"
        client = self.app.passwordless
        await client.start(StartPasswordlessSmsOptions(phone_number=phone))
        code = self.server.code(phone)
        wrong = VerifyPasswordlessOtpOptions(
            connection="sms", phone_number=phone, verification_code="000001" if code == "000000" else "000000"
        )
        with self.assertRaises(PasswordlessVerifyError) as caught:
            await client.verify(wrong)
        self.assertEqual(caught.exception.code, "invalid_grant")
        await client.verify(wrong.model_copy(update={"verification_code": code}))
        self.assertEqual((await self.app.get_user())["name"], phone)

        await client.start(StartPasswordlessEmailOptions(email=email))
        mail = self.server.message(email)
        right = VerifyPasswordlessOtpOptions(connection="email", email=email, verification_code=self.server.code(email))
        await client.verify(right)
        sub = (await self.app.get_user())["sub"]
        self.assertTrue(sub.startswith("email|"), sub)

        await self.app.logout()
        await client.start(StartPasswordlessEmailOptions(email=email, send="link"), store_options={})
        self.visitor.open(self.server.link(self.server.message(email, after=mail["id"]), "passwordless/verify_redirect"))
        await self.app.complete_interactive_login(self.visitor.left, store_options={})
        self.assertEqual((await self.app.get_user())["sub"], sub)

    def kept(self):
        """The session as the application stored it."""
        (state,) = self.states.kept.values()
        return state if isinstance(state, dict) else state.model_dump()

    def expire(self):
        """Makes the stored access token look expired."""
        (name,) = self.states.kept
        state = self.kept()
        for token_set in state["token_sets"]:
            token_set["expires_at"] = 0
        self.states.kept[name] = state
