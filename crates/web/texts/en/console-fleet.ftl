### The sites, a page at a time.

fleet-title = Fleet
fleet-showing = showing { $range }
fleet-range = { $from } to { $to }
fleet-words = Words in host name, organization or place
fleet-words-example = Host name, organization or place
fleet-zone = Time zone
fleet-all-zones = All time zones
fleet-state = State
fleet-any-state = Any state
fleet-show = Show
fleet-none = No site matches.
fleet-sites = Sites
fleet-site = Site
fleet-sign-in = Sign-in
fleet-organization = Organization
fleet-runs = Runs
fleet-county = County
