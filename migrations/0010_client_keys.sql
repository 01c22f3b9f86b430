-- Clients that prove themselves by a key of their own (private_key_jwt): a JSON Web Key Set of public keys, or the
-- address where the client publishes one.
ALTER TABLE clients ADD COLUMN jwks TEXT;
ALTER TABLE clients ADD COLUMN jwks_uri TEXT;
