### The status page, and lists of incidents.

as-of = As of
look-again = Look again
what-happens-next = What happens next
is-your-site-affected = Is your site affected?
find-placeholder = anytown.gov, or your town
look-up-your-site = Look up your site
now = Now
since = since
by-time-zone = By time zone
by-time-zone-caption = Sites in each time zone, from west to east
time-zone = Time zone
by-product = By product
by-product-caption = Sites of each product
product = Product
past-incidents = Past incidents
none = None.
added-afterwards = Added afterwards
read-the-report = Read the report
report-on = on { $title }
to = to
all-past-incidents = All past incidents
follow-colon = Follow:
by-e-mail = by e-mail
or = or
each-update-an-entry = each update an entry.
incidents = Incidents
incidents-of = Incidents of { $name }
planned-work = Planned work
banner-for = for { $area }
shares = Shares
said-about-them = What is said about them
its-sites = Its { $sites }
pages-of-the-list = Pages of the list
previous = Previous
next = Next
follow-them = Follow them:
headline-failing =
    Sign-in fails on { $n } of { $total ->
        [one] { $total } site
       *[other] { $total } sites
    }.
headline-restoring =
    Sign-in is being restored on { $n } of { $total ->
        [one] { $total } site
       *[other] { $total } sites
    }.
headline-reported =
    Sign-in problems are reported on { $n } of { $total ->
        [one] { $total } site
       *[other] { $total } sites
    }.
headline-well =
    Sign-in works on { $n } of { $total ->
        [one] { $total } site
       *[other] { $total } sites
    }.
headline-unknown = Nothing is known to be wrong with sign-in.
lead-restoring =
    { $n ->
        [one] { $n } is being restored
       *[other] { $n } are being restored
    }
lead-restored =
    { $n ->
        [one] { $n } was restored and checked
       *[other] { $n } were restored and checked
    }
lead-reported =
    { $n ->
        [one] { $n } more is reported
       *[other] { $n } more are reported
    }
lead-none-checked =
    We know of { $n ->
        [one] { $n } site
       *[other] { $n } sites
    }; none was checked yet.
lead-rest-unchecked =
    It is proved to work on { $n } of { $total ->
        [one] { $total } site
       *[other] { $total } sites
    }; the rest were not checked yet.
lead-all-checked = Every site was checked by a test sign-in, or by its own visitors.
lead-on-it = We are on it. What we know is below.
not-well = { $n } not well
next-all-in = The rest follow time zone by time zone, west to east. At the present pace all are restored in { $left }.
next-look = We look into the reports, and post here what we find.
next-post = We post here what we find, and restore the sites west to east.
head-failing = Failing
head-restoring = Being restored
head-reported = Reported
head-works = Works
head-unknown = Not checked
page-status = Status
banner-info = Good to know
banner-warning = Take note
banner-critical = Important
