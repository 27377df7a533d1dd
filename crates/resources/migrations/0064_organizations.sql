-- Organizations: groups of users with connections and rights of their own.
CREATE TABLE organizations (
  tenant_id       {text_c} NOT NULL,
  organization_id {text_c} NOT NULL,
  name            {text_c} NOT NULL,
  doc             {json} NOT NULL,
  created_at      BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, organization_id)
);
CREATE UNIQUE INDEX organizations_name ON organizations (tenant_id, name);
CREATE TABLE organization_connections (
  tenant_id       {text_c} NOT NULL,
  organization_id {text_c} NOT NULL,
  connection_id   {text_c} NOT NULL,
  doc             {json} NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, connection_id)
);
CREATE TABLE organization_members (
  tenant_id       {text_c} NOT NULL,
  organization_id {text_c} NOT NULL,
  user_id         {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, user_id)
);
CREATE INDEX organization_members_user ON organization_members (tenant_id, user_id);
CREATE TABLE organization_member_roles (
  tenant_id       {text_c} NOT NULL,
  organization_id {text_c} NOT NULL,
  user_id         {text_c} NOT NULL,
  role_id         {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, user_id, role_id)
);
CREATE INDEX organization_member_roles_user ON organization_member_roles (tenant_id, user_id);
CREATE TABLE organization_client_grants (
  tenant_id       {text_c} NOT NULL,
  organization_id {text_c} NOT NULL,
  client_grant_id {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, organization_id, client_grant_id)
);
