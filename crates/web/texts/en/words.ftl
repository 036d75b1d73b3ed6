### Figures, moments, states: words that many pages share.

weekdays = Sun Mon Tue Wed Thu Fri Sat
months = January February March April May June July August September October November December
months-short = Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec
half-am = AM
half-pm = PM
clock-time = { $clock } { $half } { $zone }
clock-wall = { $clock } { $half }
moment = { $weekday }, { $month } { $day }, { $time }
moment-of-year = { $weekday }, { $month } { $day }, { $year }, { $time }
day = { $month } { $day }, { $year }
day-short = { $month } { $day }, { $year }
month-of-year = { $month } { $year }
sites =
    { $n ->
        [one] { $n } site
       *[other] { $n } sites
    }
comments-counted =
    { $n ->
        [one] { $n } comment
       *[other] { $n } comments
    }
left-minute-or-two = a minute or two
left-few-minutes = a few minutes
left-minutes = about { $n } minutes
left-hour = about an hour
left-hours = about { $n } hours
left-half-a-day = more than half a day
state-well = works
state-restored = restored
state-restoring = being restored
state-reported = reported
state-failing = failing
state-unknown = not checked yet
zone-hawaii = Hawaii
zone-alaska = Alaska
zone-pacific = Pacific
zone-arizona = Arizona
zone-mountain = Mountain
zone-central = Central
zone-eastern = Eastern
zone-atlantic = Atlantic
