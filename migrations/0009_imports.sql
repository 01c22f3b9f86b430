-- Imports applied person by person in groups; a batch that was cut off is visible and can go on.
-- Items hold personal data: sealed, and deleted when their batch ends.
CREATE TABLE import_batches (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  file_name TEXT NOT NULL,
  file_digest TEXT NOT NULL,
  state TEXT NOT NULL,
  total BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  actor TEXT NOT NULL,
  report TEXT
);

CREATE TABLE import_items (
  batch_id TEXT NOT NULL REFERENCES import_batches (id),
  number BIGINT NOT NULL,
  sealed BYTEA NOT NULL,
  PRIMARY KEY (batch_id, number)
);

-- What an officer must decide; the person was imported.
CREATE TABLE import_queue (
  id TEXT NOT NULL PRIMARY KEY,
  batch_id TEXT NOT NULL REFERENCES import_batches (id),
  source_row BIGINT NOT NULL,
  user_id TEXT,
  code TEXT NOT NULL,
  detail TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  resolved_at BIGINT
);
