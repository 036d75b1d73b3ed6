### Banners, and how an area is called.

banners-title = Banners
banners-lead = Words on the pages of the sites of an area, and on the sites themselves. Reports from there rank first while one stands.
banners-preview = As people will see it
banners-add = Put it up
banners-text = What it says
banners-severity = How urgent it is
banners-where = Where
banners-where-hint = Sites in any of these places. Without a place: everywhere.
banners-states = States
banners-counties = Counties
banners-corners = Corners of a drawn area
banners-corners-hint = One corner a line: latitude, longitude. At least three, in order; or a GeoJSON polygon.
banners-with-script = With script, a click on the map adds a corner.
banners-map = Map of the sites of the fleet, and of the drawn area
banners-no-map = No site of the fleet has coordinates: there is no map of them.
banners-zone = Time zone
banners-no-zone = None
banners-hosts = Host names
banners-product = Of one product
banners-any-product = Of any
banners-when = When
banners-when-hint = In { $zone }. Empty: from now, until somebody takes it down.
banners-from = From
banners-until = Until
banners-look = Look at it first
banners-all = All banners
banners-none = There was none yet.
banners-since = from
banners-to = until
banners-end = Take it down
banners-state-over = over
banners-state-stands = stands
banners-state-waits = will stand
banners-stands-on =
    It stands on the pages of { $n ->
        [one] { $n } site
       *[other] { $n } sites
    }: { $area }.
banners-without-point =
    { $n ->
        [one] { $n } site has
       *[other] { $n } sites have
    } no coordinates and cannot be inside a drawn area.
banners-extent = The drawn area reaches from latitude { $south } to { $north } and from longitude { $west } to { $east }.
area-all = all sites
area-drawn = a drawn area of { $n } corners
area-more = { $places } and { $n } more
area-of-product = { $products } sites
area-of-product-in = { $products } sites in { $places }
map-of = Map of
map-all-sites = all sites
map-corner = Corner { $n }: { $at }
map-undone = Corner { $n } is taken back.
map-cleared = No corner is left.
map-keys = With the keyboard: arrow keys move the cross (with Shift in small steps), Enter adds a corner there, Backspace takes the last one back.
map-undo = Undo the last corner
map-clear = Start again
banners-inside = Inside: { $names }.
banners-inside-more = Inside: { $names } and { $n } more.
banners-left-out = { $sites }; those of { $products } do not show it on their own pages, because their banners together are too long: name states or time zones instead, or end another banner
