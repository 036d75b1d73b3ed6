### The lamps, and what stands around them.

lamps = The lamps
lamps-region = The lamps, west to east
lamps-half-west = Every site as a light, by time zone: the west
lamps-half-east = Every site as a light, by time zone: the east
lamps-foot = Hover over a hill, or move to it with the Tab key, to read its counts. The same figures stand in the table.
lamps-legend = Legend
lamps-live = Live
lamps-each = Each lamp stands for { $n } sites and shows the worst of them.
ending-root-elsewhere = The root of config is signed elsewhere, and ends soon. Draft the next with “lamplighter keys root draft”, sign it there and publish it: agents take no config after that.
ending-root = The root of config ends soon, and this server could not sign the next. Its log says why; agents take no config after that.
ending-metadata = Signed config ends soon, and this server could not sign it anew. Its log says why; agents take no config after that.
ending-until = It is good until
lamps-none-open = None is open.
lamps-decide = Decide whether it is an incident
lamps-open-one = Open an incident
lamps-open-one-that = that no alarm proposed.
lamps-past = Past
lamps-no-alarm = None in seven days.
lamps-zones-caption = Sites in each time zone by state, west to east
first-run = Welcome
nothing-imported = Nothing was imported
nothing-imported-why = Nothing was imported: { $why }.
import-no-file = No file came with the form: choose a CSV file first.
state-of-well =
    { $n ->
       *[other] works
    }
state-of-restored =
    { $n ->
       *[other] restored
    }
