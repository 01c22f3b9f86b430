-- The chain over audit events: one sealer numbers them after they were committed, so that a change, a removal
-- or an insertion afterwards is seen by recomputing. Events themselves are never updated.
CREATE TABLE audit_chain (
  number BIGINT NOT NULL PRIMARY KEY,
  event_id TEXT NOT NULL UNIQUE,
  digest BYTEA NOT NULL,
  previous BYTEA NOT NULL
);
