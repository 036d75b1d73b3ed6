### What each product's sites run.

releases-title = Releases
releases-lead = A site runs a release only when its agent holds verified config for it.
releases-caption = Releases of { $product }, newest first
releases-release = Release
releases-state = State
releases-running = Sites running it
releases-share = Share
releases-ready = Ready for it
releases-next = Next
releases-ready-of = { $ready } of { $sites }
releases-who-not = Who is not, and why
releases-roll-out = Roll it out
releases-retire = Retire
releases-stage = Stage a release
releases-version = Version
releases-stage-it = Stage it
releases-stage-hint = Its config must be published first. Agents fetch what it needs; no site runs it yet.
releases-no-product = There is no product yet.
releases-import = Import a fleet
releases-import-first = first.
releases-state-imported = imported
releases-state-staged = staged
releases-state-live = live
releases-state-retired = retired
