"""auth0-python, its management part: every answer is read into the SDK's models, which refuse a wrong shape."""

from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

from gatewright import DATABASE, key_pair, on_every_engine, server

PASSWORD = "Correct-horse-7"
API = "https://python.example/"


@on_every_engine
class Management:
    engine: str

    @classmethod
    def setUpClass(cls):
        cls.server = server(cls.engine)
        cls.api = ManagementClient(domain=cls.server.domain, timeout=60, **cls.server.admin)

    def assertRefused(self, expected, call, *args, **kwargs):
        with self.assertRaises(ApiError) as caught:
            call(*args, **kwargs)
        body = caught.exception.body
        body = body if isinstance(body, dict) else body.dict()
        self.assertEqual((caught.exception.status_code, body.get("errorCode"))[: len(expected)], expected)

    def test_clients_and_their_keys(self):
        clients = self.api.clients
        made = clients.create(name="Python shop", app_type="regular_web", callbacks=["https://shop.example/"])
        self.assertEqual(clients.get(made.client_id).callbacks, ["https://shop.example/"])
        self.assertEqual(clients.update(made.client_id, description="Sells").description, "Sells")
        self.assertNotEqual(clients.rotate_secret(made.client_id).client_secret, made.client_secret)
        self.assertIn(made.client_id, [one.client_id for one in clients.list(per_page=1)])
        key = clients.credentials.create(made.client_id, credential_type="public_key", name="one", pem=key_pair()[1])
        self.assertEqual([one.id for one in clients.credentials.list(made.client_id)], [key.id])
        self.assertEqual(clients.credentials.get(made.client_id, key.id).kid, key.kid)
        clients.credentials.delete(made.client_id, key.id)
        clients.delete(made.client_id)
        self.assertRefused((404, "inexistent_client"), clients.get, made.client_id)
        self.assertRefused((400, "invalid_body"), clients.create, name="Odd", app_type="toaster")

    def test_connections(self):
        connections = self.api.connections
        client_id = self.api.clients.create(name="Of the connection").client_id
        made = connections.create(name="python-staff", strategy="auth0", options={"passwordPolicy": "good"})
        self.assertEqual(connections.get(made.id).options["passwordPolicy"], "good")
        changed = connections.update(made.id, display_name="Staff", options={"passwordPolicy": "fair"})
        self.assertEqual(changed.display_name, "Staff")
        self.assertIn(made.id, [one.id for one in connections.list(take=1)])
        self.assertEqual([one.name for one in connections.list(strategy=["auth0"], name="python-staff")], ["python-staff"])
        connections.clients.update(made.id, request=[{"client_id": client_id, "status": True}])
        self.assertEqual([one.client_id for one in connections.clients.get(made.id)], [client_id])
        connections.delete(made.id)
        self.assertRefused((404, "inexistent_connection"), connections.get, made.id)

    def test_apis_roles_and_users(self):
        api, person = self.api, {"connection": DATABASE, "password": PASSWORD}
        made = api.resource_servers.create(
            identifier=API, name="Python", scopes=[{"value": "read:it", "description": "Read it"}]
        )
        self.assertEqual(api.resource_servers.update(made.id, token_lifetime=600).token_lifetime, 600)
        self.assertEqual(api.resource_servers.get(API).id, made.id)
        self.assertIn(API, [one.identifier for one in api.resource_servers.list(per_page=1)])
        machine = api.clients.create(name="Machine", app_type="non_interactive")
        grant = api.client_grants.create(client_id=machine.client_id, audience=API, scope=["read:it"])
        self.assertEqual(api.client_grants.update(grant.id, scope=[]).scope, [])
        self.assertEqual([one.id for one in api.client_grants.list(client_id=machine.client_id)], [grant.id])
        api.client_grants.delete(grant.id)

        permission = {"resource_server_identifier": API, "permission_name": "read:it"}
        role = api.roles.create(name="Python reader", description="Reads it")
        self.assertEqual(api.roles.update(role.id, description="Reads").description, "Reads")
        api.roles.permissions.add(role.id, permissions=[permission])
        self.assertEqual([one.permission_name for one in api.roles.permissions.list(role.id)], ["read:it"])
        self.assertIn(role.id, [one.id for one in api.roles.list(name_filter="python")])

        users = api.users
        joan = users.create(email="joan@python.example", user_metadata={"size": "L"}, **person)
        self.assertEqual(joan.identities[0].connection, DATABASE)
        self.assertRefused((409,), users.create, email="joan@python.example", **person)
        users.roles.assign(joan.user_id, roles=[role.id])
        self.assertEqual([one.name for one in users.roles.list(joan.user_id)], ["Python reader"])
        self.assertEqual([one.user_id for one in api.roles.users.list(role.id)], [joan.user_id])
        (held,) = users.permissions.list(joan.user_id)
        self.assertEqual((held.permission_name, held.resource_server_name), ("read:it", "Python"))
        changed = users.update(joan.user_id, nickname="jo", user_metadata={"size": None, "colour": "red"})
        self.assertEqual((changed.nickname, changed.user_metadata), ("jo", {"colour": "red"}))
        self.assertEqual(users.get(joan.user_id, fields="nickname").nickname, "jo")
        found = users.list(q='user_metadata.colour:"red"', search_engine="v3", per_page=1)
        self.assertEqual([one.user_id for one in found], [joan.user_id])
        self.assertEqual([one.user_id for one in users.list_users_by_email(email=joan.email)], [joan.user_id])
        self.assertEqual(list(users.sessions.list(joan.user_id)), [])
        self.assertEqual(list(users.refresh_token.list(joan.user_id)), [])
        self.assertEqual(list(api.user_grants.list(user_id=joan.user_id)), [])
        self.assertEqual(list(api.device_credentials.list(user_id=joan.user_id)), [])
        self.assertEqual([one.type for one in users.logs.list(joan.user_id)], [])
        newest = next(iter(api.logs.list(per_page=1, sort="date:-1", search="type:sapi")))
        self.assertEqual(api.logs.get(newest.log_id).log_id, newest.log_id)
        users.delete(joan.user_id)
        self.assertRefused((404, "inexistent_user"), users.get, joan.user_id)
        api.roles.delete(role.id)
        api.resource_servers.delete(made.id)

    def test_messages_and_settings(self):
        api = self.api
        self.assertRefused((404, "inexistent_email_provider"), api.emails.provider.get)
        credentials = {"smtp_host": "mail.example", "smtp_port": 587, "smtp_user": "us", "smtp_pass": "secret"}
        self.assertEqual(api.emails.provider.create(name="smtp", credentials=credentials).name, "smtp")
        self.assertEqual(api.emails.provider.update(enabled=False).enabled, False)
        self.assertEqual(api.emails.provider.get().credentials.smtp_port, 587)
        api.emails.provider.delete()
        written = {"subject": "Hi", "from_": "us@example.com", "body": "Hello", "syntax": "liquid", "enabled": False}
        self.assertEqual(api.email_templates.create(template="welcome_email", **written).subject, "Hi")
        self.assertEqual(api.email_templates.update("welcome_email", subject="Ho").subject, "Ho")
        self.assertEqual(api.email_templates.get("welcome_email").from_, "us@example.com")

        self.assertEqual(api.tenants.settings.update(support_url="https://help.example/").support_url, "https://help.example/")
        self.assertTrue(api.tenants.settings.get().flags.enable_client_connections)
        self.assertEqual(api.branding.update(colors={"primary": "#0059d6"}).colors.primary, "#0059d6")
        self.assertEqual(api.branding.get().colors.primary, "#0059d6")
        self.assertIs(api.prompts.update_settings(identifier_first=False).identifier_first, False)
        self.assertEqual(api.prompts.get_settings().universal_login_experience, "new")
        api.prompts.custom_text.set("login", "en", request={"login": {"title": "Python"}})
        self.assertEqual(api.prompts.custom_text.get("login", "en"), {"login": {"title": "Python"}})
        self.assertEqual(list(api.prompts.rendering.list()), [])
