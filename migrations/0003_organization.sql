-- Units give access, so a row is never updated in place: a change supersedes it and records a new one.
CREATE TABLE units (
  row_id TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  parent_id TEXT,
  opd_id TEXT NOT NULL,
  code TEXT NOT NULL,
  short_name TEXT,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  sort_key TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_until TEXT,
  recorded_at BIGINT NOT NULL,
  recorded_event TEXT NOT NULL,
  superseded_at BIGINT,
  superseded_event TEXT
);
CREATE UNIQUE INDEX units_current ON units (id) WHERE superseded_at IS NULL;

CREATE TABLE positions (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  class TEXT NOT NULL,
  eselon TEXT NOT NULL,
  UNIQUE (name, class, eselon)
);
