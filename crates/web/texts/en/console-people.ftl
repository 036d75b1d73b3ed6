### Who holds a token.

people-title = People
people-lead = Who may enter here, and with which role. A token works also when sign-in is down.
people-made = The token of { $name }. It is shown this once: hand it over safely.
people-make = Make a token
people-name = Name
people-name-hint = As the audit and the timelines call them.
people-role = Role
people-make-it = Make the token
people-may = What the roles may do
people-in-use = Tokens in use
people-caption = Tokens in use, the oldest first
people-who = Who
people-since = Since
people-withdraw = Withdraw
people-withdraw-of = the token of { $name }
people-you = this is you
people-role-admin = admin
people-role-engineer = engineer
people-role-support = support
people-role-agent = agent
people-role-site = site
people-may-admin = everything, also making tokens
people-may-engineer = publishes config, stages releases, runs campaigns, tells customers
people-may-support = takes reports, restores single sites, tells customers
people-may-agent = is made by enrolling a host; not given to people
people-may-site = sends counts of sign-ins, and sees nothing
