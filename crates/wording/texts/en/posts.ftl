### What is said where no person writes.

## The templates that come along. What has a dollar here is a gap there.

template-team = Our engineers
template-products = site
template-no-change-name = No Change Update
template-no-change = { $team } continue to work on resolving this issue as quickly as possible. An update will be added to this post when it is available[[, within { $within }]].
template-timeline-name = Timeline Identified
template-timeline = { $team } have identified the issue[[ and expect to have a resolution deployed { $estimate }]].
template-fix-name = Fix Implemented
template-fix = { $team } have applied a fix and have restored service to your { $products }. An incident report will be posted here within { $within }.
template-gap-team = Team
template-gap-next-update = Next update
template-gap-estimate = Estimate
template-gap-products = Products
template-gap-report-within = Report within

## Posts and titles that time or an alarm makes.

title-proposed = Sign-in issue reported for { $scope }
post-watch-is-over = The watch period has ended and sign-in works on every site that was affected. This incident is completed.
post-work-has-begun = The planned work has begun.
post-work-is-done = The planned work is done.

## Pages to the people on call.

page-wider = { $title } is wider than it was: { $alarm }
page-promised-update = an update
page-promised-report = the incident report
page-promise-soon = { $title }: { $what } is promised by { $due }
page-promise-late = { $title }: { $what } was promised by { $due } and is overdue
page-promise-unanswered = { $title }: { $what } was promised by { $due }, is overdue, and nobody has answered
page-overrun = { $title }: the window of the planned work has ended, and nobody has said how it went
page-was-over-before = This incident was over before the moment came.
page-not-posted = { $title }: the update that { $who } wrote for { $at } was not posted: { $reason }

## Why a campaign stands still. A timeline says it behind a colon.

campaign-paused-by = { $who } paused it
campaign-halted-itself = it halted itself: { $reason }
campaign-halted-because = { $failed } of { $n } sites failed in wave { $wave } ({ $what }), tolerated are { $tolerated } %; the last said: { $last }
campaign-release = release { $version }
campaign-aborted-by = { $who } aborted the campaign: { $action }.
wave-canaries = canaries
wave-reported = reported
page-rollout-halted = The rollout of { $document } version { $version } was halted, and its sites read the version before again: { $why }
rollout-refused = sites that refused it: { $n }
rollout-refused-first = { $what }; { $site }: { $reason }
rollout-canaries-fail = canaries where sign-in worked before, and fails now: { $n }
rollout-waits-silent = agents: none was heard lately
rollout-waits-acks = agents of sites that do not hold it yet: { $n }
rollout-waits-canaries = canaries that have not signed in yet: { $n }
rollout-waits-time = the end of the time in which a fault would show
page-rollout-waits = The rollout of { $document } version { $version } has stood still for an hour. It waits for { $what }
page-refused = { $site } refused { $document } version { $version }, which all sites are given: { $reason }
page-was-refused = It was refused; the audit says why.
page-root-expires = The root of config is good for { $days } more days, and is signed elsewhere. Draft the next with “lamplighter keys root draft”, sign it there and publish it: agents take no config after that
page-root-unsigned = The root of config is good for { $days } more days, and this server could not sign the next. Its log says why: agents take no config after that
page-metadata-unsigned = Signed config is good for { $days } more days, and this server could not sign it anew. Its log says why: agents take no config after that
