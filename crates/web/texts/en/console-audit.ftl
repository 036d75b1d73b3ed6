### Who did what.

audit-title = Audit
audit-lead = Who did what, newest first.
audit-none = Nothing was done yet.
audit-caption = Entries of the audit, newest first
audit-when = When
audit-who = Who
audit-did = Did
audit-to = To
audit-detail = Detail
audit-older = Older
