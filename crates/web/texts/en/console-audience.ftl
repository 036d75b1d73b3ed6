### Who may read an incident, and who belongs to an organization.

audience = Who may read it
audience-everybody = Everybody
audience-affected = Only the organizations with a site in its scope, signed in
audience-now-everybody = Everybody may read it.
audience-now-affected = Only members of the affected organizations may read it, signed in. Lamps and what was done on each site stay public.
audience-widen = Let everybody read it, and tell the followers who have not heard of it
audience-narrow = Let only the affected organizations read it
organizations = Organizations
organizations-lead = Customers and their members. What is told only to the affected is read by their members.
organization-find = Name of an organization
organization-none = No organization matches.
members = Members
members-lead = They read what is told only to the affected organizations, signed in with one of these addresses.
members-hint = One a line: an address such as clerk@anytown.gov, or a mail domain such as @anytown.gov for everybody there. At most { $n }.
members-label = Addresses and mail domains
members-save = Save the members
members-saved = The members were saved.
members-suggested = From the names of its sites:
its-sites-here = Its sites
show = Show
