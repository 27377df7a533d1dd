-- Roles: named sets of permissions. Who has a role holds all of its permissions.
CREATE TABLE roles (
  tenant_id  {text_c} NOT NULL,
  role_id    {text_c} NOT NULL,
  name       {text_c} NOT NULL,
  doc        {json} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, role_id)
);
CREATE UNIQUE INDEX roles_name ON roles (tenant_id, name);
CREATE TABLE role_permissions (
  tenant_id          {text_c} NOT NULL,
  role_id            {text_c} NOT NULL,
  resource_server_id {text_c} NOT NULL,
  permission_name    {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, role_id, resource_server_id, permission_name)
);
CREATE TABLE user_roles (
  tenant_id {text_c} NOT NULL,
  user_id   {text_c} NOT NULL,
  role_id   {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role_id)
);
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_id, user_id);
