### The frame of every page.

skip = Skip to the content
nav-main = Main
foot-times = Times are written in the zone they name.
report-a-problem = Report a problem
foot-api = API
foot-staff = Staff
zone-label = Show times in
zone-show = Show

### The description of the API.

api-for-programs = For programs:
api-description = this description as OpenAPI 3.1
api-in-english = It is in English.
