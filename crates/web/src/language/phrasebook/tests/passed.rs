//! What the sources say and no page shows in these words, with the reason; and what they put together out
//! of pieces, or leave to a library to say.

/// Texts, and places that a page shows nothing of in their own words.
pub(super) const PASSED: [(&str, &[&str]); 12] = [
    (
        "only the command line records drills, and the page of one says its figures",
        &["domain/src/drill", "engine/src/drill.rs"],
    ),
    (
        "only the API imports the history of a Statuspage",
        &["domain/src/incident/statuspage"],
    ),
    (
        "only agents and those who count sign-ins are told so",
        &[
            "7 attempts of 7; a site has at most 7 in one message",
            "7 error codes; 7 are allowed",
            "7 failures of 7 attempts",
            "7 rows; 7 are allowed",
            "agent on 7 (7)",
            "an agent serves 1 to 7 sites",
            "an error code has 1 to 7 characters, none of them control",
            "at most 7 document versions are taken",
            "at most 7 refusals are taken",
            "a host's name has 1 to 100 characters",
            "is more than an hour away from this server's clock",
            "names 7 again, after rows[7]; a site has one row in a message",
            "there is no metadata file 7",
            "this enrolment token is unknown, used or expired; ask an engineer for a new one",
        ],
    ),
    (
        "only programs ask for it",
        &[
            "7 has no account",
            "an account was removed meanwhile",
            "as many readers are told of changes as can be: look again in a minute",
            "at most 7 plain passwords are hashed at once; send password_hash",
            "at most 7 secrets are issued at once",
            "at most 7 sessions are made at once",
            "there is no site 7 here",
            "there is no such site here; look it up under /sites",
        ],
    ),
    (
        "pages say it from its values, by texts of their own",
        &[
            "domain/src/calendar/holiday.rs",
            "domain/src/incident/timeline.rs",
            "To be written by a person:",
            "Falta que una persona escriba:",
            "engine/src/publish/history.rs",
            "all 7 sites",
            "7 sites of 7",
            "finished: 7 sites verified, 7 given up",
        ],
    ),
    (
        "customers read it in the language of the team",
        &[
            "It was refused; the audit says why.",
            "domain/src/incident/template/moment.rs",
            "business day",
            "business hour",
            "día hábil",
            "días hábiles",
            "hora hábil",
            "horas hábiles",
            "a más tardar el 7",
            "en un plazo de 7",
        ],
    ),
    (
        "how reports are recognised, by the words of customers",
        &["credit card", "log in", "not load", "sign in", "won't load"],
    ),
    (
        "pages say the acts of the audit by texts of their own; its details are those of the record",
        &[
            ", without US federal holidays",
            "7 7 on 7 sites",
            "gave a document to all sites",
            "gave a document to more sites",
            "halted the rollout of a document",
            "published a document",
            "published a document, bypassing the check of releases",
            "repeats version 7",
            "rolled a document back",
            "the wave before proved itself",
            "to all sites at once",
            "to canaries first",
            "7 of 7 held",
            "7 on 7 sites",
            "7 organizations, 7 sites",
            "7 to 7 in 77, 7 holidays of its own",
            "7; and 7 more",
            "activated a release",
            "activated a release on a site",
            "activated a release, bypassing the gate",
            "added, 7 sites changed: 7",
            "an address without a host",
            "commanded a campaign: 7",
            "did a follow-up",
            "dropped a follow-up",
            "first run",
            "held a comment",
            "hid a comment",
            "made a token",
            "nothing new",
            "posted an official comment",
            "posted an update",
            "published a report",
            "retired a release",
            "saved a template",
            "set an incident's audience",
            "showed a comment",
            "staged a release",
            "the schedule",
            "the watch",
            "withdrew a template",
        ],
    ),
    (
        "a failure of ours: a page says that it was logged",
        &[
            "could not 7",
            "could not 7: 7",
            "could not read the fonts of PDFs",
            "could not use the data folder 7: 7",
            "could not use the database 7: 7. 7",
            "could not use the sealing key 7: 7",
            "could not use the stored state: 7",
            "could not write a PDF: 7",
            "a sealed secret (7) does not open with this sealing key",
            "stored 7 does not read back: 7",
            "the answer does not belong to the claim that holds the site",
            "the stored state is not what this change expects (statement 7: 7 rows, 7 expected)",
            "there is no repository 7",
        ],
    ),
    (
        "only who starts the server reads it",
        &[
            "7 is not an address such as 10.1.2.3, nor a prefix such as 10.0.0.0/8 or fd00::/8",
            "7 is served by 7 already; stop it first, or give this server 7",
            "the connection to PostgreSQL that keeps other servers away was lost (7), so this server stops; start it again when PostgreSQL answers",
            "the database has 7 of the 7 steps of this program's schema; start `lamplighter serve` of this version on it first",
            "the mail server is written like smtp://user:password@host:587?tls=required: 7",
            "the sealing key 7 is missing; restore it from your backup, because nothing else opens the signing keys and webhook secrets in the database",
            "the sender is an address such as \"Status <status@vendor.example>\": 7",
        ],
    ),
    (
        "what libraries say first, and is left out",
        &[
            "Failed to deserialize form body:",
            "Failed to deserialize form:",
            "Failed to deserialize query string:",
            "Invalid URL:",
        ],
    ),
    (
        "describes a value in the description of the API",
        &["Longitude and latitude in degrees, as in GeoJSON."],
    ),
];

