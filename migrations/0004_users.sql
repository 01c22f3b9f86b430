-- One account a person (S0 Pasal 31A(1)). NIK only as keyed hash and ciphertext,
-- phone and private mail only as ciphertext.
CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  sub TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  full_name TEXT NOT NULL,
  title_before TEXT,
  title_after TEXT,
  gender TEXT,
  birth_date TEXT,
  siasn_person_id TEXT UNIQUE,
  nik_index BYTEA UNIQUE,
  nik_sealed BYTEA,
  phone_sealed BYTEA,
  official_email TEXT,
  private_email_sealed BYTEA,
  golongan TEXT,
  legal_status TEXT,
  working_agency TEXT,
  sponsor_opd_id TEXT,
  valid_from TEXT,
  valid_until TEXT,
  language TEXT,
  epoch BIGINT NOT NULL,
  last_sign_in_at BIGINT,
  absent_since BIGINT,
  created_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
);

-- NIP and NI PPPK with history; a corrected number keeps the old row, superseded.
CREATE TABLE employee_numbers (
  row_id TEXT NOT NULL PRIMARY KEY,
  number TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id),
  recorded_at BIGINT NOT NULL,
  superseded_at BIGINT
);
CREATE UNIQUE INDEX employee_numbers_current ON employee_numbers (number) WHERE superseded_at IS NULL;
CREATE INDEX employee_numbers_user ON employee_numbers (user_id);

-- What a person may type at sign-in: current employee number, official e-mail, account name; normalised.
-- An ended name stays, so that it is never given to another person.
CREATE TABLE login_names (
  name_normalized TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id),
  ended_at BIGINT
);
CREATE INDEX login_names_user ON login_names (user_id);

CREATE TABLE passwords (
  user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
  hash TEXT NOT NULL,
  changed_at BIGINT NOT NULL
);

-- Failed sign-ins: key is the account, or the hash of a name nobody has. Survives a restart.
CREATE TABLE sign_in_throttles (
  key TEXT NOT NULL PRIMARY KEY,
  failures BIGINT NOT NULL,
  last_failure_at BIGINT NOT NULL,
  blocked_until BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_throttles_expiry ON sign_in_throttles (expires_at);

-- One-time links (first administrator); used by POST, once.
CREATE TABLE one_time_links (
  token_hash BYTEA NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  user_id TEXT NOT NULL REFERENCES users (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at BIGINT
);
