### Where an incident report is written.

the-incident-report = The incident report
back-to-the-incident = Back to the incident
report-is-a-draft = A draft, from the recorded timeline. Customers see nothing of it. Cause, what went well and follow-ups are yours to write.
report-is-version = Version { $n }. Customers read a report once somebody else has approved it and it is published.
report-versions = Versions
report-version = Version { $n }
report-published = published
report-approved = { $who } approved it,
report-unfinished = Something is still to be written in it.
report-not-approved = Not approved yet.
report-read-version = Read version { $n }
report-approve = Approve version { $n }
report-publish = Publish version { $n }
report-draft = The draft from the records
report-draft-pdf = The draft from the records as PDF
report-draft-of = Draft of the incident report: { $title }
report-draft-byline = A draft, from the recorded timeline. It is not posted.
report-write = Write it
report-markdown = The report, as Markdown
report-save = Save a version
