### The documents that configure shared services.

config-title = Config
config-lead =
    Signed set { $version }, held by { $n ->
        [one] { $n } agent
       *[other] { $n } agents
    }. A site is only ever given what accepts the code it runs.
config-none = Nothing is published yet. Publish the first document with
config-documents = Documents
config-document = Document
config-newest = Newest
config-accepts = Accepts
config-lane = Lane
config-kept = Versions kept
config-bytes = Bytes
config-lane-first = first
config-lane-other = other
config-shown = Version { $version }, for code { $accepts }.
config-not-published = Not published.
config-who = Who is given which
config-no-site = No site runs this product yet.
config-code = Code { $release }
config-no-version = none
config-version-of = version { $version }
config-versions = Versions
config-versions-caption = Versions, newest first
config-version = Version
config-next = The next version
config-honour = Code that can honour it
config-honour-hint = Such as ^5, or >=5.1, <6. A live or staged release left without a version is refused.
config-settings = Settings, as JSON
config-publish = Publish it
config-no-document = There is no such document, or no such version of it.
config-accepts-rule = which releases it accepts is written such as ^5 or >=5.1, <6
config-way = Version { $version } is on its way
config-wave-canaries =
    { $n ->
        [one] 1 canary
       *[other] { $n } canaries
    }
config-wave-1 = 1 % of the sites
config-wave-10 = 10 % of the sites
config-wave-all = All sites
config-way-held = Held for { $held } of { $sites } sites that are given it.
config-way-since = This wave began
config-way-goes-on = It goes on by itself when every agent holds it and its canaries sign in; what a site refuses comes back.
config-why = Why
config-halt = Halt it, and take it back
config-hasten = Give it to all sites now
config-difference = From version { $from } to version { $to }
config-same = Both say the same.
config-state = State
config-reading = Sites reading
config-holding = Sites holding
config-published = Published
config-compare = against { $version }
config-older = Older versions
config-repeats = repeats version { $version }
config-state-refused =
    { $n ->
        [one] refused by 1 site
       *[other] refused by { $n } sites
    }
config-state-halted = halted
config-state-on-its-way = on its way
config-state-over = over
config-state-waits = waits for a release
config-state-read = in use
config-back = Go back
config-back-hint = What the older version said becomes a new version, for all sites at once.
config-back-to = To version
config-go-back = Go back to it
config-schema = JSON Schema
config-schema-label = The JSON Schema that the settings must fit
config-schema-hint = Holds for the next versions too. Left empty, everything fits.
config-at-once = To all sites at once
config-at-once-hint = Without canaries and waves; say why. A version that no site reads yet, and the first one, need no waves.
config-way-waits = It waits for { $what }.
config-layers = Layers
config-layers-lead = What some sites have otherwise: merged in the order zone, state, county, group, site.
config-layers-more =
    { $n ->
        [one] And 1 more layer for one site.
       *[other] And { $n } more layers for one site each.
    }
config-layer = Layer
config-layer-sites = Sites in it
config-layer-new = Publish a layer
config-layer-hint = zone:America/Chicago, state:CA, county:CA/Kern, group:NAME or site:HOST
config-patch = What is different, as JSON
config-patch-hint = A merge patch (RFC 7396): the members that differ, and null for those that go. An empty object ends a layer.
groups-title = Groups of sites
groups-lead = Layers of config can be for a group.
groups-none = There is no group yet.
groups-group = Group
groups-sites = Sites
groups-new = A new group
groups-change = Change { $name }
groups-name = Name
groups-name-hint = Letters a to z, digits and hyphens, such as early.
groups-its-sites = Its sites
groups-sites-hint = Host names, one on each line. Without one the group is no more.
groups-save = Save it
