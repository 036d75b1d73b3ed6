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
