-- Who holds which position when, and which applications, roles, rules and grants follow from it.
-- Two times on every row: validity, and recorded/superseded with the event of each. Never updated in place.
CREATE TABLE assignments (
  row_id TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id),
  unit_id TEXT NOT NULL,
  position_id TEXT NOT NULL REFERENCES positions (id),
  kind TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_until TEXT,
  decree_number TEXT,
  decree_date TEXT,
  recorded_at BIGINT NOT NULL,
  recorded_event TEXT NOT NULL,
  superseded_at BIGINT,
  superseded_event TEXT
);
CREATE UNIQUE INDEX assignments_current ON assignments (id) WHERE superseded_at IS NULL;
CREATE INDEX assignments_user ON assignments (user_id) WHERE superseded_at IS NULL;
CREATE INDEX assignments_unit ON assignments (unit_id) WHERE superseded_at IS NULL;

CREATE TABLE applications (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  name_normalized TEXT NOT NULL UNIQUE,
  identifier TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  field TEXT,
  owner_opd_id TEXT,
  open_to_all BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);

CREATE TABLE app_roles (
  row_id TEXT NOT NULL PRIMARY KEY,
  application_id TEXT NOT NULL REFERENCES applications (id),
  code TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_until TEXT,
  recorded_at BIGINT NOT NULL,
  recorded_event TEXT NOT NULL,
  superseded_at BIGINT,
  superseded_event TEXT
);
CREATE UNIQUE INDEX app_roles_current ON app_roles (application_id, code) WHERE superseded_at IS NULL;

CREATE TABLE role_rules (
  row_id TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  number BIGINT NOT NULL,
  application_id TEXT NOT NULL REFERENCES applications (id),
  role TEXT NOT NULL,
  predicate TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_until TEXT,
  recorded_at BIGINT NOT NULL,
  recorded_event TEXT NOT NULL,
  superseded_at BIGINT,
  superseded_event TEXT
);
CREATE UNIQUE INDEX role_rules_current ON role_rules (id) WHERE superseded_at IS NULL;

CREATE TABLE role_grants (
  row_id TEXT NOT NULL PRIMARY KEY,
  id TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id),
  application_id TEXT NOT NULL REFERENCES applications (id),
  role TEXT NOT NULL,
  reason TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_until TEXT,
  recorded_at BIGINT NOT NULL,
  recorded_event TEXT NOT NULL,
  superseded_at BIGINT,
  superseded_event TEXT
);
CREATE UNIQUE INDEX role_grants_current ON role_grants (id) WHERE superseded_at IS NULL;
CREATE INDEX role_grants_user ON role_grants (user_id) WHERE superseded_at IS NULL;

-- The last entry of each person into each application.
CREATE TABLE application_entries (
  user_id TEXT NOT NULL REFERENCES users (id),
  application_id TEXT NOT NULL REFERENCES applications (id),
  last_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, application_id)
);
