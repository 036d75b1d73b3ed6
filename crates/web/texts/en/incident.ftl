### Incidents, planned work and reports on incidents.

how-far = How far it has come
added-afterwards-at = Added afterwards,
official-comment = Official comment
read-the-incident-report = Read the incident report
updates = Updates
first-update = The first update is being written.
sites-it-concerns = Sites it concerns
incident-sites-caption = Sites of this incident by time zone, west to east
comments = Comments
write-a-comment = Write a comment
all-and-write = All { $comments }, and write one
about-this-incident = About this incident
began = Began
impact = Impact
what-is-said = What is said
when-on-clocks = When, on the clocks of the sites
when-caption = The window in each time zone, from west to east, on its own clock
sites-head = Sites
from = From
until = Until
about-this-work = About this work
calendar = Calendar
all-as-icalendar = All planned work as iCalendar
what-follows = What follows
due-by = by { $day }
back-to = Back to the incident: { $title }
as-pdf = As PDF
posted-by = Posted by { $who },
corrected = Corrected
it-said = it said the following. { $who } changed it:
stage-proposed = Proposed
stage-investigating = Investigating
stage-identified = Identified
stage-monitoring = Monitoring
stage-completed = Completed
stage-dismissed = Dismissed
stage-scheduled = Planned
stage-in-progress = In progress
stage-verifying = Being checked
stage-cancelled = Cancelled
impact-none = No impact
impact-minor = Few sites
impact-major = Many sites
impact-critical = Half of all sites or more
over-since = It is over since { $when }.
over-concerned =
    It is over since { $when }. It concerned { $n ->
        [one] { $n } site
       *[other] { $n } sites
    }.
promise-report = An incident report will be posted here by { $when }.
promise-update = The next update will be posted here by { $when }.
promise-counted = { $when } (within { $length }, by the calendar { $calendar })
promise-late = { $promise } It is late; we are sorry.
window = { $from } to { $until }
window-local = { $from } to { $until }, on each site’s own clock
work-in-progress = It is being done now, on { $sites }: { $when }.
work-verifying = It was done on { $sites }, and we check that all works.
work-completed = It is done. It concerned { $sites }: { $when }.
work-cancelled = It is cancelled. It was planned for { $sites }: { $when }.
work-planned = Planned for { $sites }: { $when }.
follow-up-done = Done
follow-up-dropped = Not done: { $reason }
added-on = Added afterwards, on { $day }.
feed-about = { $title }: what is told of incidents, each update an entry

### The words of an incident report that nobody wrote.

report-of = Incident report:
report-times = Times are those of
report-impact = Impact
report-detection = Detection
report-response = Response
report-cause = Cause
report-well = What went well
report-follow-ups = Follow-ups
report-nothing = Nothing was recorded.
report-records = Records
report-page = Page { $n } of { $count }
