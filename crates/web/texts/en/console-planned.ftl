### Planned work, as staff plan it.

planned-lead = Announced before it begins. It begins by itself; followers are told at each step.
planned-none = Nothing is planned.
planned-caption = Planned work, the last to begin first
planned-what = Work
planned-when = When
plan-work = Plan work
announce-it = Announce it
planned-title-such-as = Sign-in servers are replaced
what-customers-are-told = What customers are told
planned-text-hint = What they will notice, and what they need not do. Markdown.
what-they-will-notice = What they will notice
planned-where = Where
on-whose-clock = On whose clock
same-moment = { $zone }, the same moment everywhere
own-clock-night = Each site’s own, so that night is night everywhere
remind-before = Remind followers, hours before
remind-hint = Empty: they are told now and when it begins, not in between.
completes-itself = It is done when the window ends. Otherwise somebody says how it went, and is paged if nobody did.
announce-quietly = Tell no follower of the announcement
