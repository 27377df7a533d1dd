-- Permissions given to a user directly: scopes of an API that the user holds.
CREATE TABLE user_permissions (
  tenant_id          {text_c} NOT NULL,
  user_id            {text_c} NOT NULL,
  resource_server_id {text_c} NOT NULL,
  permission_name    {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, user_id, resource_server_id, permission_name)
);
