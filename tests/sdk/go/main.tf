# The common resources of the Auth0 provider, as a tenant's administrator would write them.

terraform {
  required_providers {
    auth0 = { source = "auth0/auth0" }
  }
}

resource "auth0_client" "web" {
  name                = "Shop"
  app_type            = "regular_web"
  callbacks           = ["https://shop.example/callback"]
  allowed_logout_urls = ["https://shop.example"]
  oidc_conformant     = true
  grant_types         = ["authorization_code", "refresh_token"]
  client_metadata     = { team = "checkout" }
  jwt_configuration { alg = "RS256" }
  refresh_token {
    rotation_type   = "rotating"
    expiration_type = "expiring"
    token_lifetime  = 86400
  }
}

resource "auth0_client_credentials" "web" {
  client_id             = auth0_client.web.id
  authentication_method = "client_secret_post"
}

resource "auth0_client" "machine" {
  name        = "Warehouse"
  app_type    = "non_interactive"
  grant_types = ["client_credentials"]
  jwt_configuration { alg = "RS256" }
}

resource "auth0_resource_server" "orders" {
  name                 = "Orders"
  identifier           = "https://orders.example/"
  signing_alg          = "RS256"
  token_lifetime       = 3600
  enforce_policies     = true
  token_dialect        = "access_token_authz"
  allow_offline_access = true
}

resource "auth0_resource_server_scopes" "orders" {
  resource_server_identifier = auth0_resource_server.orders.identifier
  scopes {
    name        = "read:orders"
    description = "See orders"
  }
  scopes {
    name        = "write:orders"
    description = "Change orders"
  }
}

resource "auth0_client_grant" "machine" {
  client_id = auth0_client.machine.id
  audience  = auth0_resource_server.orders.identifier
  scopes    = ["read:orders"]

  depends_on = [auth0_resource_server_scopes.orders]
}

resource "auth0_connection" "staff" {
  name     = "staff"
  strategy = "auth0"
  options {
    password_policy        = "good"
    brute_force_protection = true
    password_history {
      enable = true
      size   = 3
    }
  }
}

resource "auth0_connection_clients" "staff" {
  connection_id   = auth0_connection.staff.id
  enabled_clients = [auth0_client.web.id]
}

resource "auth0_role" "clerk" {
  name        = "Clerk"
  description = "Sees orders"
}

resource "auth0_role_permissions" "clerk" {
  role_id = auth0_role.clerk.id
  permissions {
    name                       = "read:orders"
    resource_server_identifier = auth0_resource_server.orders.identifier
  }

  depends_on = [auth0_resource_server_scopes.orders]
}

resource "auth0_user" "ada" {
  connection_name = auth0_connection.staff.name
  email           = "ada@shop.example"
  password        = "Correct-horse-7"
  name            = "Ada"
  user_metadata   = jsonencode({ shift = "early" })
  app_metadata    = jsonencode({ desk = 7 })
}

resource "auth0_user_roles" "ada" {
  user_id = auth0_user.ada.id
  roles   = [auth0_role.clerk.id]
}

resource "auth0_action" "claims" {
  name    = "Add claims"
  runtime = "node22"
  deploy  = true
  code    = <<-EOT
    exports.onExecutePostLogin = async (event, api) => {
      api.idToken.setCustomClaim('https://shop.example/desk', event.user.app_metadata.desk);
    };
  EOT
  supported_triggers {
    id      = "post-login"
    version = "v3"
  }
  secrets {
    name  = "KEY"
    value = "not told"
  }
}

resource "auth0_trigger_actions" "login" {
  trigger = "post-login"
  actions {
    id           = auth0_action.claims.id
    display_name = auth0_action.claims.name
  }
}

resource "auth0_tenant" "settings" {
  friendly_name         = "The shop"
  support_email         = "help@shop.example"
  session_lifetime      = 24
  idle_session_lifetime = 12
}

resource "auth0_branding" "look" {
  logo_url = "https://shop.example/logo.png"
  colors {
    primary         = "#0059d6"
    page_background = "#ffffff"
  }
}

resource "auth0_prompt" "pages" {
  universal_login_experience = "new"
  identifier_first           = true
}

resource "auth0_prompt_custom_text" "login" {
  prompt   = "login"
  language = "en"
  body     = jsonencode({ login = { title = "Come in" } })
}

resource "auth0_attack_protection" "limits" {
  brute_force_protection {
    enabled      = true
    max_attempts = 8
    mode         = "count_per_identifier_and_ip"
    shields      = ["block"]
    allowlist    = []
  }
  suspicious_ip_throttling {
    enabled   = true
    shields   = ["block"]
    allowlist = ["192.0.2.1"]
  }
}

resource "auth0_email_provider" "mail" {
  name                 = "smtp"
  enabled              = true
  default_from_address = "shop@shop.example"
  credentials {
    smtp_host = "mail.shop.example"
    smtp_port = 587
    smtp_user = "shop"
    smtp_pass = "not told"
  }
}

resource "auth0_email_template" "welcome" {
  template                = "welcome_email"
  body                    = "<p>Welcome, {{ user.name }}</p>"
  from                    = "shop@shop.example"
  subject                 = "Welcome"
  syntax                  = "liquid"
  enabled                 = true
  url_lifetime_in_seconds = 3600

  depends_on = [auth0_email_provider.mail]
}

resource "auth0_log_stream" "collector" {
  name   = "collector"
  type   = "http"
  status = "active"
  sink {
    http_endpoint       = "https://logs.shop.example/in"
    http_content_type   = "application/json"
    http_content_format = "JSONLINES"
    http_authorization  = "not told"
  }
}

resource "auth0_organization" "branch" {
  name         = "north"
  display_name = "The northern branch"
}

resource "auth0_organization_connection" "branch" {
  organization_id = auth0_organization.branch.id
  connection_id   = auth0_connection.staff.id
}

resource "auth0_custom_domain" "login" {
  domain = "login.shop.example"
  type   = "self_managed_certs"
}

resource "auth0_guardian" "factors" {
  policy = "never"
  otp    = true
  email  = false
}
