"""auth0-python, its authentication part: every grant, sign-up, codes, revocation, userinfo, ID token checks."""

import base64
import hashlib
import json
import secrets
import urllib.parse

from auth0.authentication import Database, GetToken, Passwordless, RevokeToken, Users
from auth0.authentication.exceptions import Auth0Error, TokenValidationError
from auth0.authentication.pushed_authorization_requests import PushedAuthorizationRequests
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

from gatewright import DATABASE, PASSWORD_REALM, PASSWORDLESS, key_pair, on_every_engine, server
from visitor import Visitor

CALLBACK = "http://localhost:3000/callback"
SCOPE = "openid profile email offline_access"
PASSWORD = "Correct-horse-7"
ADA = "ada@example.com"
WRONG_PASSWORD = (403, "invalid_grant", "Wrong email or password.")
WRONG_REFRESH_TOKEN = (403, "invalid_grant", "Unknown or invalid refresh token.")


@on_every_engine
class Authentication:
    engine: str

    @classmethod
    def setUpClass(cls):
        cls.server = server(cls.engine)
        cls.client = cls.server.register(
            {
                "name": "Python app",
                "app_type": "regular_web",
                "callbacks": [CALLBACK],
                "grant_types": [
                    "authorization_code", "refresh_token", "client_credentials", "password", PASSWORD_REALM, PASSWORDLESS,
                ],
            },
            [DATABASE, "sms", "email"],
        )
        cls.token = cls.sdk(GetToken)
        cls.database = cls.sdk(Database)
        cls.database.signup(ADA, PASSWORD, DATABASE, name="Ada")

    @classmethod
    def sdk(cls, part, secret=None):
        return part(cls.server.domain, cls.client["client_id"], secret or cls.client["client_secret"], timeout=60)

    def assertRefused(self, expected, call, *args, **kwargs):
        with self.assertRaises(Auth0Error) as caught:
            call(*args, **kwargs)
        error = caught.exception
        self.assertEqual((error.status_code, error.error_code, error.message)[: len(expected)], expected)

    def login(self, username=ADA, password=PASSWORD, realm=DATABASE, **more):
        return self.token.login(username=username, password=password, realm=realm, scope=SCOPE, **more)

    def verify(self, id_token, audience=None, **expected):
        jwks = AsymmetricSignatureVerifier(f"{self.server.issuer}.well-known/jwks.json")
        verifier = TokenVerifier(jwks, issuer=self.server.issuer, audience=audience or self.client["client_id"])
        return verifier.verify(id_token, **expected)

    def authorize(self, **more):
        """Ada logs in on the hosted page; the code that comes back."""
        asked = {"response_type": "code", "redirect_uri": CALLBACK, "scope": SCOPE, "state": "the-state"}
        return self.log_in({"client_id": self.client["client_id"], **asked, **more})

    def log_in(self, query):
        visitor = Visitor()
        visitor.open(f"{self.server.issuer}authorize?{urllib.parse.urlencode(query)}")
        visitor.submit(username=ADA, password=PASSWORD)
        self.assertEqual(visitor.returned()["state"], "the-state")
        return visitor.returned()["code"]

    def test_client_credentials(self):
        audience = self.server.audience
        self.assertRefused((403, "access_denied"), self.token.client_credentials, audience)
        grant = {"client_id": self.client["client_id"], "audience": audience, "scope": ["read:orders"]}
        self.server.management("POST", "client-grants", grant)
        granted = self.token.client_credentials(audience)
        self.assertEqual((granted["token_type"], granted["scope"], granted["expires_in"]), ("Bearer", "read:orders", 86400))
        stranger = self.sdk(GetToken, secret="wrong")
        self.assertRefused((401, "access_denied", "Unauthorized"), stranger.client_credentials, audience)

    def test_sign_up_and_changed_password(self):
        email, fresh = "grace@example.com", "Other-horse-8"
        made = self.database.signup(email, PASSWORD, DATABASE, given_name="Grace", user_metadata={"plan": "free"})
        self.assertEqual((made["email"], made["given_name"], made["email_verified"]), (email, "Grace", False))
        self.assertRefused((400, "invalid_signup"), self.database.signup, email, PASSWORD, DATABASE)
        self.assertRefused((400, "invalid_password"), self.database.signup, "joan@example.com", "short", DATABASE)

        welcome = self.server.message(email)
        told = self.database.change_password(email, DATABASE)
        self.assertEqual(told, "We've just sent you an email to reset your password.")
        visitor = Visitor()
        visitor.open(self.server.link(self.server.message(email, after=welcome["id"]), "u/reset-verify"))
        visitor.submit(password=fresh, re_enter_password=fresh)
        self.assertRefused(WRONG_PASSWORD, self.login, username=email)
        self.assertEqual(self.verify(self.login(username=email, password=fresh)["id_token"])["email"], email)

    def test_password_grants_and_userinfo(self):
        for more in [{}, {"realm": None, "grant_type": "password"}]:
            granted = self.login(**more)
            user = Users(self.server.domain, timeout=60).userinfo(granted["access_token"])
            claims = self.verify(granted["id_token"])
            self.assertEqual((user["sub"], user["email"], user["name"]), (claims["sub"], ADA, "Ada"))
        self.assertRefused(WRONG_PASSWORD, self.login, password="Wrong-horse-7")
        self.assertRefused(WRONG_PASSWORD, self.login, username="nobody@example.com")
        self.assertRefused((401,), Users(self.server.domain, timeout=60).userinfo, "nothing")

    def test_authorization_code(self):
        code = self.authorize(nonce="the-nonce", max_age=60)
        granted = self.token.authorization_code(code, CALLBACK)
        claims = self.verify(granted["id_token"], nonce="the-nonce", max_age=60)
        self.assertEqual(claims["email"], ADA)
        used = (403, "invalid_grant", "Invalid authorization code")
        self.assertRefused(used, self.token.authorization_code, code, CALLBACK)
        self.assertRefused(WRONG_REFRESH_TOKEN, self.token.refresh_token, granted["refresh_token"])

    def test_authorization_code_with_pkce(self):
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
        # The SDK sends no secret with a verifier: this is for public clients.
        native = {"name": "Native", "app_type": "native", "token_endpoint_auth_method": "none", "callbacks": [CALLBACK]}
        client_id = self.server.register(native, [DATABASE])["client_id"]
        exchange = GetToken(self.server.domain, client_id, timeout=60).authorization_code_pkce
        granted = exchange(verifier, self.authorize(client_id=client_id, **asked), CALLBACK)
        self.assertEqual(self.verify(granted["id_token"], audience=client_id)["email"], ADA)
        wrong = (403, "invalid_grant", "Failed to verify code verifier")
        self.assertRefused(wrong, exchange, verifier + "x", self.authorize(client_id=client_id, **asked), CALLBACK)

    def test_the_id_token_is_checked(self):
        id_token = self.login()["id_token"]
        self.verify(id_token)
        head, claims, signature = id_token.split(".")
        other = json.loads(base64.urlsafe_b64decode(claims + "=="))
        other["email"] = "eve@example.com"
        forged = base64.urlsafe_b64encode(json.dumps(other).encode()).rstrip(b"=").decode()
        for token, expected in [
            (id_token, {"audience": "another"}),
            (id_token, {"nonce": "another"}),
            (f"{head}.{forged}.{signature}", {}),
        ]:
            with self.assertRaises(TokenValidationError):
                self.verify(token, **expected)

    def test_refresh_token_narrowed_and_revoked(self):
        granted = self.login()
        token = granted["refresh_token"]
        renewed = self.token.refresh_token(token)
        self.assertEqual(self.verify(renewed["id_token"])["sub"], self.verify(granted["id_token"])["sub"])
        self.assertEqual(self.token.refresh_token(token, scope="openid email")["scope"], "openid email")
        self.assertEqual(self.sdk(RevokeToken).revoke_refresh_token(token), "")
        self.assertRefused(WRONG_REFRESH_TOKEN, self.token.refresh_token, token)

    def test_a_client_with_a_key_pair_signs_what_it_sends(self):
        private, public = key_pair()
        signer = self.server.register(
            {
                "name": "Python signer",
                "app_type": "non_interactive",
                "grant_types": ["client_credentials"],
                "client_authentication_methods": {
                    "private_key_jwt": {"credentials": [{"credential_type": "public_key", "pem": public}]}
                },
            }
        )["client_id"]
        grant = {"client_id": signer, "audience": self.server.audience, "scope": ["read:orders"]}
        self.server.management("POST", "client-grants", grant)

        def ask(key):
            token = GetToken(self.server.domain, signer, client_assertion_signing_key=key, timeout=60)
            return token.client_credentials(self.server.audience)

        self.assertEqual(ask(private)["scope"], "read:orders")
        self.assertRefused((401, "invalid_client"), ask, key_pair()[0])

    def test_a_request_that_was_pushed_before(self):
        push = self.sdk(PushedAuthorizationRequests).pushed_authorization_request
        pushed = push("code", CALLBACK, scope=SCOPE, state="the-state", nonce="the-nonce")
        code = self.log_in({"client_id": self.client["client_id"], "request_uri": pushed["request_uri"]})
        granted = self.token.authorization_code(code, CALLBACK)
        self.assertEqual(self.verify(granted["id_token"], nonce="the-nonce")["email"], ADA)
        self.assertRefused((400, "invalid_request"), push, "code", "https://evil.example/")

    def test_codes_and_a_link(self):
        passwordless, phone, email = self.sdk(Passwordless), "+61400000001", "edith@example.com"
        passwordless.sms(phone)
        code = self.server.code(phone)

        def enter(username, otp, realm):
            return self.token.passwordless_login(username=username, otp=otp, realm=realm, scope=SCOPE, audience="")

        wrong = "000001" if code == "000000" else "000000"
        told = (403, "invalid_grant", "Wrong phone number or verification code.")
        self.assertRefused(told, enter, phone, wrong, "sms")
        self.assertEqual(self.verify(enter(phone, code, "sms")["id_token"])["name"], phone)

        passwordless.email(email, send="code")
        mail = self.server.message(email)
        sub = self.verify(enter(email, self.server.code(email), "email")["id_token"])["sub"]
        self.assertTrue(sub.startswith("email|"), sub)

        asked = {"response_type": "code", "redirect_uri": CALLBACK, "state": "of-the-link", "scope": "openid email"}
        passwordless.email(email, auth_params=asked)
        visitor = Visitor()
        visitor.open(self.server.link(self.server.message(email, after=mail["id"]), "passwordless/verify_redirect"))
        self.assertEqual(visitor.returned()["state"], "of-the-link")
        granted = self.token.authorization_code(visitor.returned()["code"], CALLBACK)
        self.assertEqual(self.verify(granted["id_token"])["sub"], sub)
