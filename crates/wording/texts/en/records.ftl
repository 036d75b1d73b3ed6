### What is recorded, in words: which sites, alarms, campaigns, what happened.

sites-all = all sites
sites-of-products = { $products } sites
sites-in = { $scope } in { $zones }
sites-running = { $scope } running { $releases }
alarm-reports =
    { $n ->
        [one] { $n } site reported
       *[other] { $n } sites reported
    }
alarm-failures = { $n } sign-ins failed
alarm-silence = only { $n } sign-ins came
alarm-within-minute = a minute
alarm-within = { $n } minutes
alarm-usual-none = next to none is usual
alarm-usual-most = at most { $expected } are usual
alarm-usual-least = at least { $expected } are usual
alarm-words = { $what } within { $within }, where { $usual }
alarm-sentence = { $words } ({ $where }). Best explained by { $explained }.
node-fleet = the whole fleet
node-product = product { $product }
node-zone = sites in { $zone }
node-product-zone = product { $product } in { $zone }
node-term = reports of { $term }
term-sign-in = signing in
term-error = errors
term-loading = pages that do not load
term-payment = payments
explained-nothing = nothing in particular
explained-ties = { $first } (or as well by { $rest })
explained-product = product { $list }
explained-release = release { $list }
explained-zone = zone { $list }
either = or
explained-code = error code { $list }
campaign-action-clear-cache = clear cache
campaign-action-refresh = refresh
campaign-action-activate = activate release { $version }
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

## Who acts by itself.

who-customer = a customer
who-campaigns = campaigns
who-detection = detection
who-schedule = the schedule
who-watch = the watch
