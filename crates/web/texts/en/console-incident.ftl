### An incident as staff see it: what they decide, what they say, what happened.

began-lower = began
from-lower = from
what-customers-see = What customers see
paged-about-it = People were paged about it
as-customers-read = As customers will read it
is-posted-at = It is posted
post-it-then = Post it then
post-it = Post it
change-it = Change it
waiting-to-be-posted = Waiting to be posted
cancel-it = Cancel it
is-it-an-incident = Is it an incident?
alarm-proposes-it = An alarm proposes it. Customers see nothing of it until you accept it.
incident-title-hint = Customers read it: say what they see, not what broke.
accept-and-tell = Accept and tell customers
it-is-none = It is none
why-not = Why not
dismiss-the-proposal = Dismiss the proposal
tell-customers = Tell customers
told-followers = Told { $n } of { $all } followers.
told-followers-but = Told { $n } of { $all } followers; { $failed } could not be reached.
why-not-reached = Why some were not reached
official-word = Your word on the whole incident
post-official-comment = Post the official comment
the-window = The window
move-it = Move it
own-clock = Each site’s own
move-and-tell = Move it, and tell followers
incident-report = Incident report
report-is-drafted = Drafted from what is recorded below; cause, what went well and follow-ups are yours to write. Somebody else approves it.
read-write-publish = Read, write and publish it
restore-the-sites = Restore the sites
see-the-campaign = See the campaign
waves =
    { $n ->
        [one] { $n } wave
       *[other] { $n } waves
    }
proposed-campaign = Proposed: { $action } on { $sites }, in { $waves } by time zone. Each site is proved by a test sign-in.
proposed-campaign-takes = Proposed: { $action } on { $sites }, in { $waves } by time zone, in about { $takes }. Each site is proved by a test sign-in.
start-this-campaign = Start this campaign
sites-of-incident-caption = Sites of this incident by time zone
nothing-yet = Nothing yet.
follow-up-overdue = overdue
all-to-be-done = All that is to be done
add-a-follow-up = Add a follow-up
what-will-be-done = What will be done
follow-up-hint = Customers read it beside the report.
who-sees-to-it = Who sees to it
follow-up-by = By
add-it = Add it
give-the-day = Give the day by which it is done.
the-case = The case
released-before = Released shortly before
case-release = { $product } { $version } on { $sites }
reports-counted =
    { $n ->
        [one] { $n } report
       *[other] { $n } reports
    }
posted-the = { $who } posted the
official-comment-lower = official comment
correct-it = Correct it
text-as-it-stands = The text as it shall stand
why = Why
correction-hint = Customers read it, and what stood there before.
correct-the-update = Correct the update
what-happened = What happened
timeline-caption = The recorded timeline, newest first
when-head = When
what-head = What
by-head = By
fact-stage = { $stage }
fact-activated = Release { $version } of { $product } was activated on { $n } sites.
fact-first-report = A customer reported { $site }, the first of the incident.
fact-alarm = Detection raised an alarm: { $words }.
fact-proposed = The alarm proposed this incident.
fact-paged = The people on call were paged.
fact-acknowledged = { $by } acknowledged the page.
fact-widened = The alarm made the incident wider: it is about { $scope } from now on.
fact-opened = { $by } opened the incident.
fact-added = { $by } added the incident after it was over.
fact-added-from = { $by } added the incident after it was over, from { $source }.
fact-planned = { $by } planned the work.
fact-moved = { $by } moved the planned work.
fact-reminded = Followers were reminded of the planned work.
fact-accepted = { $by } accepted the incident.
fact-for-everybody = { $by } let everybody read the incident.
fact-for-affected = { $by } let only the affected organizations read the incident.
fact-dismissed = { $by } dismissed the proposal: { $reason }
fact-posted = { $by } posted "{ $template }" ({ $stage }).
fact-posted-update = { $by } posted an update ({ $stage }).
fact-corrected = { $by } corrected a post: { $reason }
fact-official = { $by } posted the official comment.
fact-campaign = A campaign began: { $action } on { $n } sites.
fact-campaign-at = The campaign had verified { $done } of { $n } sites; { $failed } failed.
fact-campaign-paused = The campaign was paused: { $reason }.
fact-campaign-resumed = The campaign went on.
fact-campaign-ended = The campaign ended: { $done } sites verified, { $failed } failed.
fact-sites-counted = Of { $n } sites in scope, { $failing } failed and { $restored } were restored.
fact-sign-ins-counted = { $failures } of { $n } sign-ins failed.
fact-watch-ended = The watch period ended; { $n } sites failed.
fact-completed = { $by } completed the incident.
