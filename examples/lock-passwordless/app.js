// Auth0's own widget, unchanged: only the domain says that this is Gatewright.
import { Auth0LockPasswordless } from "auth0-lock";

const settings = new URLSearchParams(location.search);
const domain = settings.get("domain") ?? "localhost:8443";
const clientId = settings.get("client_id");
const scope = settings.get("scope") ?? "openid profile email user_metadata read:users";
const show = (text) => (document.querySelector("#result").textContent = text);

if (!clientId) {
  show("Add ?client_id=… to the address: the client id that `gatewright dev` printed.");
} else {
  const lock = new Auth0LockPasswordless(clientId, domain, {
    allowedConnections: ["sms"],
    autoclose: true,
    auth: {
      redirect: false,
      responseType: "token id_token",
      params: { scope },
      audience: `https://${domain}/api/v2/`,
    },
  });
  lock.on("authenticated", ({ accessToken, idTokenPayload }) => {
    const claims = JSON.parse(atob(accessToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    const asked = `Asked for: ${scope}\nGranted:   ${claims.scope}\n`;
    show(`${asked}\nThe server's log says why.\n\n${JSON.stringify({ claims, idTokenPayload }, null, 2)}`);
  });
  lock.on("authorization_error", (error) => show(JSON.stringify(error, null, 2)));
  document.querySelector("#login").addEventListener("click", () => lock.show());
}
