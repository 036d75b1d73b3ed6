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

### The first page, before there is a fleet.

welcome = Welcome
first-not-imported = Nothing was imported
first-no-lamps = There are no lamps yet.
first-mend = A file is imported as a whole or not at all. Mend these lines and send it again.
first-lead = Lamplighter watches sign-in on a fleet of sites. Tell it which sites there are, or watch a drill.
first-lines = Lines to mend
first-lines-caption = The first { $n } bad lines; the header is line 1
first-line = Line
first-wrong = What is wrong
first-import = Import your fleet
first-file = A CSV file, one line for each site
first-columns = Columns:
first-optional = and, where you have them,
first-and = and
first-bytes = At most 32 MiB.
first-send = Import
first-sign-in = Sign in to the console
first-or-command = to send a CSV file, or use the command line.
first-command = From the command line:
first-drill = Or watch July 11, 2023 again
first-drill-lead = The drill re-enacts a real incident on the real components: 4:00 pm, a release, and sign-in breaks on every site.
