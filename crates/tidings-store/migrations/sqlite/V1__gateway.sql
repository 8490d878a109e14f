-- What a gateway keeps. Times are milliseconds since 1970 by our clock, numbers of telephones are their
-- digits as an integer, names that repeat (accounts, lanes, processes, senders of routes) are keys of `names`; 0 is none.
-- Message keys, events, leases, batches, inbound texts and deliveries draw from one sequence: the key of
-- a message is the place of its `message.accepted` among the events, which therefore needs no row.

PRAGMA application_id = 0x54694467;

CREATE TABLE names (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Where a message stands: the narrow part, rewritten at every step.
CREATE TABLE messages (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    account INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    -- Which of the indexes below finds it: 0 none, 1 ready, 2 waits for `due`, 3 held for a lane until
    -- `due`, 4 held without a time or a lane, 5 in hand, 6 in doubt.
    place INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    stamp INTEGER NOT NULL,
    lease INTEGER,
    due INTEGER,
    expires_at INTEGER,
    batch INTEGER,
    closes_at INTEGER,
    n_attempts INTEGER NOT NULL,
    -- 1 may have been sent twice, 2 somebody wants it stopped, 4 `due` is when it is held until.
    flags INTEGER NOT NULL,
    version INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    -- The latest of its events; each knows the one before.
    last_event INTEGER NOT NULL,
    reason TEXT,
    detail TEXT
);
CREATE UNIQUE INDEX messages_id ON messages (id);
CREATE INDEX messages_ready ON messages (lane, priority DESC, stamp) WHERE place = 1;
CREATE INDEX messages_waiting ON messages (lane, due) WHERE place = 2;
CREATE INDEX messages_held ON messages (lane, due) WHERE place = 3;
CREATE INDEX messages_in_hand ON messages (lease) WHERE place = 5;
-- Not IN (...): SQLite would make a table of such a list for every row that is written.
CREATE INDEX messages_expiring ON messages (expires_at) WHERE expires_at IS NOT NULL AND place BETWEEN 1 AND 4;

-- What a message is: written once.
CREATE TABLE contents (
    key INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    first_state INTEGER NOT NULL,
    first_lane INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    sender TEXT,
    text TEXT NOT NULL,
    original_text TEXT,
    parts INTEGER NOT NULL,
    reference TEXT,
    tag TEXT,
    policy INTEGER,
    valid_for INTEGER,
    batch INTEGER,
    batch_index INTEGER,
    -- What was asked for in the row, where the same batch may come again.
    row_hash INTEGER,
    origin INTEGER NOT NULL,
    timing TEXT,
    terms TEXT,
    conversation TEXT,
    passes_opt_out INTEGER NOT NULL,
    resend_of BLOB,
    media_type TEXT,
    media_name TEXT,
    media BLOB
);
-- Keys in an order of their own (numbers, references, providers' ids) would touch a page of their index
-- for every row. So each stretch of 8,192 keys has its own part of some ten pages, and a search goes through
-- the parts, the latest first: some hundreds for a million messages, about a microsecond each.
CREATE INDEX contents_recipient ON contents (key >> 13, recipient);
CREATE INDEX contents_reference ON contents (key >> 13, reference) WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX contents_batch ON contents (batch, batch_index) WHERE batch IS NOT NULL;
CREATE INDEX contents_conversation ON contents (account, conversation) WHERE conversation IS NOT NULL;

-- The key is the message's, shifted by 16 bits, plus the number of the attempt.
CREATE TABLE attempts (
    key INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    -- The sender that routing gave; 0 where the message names its own, or there is none.
    sender INTEGER NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    -- 0 open, 1 taken, 2 not taken, 3 unknown.
    outcome INTEGER NOT NULL,
    ref_message TEXT,
    ref_batch TEXT,
    ref_session TEXT,
    -- '' is the attempt's own reference.
    ref_reference TEXT,
    ref_recipient INTEGER,
    hash_message INTEGER,
    hash_batch INTEGER,
    error TEXT,
    code TEXT,
    poll_at INTEGER,
    n_polls INTEGER NOT NULL DEFAULT 0,
    check_at INTEGER,
    n_checks INTEGER NOT NULL DEFAULT 0,
    unknown_since INTEGER
);
CREATE INDEX attempts_message ON attempts (key >> 29, lane, hash_message) WHERE hash_message IS NOT NULL;
CREATE INDEX attempts_batch ON attempts (key >> 29, lane, hash_batch) WHERE hash_batch IS NOT NULL;
CREATE INDEX attempts_polled ON attempts (lane, poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX attempts_doubted ON attempts (lane, check_at) WHERE check_at IS NOT NULL;

CREATE TABLE leases (
    key INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    node INTEGER NOT NULL,
    until INTEGER NOT NULL
);
CREATE INDEX leases_until ON leases (until);
CREATE INDEX leases_node ON leases (node);

-- Lanes with their depths, kept in the transactions that change them.
CREATE TABLE lanes (
    key INTEGER PRIMARY KEY,
    memory TEXT,
    n_ready INTEGER NOT NULL DEFAULT 0,
    n_waiting INTEGER NOT NULL DEFAULT 0,
    n_held INTEGER NOT NULL DEFAULT 0,
    n_in_hand INTEGER NOT NULL DEFAULT 0,
    n_in_doubt INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE batches (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL,
    reference TEXT,
    origin INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    closed_at INTEGER,
    -- 0 none, 1 pause, 2 stop.
    ordered INTEGER NOT NULL DEFAULT 0,
    -- The row from which on an order is still to be carried out; null is done.
    carried_to INTEGER,
    is_done INTEGER NOT NULL DEFAULT 0,
    n_rejected INTEGER NOT NULL DEFAULT 0,
    resend_of BLOB,
    -- The key of the request that made it.
    once_key TEXT,
    n_held INTEGER NOT NULL DEFAULT 0,
    n_queued INTEGER NOT NULL DEFAULT 0,
    n_leased INTEGER NOT NULL DEFAULT 0,
    n_sending INTEGER NOT NULL DEFAULT 0,
    n_unknown INTEGER NOT NULL DEFAULT 0,
    n_submitted INTEGER NOT NULL DEFAULT 0,
    n_sent INTEGER NOT NULL DEFAULT 0,
    n_failed INTEGER NOT NULL DEFAULT 0,
    n_expired INTEGER NOT NULL DEFAULT 0,
    n_canceled INTEGER NOT NULL DEFAULT 0,
    n_undelivered INTEGER NOT NULL DEFAULT 0,
    n_delivered INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX batches_account ON batches (account);
CREATE INDEX batches_reference ON batches (account, reference) WHERE reference IS NOT NULL;
-- A batch that waits goes in and out with its counts, one that is open once: neither is many rows.
CREATE INDEX batches_waiting ON batches (account) WHERE n_held + n_queued + n_leased > 0;
CREATE INDEX batches_open ON batches (created_at) WHERE closed_at IS NULL;
CREATE INDEX batches_ordered ON batches (key) WHERE carried_to IS NOT NULL;

-- Requests that are taken once.
CREATE TABLE once (
    account INTEGER NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    keep_until INTEGER NOT NULL,
    answer TEXT,
    -- The message or the batch.
    made BLOB NOT NULL,
    -- 0 a message, 1 a batch that is open, 2 a batch whose request has ended.
    kind INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX once_until ON once (keep_until);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    account INTEGER NOT NULL,
    message INTEGER,
    previous INTEGER,
    batch BLOB,
    lane INTEGER NOT NULL,
    attempt INTEGER,
    state INTEGER,
    version INTEGER,
    their_time INTEGER,
    code TEXT,
    reason TEXT,
    detail TEXT
);

-- In which stretches of 4,096 places an account has anything.
CREATE TABLE spans (
    account INTEGER NOT NULL,
    span INTEGER NOT NULL,
    PRIMARY KEY (account, span)
) WITHOUT ROWID;

-- Reports whose attempt is not known yet.
CREATE TABLE unmatched (
    key INTEGER PRIMARY KEY,
    lane INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    report TEXT NOT NULL,
    hash_message INTEGER,
    hash_batch INTEGER
);
CREATE INDEX unmatched_message ON unmatched (lane, hash_message) WHERE hash_message IS NOT NULL;
CREATE INDEX unmatched_batch ON unmatched (lane, hash_batch) WHERE hash_batch IS NOT NULL;
CREATE INDEX unmatched_age ON unmatched (received_at);

CREATE TABLE audit (
    key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    address TEXT,
    account INTEGER NOT NULL,
    what TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT
);
CREATE INDEX audit_account ON audit (account);

CREATE TABLE accounts (
    key INTEGER PRIMARY KEY,
    settings TEXT NOT NULL,
    quota INTEGER,
    is_active INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL
);

CREATE TABLE keys (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL,
    api TEXT NOT NULL,
    lookup TEXT NOT NULL,
    hash BLOB NOT NULL,
    label TEXT,
    scopes TEXT NOT NULL,
    networks TEXT NOT NULL,
    details TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    last_used_from TEXT,
    UNIQUE (api, lookup)
);
CREATE INDEX keys_account ON keys (account);

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    account INTEGER NOT NULL,
    api_key BLOB NOT NULL,
    identity TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER
) WITHOUT ROWID;
CREATE INDEX tokens_identity ON tokens (account, identity) WHERE identity IS NOT NULL;
CREATE INDEX tokens_until ON tokens (expires_at) WHERE expires_at IS NOT NULL;

-- What the gateway itself signs with.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    secret TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE contacts (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL,
    phone INTEGER NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    zone TEXT,
    fields TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (account, phone)
);
CREATE INDEX contacts_account ON contacts (account);

CREATE TABLE contact_groups (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (account, name)
);
CREATE INDEX contact_groups_account ON contact_groups (account);

CREATE TABLE members (
    contact_group INTEGER NOT NULL REFERENCES contact_groups (key) ON DELETE CASCADE,
    contact INTEGER NOT NULL REFERENCES contacts (key) ON DELETE CASCADE,
    PRIMARY KEY (contact_group, contact)
) WITHOUT ROWID;
CREATE INDEX members_contact ON members (contact);

CREATE TABLE opt_outs (
    key INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    phone INTEGER NOT NULL,
    -- '' is from all.
    sender TEXT NOT NULL,
    source TEXT NOT NULL,
    word TEXT,
    since INTEGER NOT NULL,
    UNIQUE (account, phone, sender)
);
CREATE INDEX opt_outs_account ON opt_outs (account);

CREATE TABLE inbound (
    -- The place of its `inbound.received` among the events.
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    provider_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    text TEXT NOT NULL,
    conversation TEXT NOT NULL,
    keyword TEXT,
    asks_for TEXT,
    their_time INTEGER,
    received_at INTEGER NOT NULL,
    file_type TEXT,
    file_bytes INTEGER,
    file_session TEXT,
    -- What is fetched after the text was kept: `file_type` as the file itself has it, its name, it.
    media_type TEXT,
    media_name TEXT,
    media BLOB,
    UNIQUE (lane, provider_id)
);
CREATE INDEX inbound_account ON inbound (account);
CREATE INDEX inbound_conversation ON inbound (account, conversation);

CREATE TABLE conversations (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    account INTEGER NOT NULL,
    participants TEXT NOT NULL,
    ours TEXT,
    owner TEXT,
    name TEXT,
    is_read INTEGER NOT NULL,
    details TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    UNIQUE (account, id)
);
CREATE INDEX conversations_latest ON conversations (account, changed_at);
CREATE INDEX conversations_owned ON conversations (account, owner, changed_at) WHERE owner IS NOT NULL;

CREATE TABLE webhooks (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    account INTEGER NOT NULL,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    format TEXT NOT NULL,
    details TEXT,
    secrets TEXT NOT NULL,
    label TEXT,
    is_enabled INTEGER NOT NULL,
    disabled_because TEXT,
    failing_since INTEGER,
    expires_at INTEGER,
    created_at INTEGER NOT NULL
);
CREATE INDEX webhooks_account ON webhooks (account);

CREATE TABLE deliveries (
    key INTEGER PRIMARY KEY,
    webhook INTEGER NOT NULL REFERENCES webhooks (key) ON DELETE CASCADE,
    event INTEGER NOT NULL,
    -- 0 due, 1 done, 2 dead.
    state INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    n_tries INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER,
    last_at INTEGER,
    last_status INTEGER,
    last_error TEXT,
    -- Who is trying it.
    node INTEGER
);
CREATE INDEX deliveries_held ON deliveries (node) WHERE node IS NOT NULL;
CREATE INDEX deliveries_webhook ON deliveries (webhook);
CREATE INDEX deliveries_due ON deliveries (webhook, next_at) WHERE next_at IS NOT NULL;
