### How staff write an update of an incident.

post-at = Post it at
post-at-hint = In { $zone }; empty for now.
tell-no-follower = Tell no follower
post-named = Post “{ $name }”
look-first = Look at it first
your-own-words = Your own words
update = Update
state-from-now = State from now on
leave-the-state = Leave it where it is
next-update-within = Next update within
next-update-hint = Such as 1 hour, or 2 business hours. Starts a clock that reminds you.
counted-on-calendar = Counted on the calendar
calendar-default = The default one
post-the-update = Post the update
templates-of-your-own = Templates of your own
gap-duration = Such as 24 business hours, or 1 hour.
gap-moment = On your clock, such as 2023-07-11T18:30. Customers read it on theirs.
gap-timeline = Such as 2 business hours, or 2023-07-11T18:30 on your clock.
gap-long-text = Several lines, in Markdown.
gap-products = Names of products, with commas between them.
gap-sites = Host names, one on each line.
