-- Signed-in browsers, what they entered, and the tokens that rest on them. Keys are time-ordered.
CREATE TABLE sessions (
  id TEXT NOT NULL PRIMARY KEY,
  cookie_hash BYTEA NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id),
  user_epoch BIGINT NOT NULL,
  acr TEXT NOT NULL,
  amr TEXT NOT NULL,
  auth_time BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  ended_at BIGINT,
  end_reason TEXT
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_idle ON sessions (last_seen_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- First entry of a session into a client; sign-out reads it.
CREATE TABLE session_clients (
  session_id TEXT NOT NULL REFERENCES sessions (id),
  client_id TEXT NOT NULL REFERENCES clients (id),
  entered_at BIGINT NOT NULL,
  PRIMARY KEY (session_id, client_id)
);

-- A family revoked before it was born is a row with nothing but its id and its end, so nothing else is mandatory.
CREATE TABLE refresh_families (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT,
  client_id TEXT,
  session_id TEXT,
  offline BOOLEAN NOT NULL,
  scopes TEXT,
  user_epoch BIGINT,
  acr TEXT,
  amr TEXT,
  auth_time BIGINT,
  nonce TEXT,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  revoked_at BIGINT,
  revoke_reason TEXT
);
CREATE INDEX refresh_families_user ON refresh_families (user_id) WHERE revoked_at IS NULL;
CREATE INDEX refresh_families_session ON refresh_families (session_id) WHERE revoked_at IS NULL;
CREATE INDEX refresh_families_expiry ON refresh_families (expires_at);

CREATE TABLE refresh_tokens (
  id TEXT NOT NULL PRIMARY KEY,
  family_id TEXT NOT NULL REFERENCES refresh_families (id),
  token_hash BYTEA NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  consumed_at BIGINT,
  successor_id TEXT
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Lasting consents of people to clients that ask.
CREATE TABLE consents (
  user_id TEXT NOT NULL REFERENCES users (id),
  client_id TEXT NOT NULL REFERENCES clients (id),
  scopes TEXT NOT NULL,
  given_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, client_id)
);
