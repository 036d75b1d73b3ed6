### Campaigns: their list, the plan of one, and one at work.

campaigns-title = Campaigns
campaigns-lead = An action over many sites, at a pace their origin bears. Newest first.
campaigns-plan = Plan a campaign
campaigns-none = There was none yet.
campaigns-caption = Campaigns, newest first
campaigns-campaign = Campaign
campaigns-state = State
campaigns-created = Created
campaigns-took = Took
campaign-state-planned = planned
campaign-state-running = running
campaign-state-paused = paused
campaign-state-halted = halted
campaign-state-finished = finished
campaign-state-aborted = aborted
campaign-named = { $action }: { $selection }
campaign-on-sites =
    { $action } on { $n ->
        [one] { $n } site
       *[other] { $n } sites
    }
campaign-all-of = all { $product } sites
campaign-sites-of = { $product } sites
campaign-hosts-of =
    { $n ->
        [one] { $n } site of { $product }
       *[other] { $n } sites of { $product }
    }
campaign-in = { $sites } in { $places }
campaign-running = { $sites } running { $version }
campaign-reported = { $sites }, reported
campaign-wave-canaries = canaries
campaign-wave-reported = reported
campaign-plan-lead = Look at what it would touch first; nothing happens before it is started.
campaign-plan-says =
    { $sites ->
        [one] { $sites } site
       *[other] { $sites } sites
    } of { $organizations ->
        [one] { $organizations } organization
       *[other] { $organizations } organizations
    }, which serve { $people } people. { $canaries ->
        [one] { $canaries } canary
       *[other] { $canaries } canaries
    } go first; the rest follows only if they are proved.
campaign-plan-takes = At the last measured pace it takes { $takes }.
campaign-plan-create = Create this campaign
campaign-what-is-done = What is done
campaign-refresh = Refresh the config
campaign-clear-cache = Clear the config cache
campaign-activate = Activate a release
campaign-release = Release
campaign-release-hint = Only to activate one, such as 5.2.0.
campaign-product = Product
campaign-which-sites = On which sites
campaign-which-sites-hint = They meet every condition given here. Without a condition, say that all are meant.
campaign-all-sites = All sites of the product
campaign-zone = Time zone
campaign-any = Any
campaign-states = States
campaign-states-hint = Two letters each, such as CA, OR.
campaign-running-release = Running release
campaign-within-a-day = Reported within a day
campaign-hosts = Host names
campaign-hosts-hint = One on each line.
campaign-rate = Sites a minute
campaign-rate-hint = Empty: by what the origin’s own telemetry says it bears.
campaign-look = Look at the plan
campaign-began = began
campaign-planned = planned
campaign-ended = ended
campaign-incident = The incident it answers
campaign-live = Live
campaign-pace = Pace: { $pace }. A site counts as proved when a test sign-in on it succeeded.
campaign-pace-adaptive = By what the origin’s own telemetry says it bears
campaign-pace-rate = { $rate } a second, fixed
campaign-pace-at-a-time =
    { $n ->
        [one] { $n } site at a time
       *[other] { $n } sites at a time
    }
campaign-course = Course
campaign-course-figures = The figures of the course
campaign-course-caption = Sites proved in each stretch of time
campaign-until = Until
campaign-proved-in-it = Proved in it
campaign-proved-by-then = Proved by then
campaign-course-label = The course of the campaign; the sentence below it says the same
campaign-course-says =
    { $done } of { $n ->
        [one] { $n } site
       *[other] { $n } sites
    } were proved between { $from } and { $until }, at most { $most } a minute.
campaign-course-origin = Its origin was busy to { $mean } of what it can do, at most to { $most }.
campaign-course-proved = Sites proved, { $done } of { $total }
campaign-course-rate = Proved a minute, at most { $most }
campaign-course-busy = Origin busy, { $share } at last
campaign-course-unknown = not known
campaign-waves = Waves
campaign-waves-caption = Waves in their order
campaign-wave = Wave
campaign-sites = Sites
campaign-proved = Proved
campaign-under-way = Under way
campaign-given-up = Given up
campaign-shares = Shares
campaign-given-up-caption = Sites that were given up, with the last reason
campaign-site = Site
campaign-why = Why
campaign-figure-progress = Progress
campaign-figure-proved = { $done } of { $total } proved
campaign-figure-took = Took
campaign-figure-left = Left
campaign-figure-left-unknown = not known yet
campaign-figure-pace = Pace now
campaign-figure-rate = { $rate } sites/min
campaign-figure-busy = Origin busy
campaign-figure-p95 = Origin p95
campaign-figure-promise = { $p95 } s of { $promise } s promised
campaign-halted = It stopped itself in wave { $wave } at { $at }: { $reason }
campaign-start = Start
campaign-pause = Pause
campaign-resume = Resume
campaign-abort = Abort
campaign-no-command = There is no such command.
campaign-none-left = No site of this incident is left to restore.
