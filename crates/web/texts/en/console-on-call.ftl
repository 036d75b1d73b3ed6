### Who is paged.

on-call-title = On call
on-call-lead = Who is paged when an alarm proposes an incident or a promise is late: each step in turn, until somebody acknowledges.
on-call-steps = The steps
on-call-nobody = Nobody is paged: add a step, or a bad night goes unseen.
on-call-signed = signed
on-call-unsigned = unsigned
on-call-remove = Remove
on-call-add = Add a step
on-call-address = Address
on-call-address-hint = A page is posted there as JSON (Standard Webhooks).
on-call-secret = Secret
on-call-secret-hint = Signs the page: whsec_ and base64. Kept sealed, never shown again.
on-call-minutes = Minutes to wait before it
on-call-add-it = Add the step
on-call-pages = The newest pages
on-call-no-pages = Nobody was paged yet.
on-call-caption = Pages, newest first
on-call-when = When
on-call-what = What
on-call-answered = Answered
on-call-acknowledge = Acknowledge
on-call-no-host = an address without a host
on-call-at-once = at once
on-call-after = after { $length }
on-call-whole-minutes = Give the wait in whole minutes.
on-call-changed = Somebody changed the list meanwhile; look at it again.
