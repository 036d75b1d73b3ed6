### Avisos, y cómo se nombra un área.

banners-title = Avisos
banners-lead = Palabras en las páginas de los sitios de un área, y en los propios sitios. Mientras se muestra uno, los reportes de ahí van primero.
banners-preview = Como lo verá la gente
banners-add = Mostrarlo
banners-text = Lo que dice
banners-severity = Qué tan urgente es
banners-where = Dónde
banners-where-hint = Los sitios de cualquiera de estos lugares. Sin lugar: en todas partes.
banners-states = Estados
banners-counties = Condados
banners-corners = Esquinas de un área dibujada
banners-corners-hint = Una esquina por línea: latitud, longitud. Al menos tres, en orden; o un polígono GeoJSON.
banners-with-script = Con scripts, un clic en el mapa agrega una esquina.
banners-map = Mapa de los sitios de la flota y del área dibujada
banners-no-map = Ningún sitio de la flota tiene coordenadas: no hay mapa de ellos.
banners-zone = Zona horaria
banners-no-zone = Ninguna
banners-hosts = Nombres de host
banners-product = De un producto
banners-any-product = De cualquiera
banners-when = Cuándo
banners-when-hint = En { $zone }. Vacío: desde ahora, hasta que alguien lo retire.
banners-from = Desde
banners-until = Hasta
banners-look = Revisarlo primero
banners-all = Todos los avisos
banners-none = Aún no ha habido ninguno.
banners-since = desde
banners-to = hasta
banners-end = Retirarlo
banners-state-over = terminó
banners-state-stands = se muestra
banners-state-waits = se mostrará
banners-stands-on =
    Se muestra en las páginas de { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }: { $area }.
banners-without-point =
    { $n ->
        [one] { $n } sitio no tiene coordenadas y no puede
       *[other] { $n } sitios no tienen coordenadas y no pueden
    } estar dentro de un área dibujada.
banners-extent = El área dibujada va de la latitud { $south } a la { $north } y de la longitud { $west } a la { $east }.
area-all = todos los sitios
area-drawn = un área dibujada de { $n } esquinas
area-more = { $places } y { $n } más
area-of-product = sitios de { $products }
area-of-product-in = sitios de { $products } en { $places }
map-of = Mapa de
map-all-sites = todos los sitios
map-corner = Esquina { $n }: { $at }
map-undone = Se quitó la esquina { $n }.
map-cleared = No queda ninguna esquina.
map-keys = Con el teclado: las flechas mueven la cruz (con Mayús, en pasos pequeños), Intro agrega una esquina allí y Retroceso quita la última.
map-undo = Quitar la última esquina
map-clear = Empezar de nuevo
banners-inside = Dentro: { $names }.
banners-inside-more = Dentro: { $names } y { $n } más.
banners-left-out = { $sites }; los de { $products } no lo muestran en sus propias páginas, porque sus avisos juntos son demasiado largos: indique estados o zonas horarias, o retire otro aviso