/// What the sources put together, and each sentence that it becomes.
pub(super) const COMPOSED: &[(&str, &[&str])] = &[
    (
        "7 (7). Best explained by 7.",
        &["7 within 7, where 7 (7). Best explained by 7"],
    ),
    ("7 within 7, where 7", &[]),
    (
        "7 7 are usual",
        &["at least 7 are usual", "at most 7 are usual"],
    ),
    ("at least", &[]),
    ("at most", &[]),
    ("error code", &["error code 7"]),
    (
        "7 7",
        &[
            "product 7",
            "release 7",
            "zone 7",
            "7 is empty; say what does not work",
            "7 has 7 characters; 7 are allowed",
            "7 holds control characters",
            "7 must be an http(s) URL",
            "7 breaks 0 < idle_p95_seconds < promise_p95_seconds <= 3600",
        ],
    ),
    ("is empty; say what does not work", &[]),
    ("has 7 characters; 7 are allowed", &[]),
    ("holds control characters", &[]),
    ("must be an http(s) URL", &[]),
    (
        "breaks 0 < idle_p95_seconds < promise_p95_seconds <= 3600",
        &[],
    ),
    (", ", &["product 7, 7", "release 7, 7", "zone 7, 7"]),
    (" or ", &["7 or 7"]),
    (
        "7 7 where the header has 7",
        &[
            "7 field where the header has 7",
            "7 fields where the header has 7",
        ],
    ),
    (
        "7 7; stage it first",
        &["there is no staged or live release 7; stage it first"],
    ),
    ("7 has no site 77", &["7 has no site 7"]),
    ("and 7 more", &["7 and 7 more"]),
    (
        "7: 7 is promised by 7",
        &[
            "7: an update is promised by 7",
            "7: the incident report is promised by 7",
        ],
    ),
    (
        "7: 7 was promised by 7 and is overdue",
        &[
            "7: an update was promised by 7 and is overdue",
            "7: the incident report was promised by 7 and is overdue",
        ],
    ),
    (
        "7: 7 was promised by 7, is overdue, and nobody has answered",
        &[
            "7: an update was promised by 7, is overdue, and nobody has answered",
            "7: the incident report was promised by 7, is overdue, and nobody has answered",
        ],
    ),
    ("an update", &[]),
    ("the incident report", &[]),
    ("7: 7", &["line 7: 7", "Sign-in issue reported for 7: 7"]),
    (
        "site 7 7",
        &[
            "site 7 belongs to 7: an import moves no site to another organization",
            "site 7 is of product 7: an import moves no site to another product",
        ],
    ),
    (
        "belongs to 7: an import moves no site to another organization",
        &[],
    ),
    (
        "is of product 7: an import moves no site to another product",
        &[],
    ),
    (
        "7 sites have no coordinates and cannot be inside a drawn area",
        &[
            "no site of the fleet lies in 7; 7 sites have no coordinates and cannot be inside a drawn area",
        ],
    ),
    (
        "a drawn area of 7 corners",
        &[
            "7, a drawn area of 7 corners",
            "a drawn area of 7 corners, 7",
            "7, a drawn area of 7 corners, 7",
        ],
    ),
    (
        "7 sites",
        &[
            "7 sites running 7",
            "7 sites in 7 running 7",
            "all sites in 7",
            "all sites running 7",
            "all sites in 7 running 7",
        ],
    ),
    ("there is no 7 7", &[]),
    ("7; 7: 7", &["sites that refused it: 7; 7: 7"]),
];

/// What libraries say of values that are typed into forms.
pub(super) const BORROWED: [&str; 6] = [
    "cannot parse float from empty string",
    "cannot parse integer from empty string",
    "invalid digit found in string",
    "invalid float literal",
    "missing field 7",
    "number too large to fit in target type",
];
