-- OAuth clients: the properties fixed at registration. Lists are JSON arrays of text.
CREATE TABLE clients (
  id TEXT NOT NULL PRIMARY KEY,
  application_id TEXT NOT NULL REFERENCES applications (id),
  name TEXT NOT NULL,
  enabled BOOLEAN NOT NULL,
  auth_method TEXT NOT NULL,
  grant_types TEXT NOT NULL,
  redirect_uris TEXT NOT NULL,
  post_logout_redirect_uris TEXT NOT NULL,
  scopes TEXT NOT NULL,
  home_uri TEXT NOT NULL,
  backchannel_logout_uri TEXT,
  id_token_alg TEXT NOT NULL,
  pkce TEXT NOT NULL,
  refresh TEXT NOT NULL,
  asks_consent BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);

-- SHA-256 of secrets of 256 random bits; several may be live during a rotation.
CREATE TABLE client_secrets (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id),
  hash BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT
);
CREATE INDEX client_secrets_client ON client_secrets (client_id);
