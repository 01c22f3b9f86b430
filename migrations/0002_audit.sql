-- Events as the exact bytes that a chain will hash later; columns beside the body are for search only.
CREATE TABLE audit_events (
  id TEXT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  user_id TEXT,
  client_id TEXT,
  application_id TEXT,
  request_id TEXT,
  salt BYTEA NOT NULL,
  body BYTEA NOT NULL
);
CREATE INDEX audit_events_user ON audit_events (user_id, id);
