### The lamps, and what stands around them.

lamps = The lamps
lamps-region = The lamps, west to east
lamps-half-west = Every site as a light, by time zone: the west
lamps-half-east = Every site as a light, by time zone: the east
lamps-foot = Hover over a hill, or move to it with the Tab key, to read its counts. The same figures stand in the table.
lamps-legend = Legend
lamps-live = Live
lamps-each = Each lamp stands for { $n } sites and shows the worst of them.
lamps-none-open = None is open.
lamps-decide = Decide whether it is an incident
lamps-open-one = Open an incident
lamps-open-one-that = that no alarm proposed.
lamps-past = Past
lamps-no-alarm = None in seven days.
lamps-zones-caption = Sites in each time zone by state, west to east
first-run = Welcome
no-lamps-yet = There are no lamps yet.
no-lamps-lead = Lamplighter watches sign-in on a fleet of sites. Tell it which sites there are, or watch a drill.
nothing-imported = Nothing was imported
nothing-imported-lead = A file is imported as a whole or not at all. Mend these lines and send it again.
nothing-imported-why = Nothing was imported: { $why }.
lines-to-mend = Lines to mend
first-bad-lines = The first { $n } bad lines; the header is line 1
bad-line = Line
bad-line-why = What is wrong
import-your-fleet = Import your fleet
import-file = A CSV file, one line for each site
import-columns = Columns:
import-columns-more = and, where you have them,
import-and = and
import-most = At most 32 MiB.
import-do = Import
import-no-file = No file came with the form: choose a CSV file first.
import-sign-in = Sign in to the console
import-sign-in-rest = to send a CSV file, or use the command line.
import-command = From the command line:
watch-again = Or watch July 11, 2023 again
watch-lead = The drill re-enacts a real incident on the real components: 4:00 pm, a release, and sign-in breaks on every site.
state-of-well =
    { $n ->
       *[other] works
    }
state-of-restored =
    { $n ->
       *[other] restored
    }
