### Los avisos de incidentes.

follow-incidents = Reciba avisos de incidentes
follow-lead = Cada actualización, en cuanto se publica.
your-e-mail = Su correo electrónico
e-mail-hint = Primero pedimos su confirmación ahí. No lo usamos para nada más y lo borramos cuando usted se da de baja.
what-to-follow = Sobre qué
every-incident = Todos los incidentes
one-site = Un sitio
all-sites-of-customer = Todos los sitios del cliente al que pertenece este sitio
the-site = El sitio
unless-every = (salvo que sean todos los incidentes)
follow-by-e-mail = Recibir avisos por correo
no-e-mail-yet = Aún no enviamos correos desde aquí. Los canales Atom y RSS dicen lo mismo.
without-e-mail = Sin correo electrónico
feed-reader = Use esta dirección en un lector de noticias:
look-into-mailbox = Revise su correo
asked-lead = Si esta dirección aún no recibe avisos, le llegará un correo con un enlace. Confirme ahí en el plazo de una semana.
back-to-status = Volver al estado
what-you-follow = Los avisos que recibe
do-you-want-to-follow = ¿Desea recibir avisos?
follows-since = { $address } recibe avisos de { $about } desde
asked-to-follow = Se pidió que { $address } reciba avisos de { $about }.
yes-follow = Sí, recibir avisos
stop = Darme de baja
no = No
you-follow-no-more = Ya no recibe estos avisos
address-forgotten = Borramos la dirección.
follow-something-else = Recibir otros avisos
site-gone = un sitio que ya no existe
customer-gone = un cliente que ya no existe
all-sites-of = todos los sitios de { $name }
the-product = el producto { $name }
every-incident-lower = todos los incidentes
incidents-of-them = incidentes de { $names }
look-it-up = No conocemos este sitio. Búsquelo en «Su sitio».
e-mail-refused = Este correo electrónico no es válido. Tiene una forma como nombre@anytown.gov.
you-do-not-follow = Usted no recibe estos avisos
no-longer-follow = Ya no recibe los avisos de este enlace, o el enlace está incompleto. No guardamos la dirección de quienes se dan de baja.
follow-something = Recibir avisos
page-follow = Avisos

### Correos a quienes reciben avisos.

mail-looking = Lo estamos investigando. Se trata de { $scope }.
mail-planned = Está programado para { $scope }: { $when }.
mail-all-updates = Todas las actualizaciones
mail-you-follow = Usted recibe avisos de { $about }. Para darse de baja: { $url }
mail-because = Usted recibe este mensaje de { $team } porque pidió avisos de { $about }.
mail-stop = Darme de baja
mail-ask = ¿Desea recibir avisos de incidentes?
mail-somebody = Alguien, probablemente usted, pidió a { $team } recibir por correo electrónico avisos de { $about }.
mail-say-yes = Confirme aquí
mail-not-you = Si no fue usted, no haga nada: no recibirá correos, y la dirección se borra después de una semana.
scope-all = todos los sitios
scope-products = los sitios de { $names }
scope-zones = { $sites } en { $names }
scope-releases = { $sites } con la versión { $names }
