### The sign-in service: its accounts and keys.

accounts-title = Sign-in
accounts-lead = The service that every site shares. Its issuer is { $issuer }.
accounts-add = Add an account
accounts-e-mail = E-mail address
accounts-password = Password
accounts-password-hint = 8 characters or more; kept as an argon2id hash only.
accounts-add-it = Add the account
accounts-unlock = Unlock an account
accounts-unlock-lead = Too many wrong passwords lock an address for a while. This ends it.
accounts-unlock-it = Unlock it
accounts-keys = Signing keys
accounts-keys-lead = Sites verify what this service says with these. A new key is published first, and signs when every site knows it.
accounts-keys-caption = Signing keys, oldest first
accounts-key = Key
accounts-state = State
accounts-next = Next
accounts-new-key = Make a new key
accounts-key-next = next
accounts-key-active = active
accounts-key-retired = retired
accounts-sign-with = Sign with it
accounts-retire = Retire it
accounts-at-once-box = at once, without the time that sites need
accounts-added = { $who } may sign in from now on.
accounts-unlocked = { $who } may try again.
accounts-key-states = A key is next, active or retired.
