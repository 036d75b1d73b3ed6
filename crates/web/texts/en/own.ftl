### What is told to the organizations that a reader belongs to.

for-your-organization = For your organization
own-lead = Some incidents are told only to the organizations whose sites they concern. Sign in with your address there to read them.
own-none = Your address belongs to no organization here. Whoever runs your sites with us can have it added.
own-of = You read what is told to
own-quiet = Nothing is going on, and nothing was told lately.
only-affected = Only for the organizations that it concerns
sign-in-here = Sign in
for-its-people = Do you work for them? Read what is told only to their people
