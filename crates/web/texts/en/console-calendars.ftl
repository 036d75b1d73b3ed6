### When the team works.

calendars-title = Calendars
calendars-lead = When you work: promises in business hours and days are counted on the default one, unless they name another.
calendars-hours = { $opens } to { $closes } on weekdays in { $zone }
calendars-without-federal = { $hours }, without US federal holidays
calendars-of-its-own =
    { $hours }; { $n ->
        [one] { $n } holiday
       *[other] { $n } holidays
    } of its own.
calendars-day = { $weekday }, { $month } { $day }, { $year }
calendars-import = Import holidays
calendars-into = into { $name }
calendars-file = An iCalendar file
calendars-file-hint = Open the .ics file in a text editor, and paste it here. Its whole-day events are taken.
calendars-import-them = Import them
calendars-remove = Remove
calendars-save = Add one, or change its hours
calendars-name = Name
calendars-name-hint = “default” for the one that counts; any other name for another team.
calendars-zone = Time zone
calendars-opens = Opens
calendars-closes = Closes
calendars-federal = US federal holidays are free
calendars-save-it = Save the calendar
calendars-imported =
    { $n ->
        [one] { $n } day is free from now on.
       *[other] { $n } days are free from now on.
    }
calendars-left-out = Left out: { $name }, because { $reason }.
