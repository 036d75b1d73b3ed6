### Refusals: accounts, followers, members, tokens, who is on call.

address-shape = this is no e-mail address; it looks like name@anytown.gov
member-shape = { $text } is no member: give an address such as clerk@anytown.gov, or a mail domain such as @anytown.gov
member-anybody = anybody can have an address at { $domain }: give the members' addresses one by one
members-many = give at most { $n }: a mail domain holds everybody of it
follow-no-mail = this server sends no mail; follow the feeds instead, /feed.atom or /feed.rss
follow-secret = only the shape standard is signed; leave the secret out
follow-already = This address follows this already.
follow-private = the address lies in a private network, where followers' webhooks are not sent
no-address = this is no address
no-address-why = this is no address: { $problem }
address-scheme = only http and https addresses take messages
secret-shape = a secret is "whsec_" and base64
step-wait = at most { $n } seconds, a week
steps-many = { $n } steps are given; { $n-max } are allowed
token-named = a holder of a token is called { $name } already; choose another name, or withdraw that token first
token-name = a name has 1 to 100 characters
token-own = this is what something of the program itself is called in the audit; choose another name
token-break-glass = this is the name of the token in the data folder; `lamplighter token break-glass` makes it anew
account-password = a password has 8 characters or more, and at most 1,024 bytes
account-known = { $email } has an account already
account-twice = an address comes twice
accounts-at-once = 1 to { $n } accounts are made at once
passwords-busy = too many passwords wait to be checked; try again in a few seconds
key-unknown = there is no such key in use, or it is the last active one
signing-key-none = no signing key { $kid } is in use; publish sign-in/client with a signing_kid that GET /api/v1/keys lists
