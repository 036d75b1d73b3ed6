### The list of incidents, and the forms that open one or add one that is over.

incidents-total =
    { $n ->
        [one] { $n } incident
       *[other] { $n } incidents
    }, newest first.
incidents-caption = Incidents, newest first
incidents-which = Which incidents
incidents-all = All
incidents-open = Open
incidents-proposed = Proposed
incidents-past = Past
incidents-none = There is none.
incidents-add-past = Add one that is over
incident-head = Incident
state-head = State
not-well-head = Not well
promised-head = Promised
open-an-incident = Open an incident
open-lead = Customers see it at once, and its sites count as failing until something proves otherwise.
open-title-such-as = Sign-in fails on some sites
open-the-incident = Open the incident
title-label = Title
all-products = All products
zone-of-sites = Time zone of the sites
all-zones = All time zones
impact-by-share = By the share of sites it concerns
past-heading = Add an incident that is over
past-lead = It appears in the history with these times, marked "Added afterwards". No follower is told. A whole history comes from a file:
past-title-such-as = Sign-in failed on some sites
past-add = Add it to the history
choose-one = Choose one
began-in-zone = Began, in { $zone }
was-over-in-zone = Was over, in { $zone }
was-over = Was over
what-customers-read = What customers read
choose-an-impact = choose one
field-problem = { $field }: { $problem }
