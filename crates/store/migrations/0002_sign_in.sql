-- Who signs in, and what the OpenID Connect provider hands out. Secrets that are only compared are
-- stored as SHA-256; passwords as argon2id (PHC strings); signing keys sealed.
CREATE TABLE accounts (
    id BYTES PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    -- Null: signs in with sessions only, until a password is set.
    password TEXT,
    canary BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Attempts by SHA-256 of the address, whether or not there is an account: neither the rows nor the
-- time it takes to write them tells.
CREATE TABLE sign_in_attempts (
    email_hash BYTES PRIMARY KEY,
    attempts BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sign_in_attempts_by_end ON sign_in_attempts (ends_at);

CREATE TABLE sign_in_sessions (
    token_hash BYTES PRIMARY KEY,
    account BYTES NOT NULL REFERENCES accounts (id),
    signed_in_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_sessions_by_end ON sign_in_sessions (expires_at);

-- challenge: of PKCE, or empty. signing_kid: the key chosen when the sign-in began, or empty.
CREATE TABLE authorization_codes (
    code_hash BYTES PRIMARY KEY,
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    account BYTES NOT NULL REFERENCES accounts (id),
    scope TEXT NOT NULL,
    nonce TEXT,
    challenge TEXT NOT NULL,
    signing_kid TEXT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX authorization_codes_by_end ON authorization_codes (expires_at);

CREATE TABLE access_tokens (
    token_hash BYTES PRIMARY KEY,
    code_hash BYTES NOT NULL,
    account BYTES NOT NULL REFERENCES accounts (id),
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_code ON access_tokens (code_hash);
CREATE INDEX access_tokens_by_end ON access_tokens (expires_at);

CREATE TABLE client_secrets (
    client_id TEXT PRIMARY KEY,
    secret_hash BYTES NOT NULL,
    issued_at BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    private_key BYTES NOT NULL,
    created_at BIGINT NOT NULL
);
