-- What one deployment fixes at its first start, and what several nodes agree on.
CREATE TABLE deployment (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- One row a copied noun, raised in the transaction of each change.
CREATE TABLE generations (
  noun TEXT NOT NULL PRIMARY KEY,
  generation BIGINT NOT NULL
);
INSERT INTO generations (noun, generation) VALUES ('clients', 1), ('keys', 1), ('applications', 1), ('organization', 1);

-- Random keys wrapped by the root key, which is never stored here.
CREATE TABLE purpose_keys (
  id TEXT NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL UNIQUE,
  wrapped BYTEA NOT NULL,
  root_key_id TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
  id TEXT NOT NULL PRIMARY KEY,
  algorithm TEXT NOT NULL,
  provider TEXT NOT NULL,
  state TEXT NOT NULL,
  public_jwk TEXT NOT NULL,
  wrapped_private BYTEA NOT NULL,
  created_at BIGINT NOT NULL,
  activated_at BIGINT,
  retired_at BIGINT
);

-- Live nodes, so that two of them with memory of their own refuse each other.
CREATE TABLE nodes (
  id TEXT NOT NULL PRIMARY KEY,
  ephemeral TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);

CREATE TABLE job_leases (
  job TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  lease_until BIGINT NOT NULL
);
