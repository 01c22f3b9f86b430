-- Back-channel logout outbox: claimed on due_at with a lease, signed at each attempt, given up after 24 h.
CREATE TABLE logout_messages (
  id TEXT NOT NULL PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients (id),
  session_id TEXT NOT NULL,
  sub TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  lease_holder TEXT,
  last_error TEXT,
  created_at BIGINT NOT NULL,
  give_up_at BIGINT NOT NULL,
  ended_at BIGINT,
  UNIQUE (session_id, client_id)
);
CREATE INDEX logout_messages_due ON logout_messages (due_at) WHERE state = 'pending';
CREATE INDEX logout_messages_ended ON logout_messages (ended_at) WHERE ended_at IS NOT NULL;
