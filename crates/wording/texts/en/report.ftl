### The incident report, as the records can write it.

report-title = Incident Report:
report-times = Times are those of
report-impact = Impact
report-detection = Detection
report-response = Response
report-cause = Cause
report-well = What went well
report-follow-ups = Follow-ups
report-nothing = Nothing was recorded.
report-record = Record { $id }, { $at }: { $line }

## What a person writes: it follows a mark, and a full stop follows it.

report-write-cause = what failed, and why it was not seen before the release
report-write-well = what helped, and should be kept
report-write-follow-ups = what will change, who does it, and by when

## What the records say.

report-affected = Sign-in was affected on { $scope }: { $n } sites.
report-sign-ins = Between { $from } and { $until }, { $failures } of { $n } sign-ins failed.
report-restored = It was restored everywhere { $after } after it began, at { $at }.
report-rollout = At { $at }, the rollout of { $release } had begun; it reached { $n } sites before the incident was proposed.
report-first = At { $at }, the first customer reported an error at sign-in.
report-alarm = At { $at }, detection raised an alarm: { $words }.
report-alarm-after = At { $at }, detection raised an alarm: { $words }, { $after } after the first report.
report-opened = At { $at }, { $by } opened the incident.
report-added = At { $at }, { $by } added the incident, after it was over.
report-planned = At { $at }, { $by } announced the work.
report-moved = At { $at }, { $by } moved the work to another time.
report-accepted = At { $at }, { $by } accepted the incident.
report-acknowledged = At { $at }, { $by } acknowledged the page.
report-told = At { $at }, { $by } told customers: { $template }.
report-posted = At { $at }, { $by } posted an update for customers.
report-campaign = At { $at }, a campaign began ({ $action }) over { $n } sites, paced so that their servers could bear it.
report-campaign-paused = At { $at }, the campaign was paused: { $reason }.
report-campaign-resumed = At { $at }, the campaign went on.
report-campaign-ended = At { $at }, the campaign ended: sign-in was verified by a probe on { $done } sites, and not yet on { $failed }.
report-watch-ended = At { $at }, the watch period ended; { $n } sites failed.
report-completed = At { $at }, the incident was completed.
report-noted = At { $at }, { $words }
report-follow-up = { $text } { $owner }, by { $due }.
report-follow-up-done = { $text } { $owner }, by { $due } (done).
report-follow-up-dropped = { $text } { $owner }, by { $due } (dropped).
