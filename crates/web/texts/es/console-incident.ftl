### Un incidente como lo ve el personal: qué decide, qué informa, qué sucedió.

began-lower = comenzó
from-lower = desde
what-customers-see = Lo que ven los clientes
paged-about-it = Se llamó a las personas de guardia:
as-customers-read = Así lo leerán los clientes
is-posted-at = Se publicará:
post-it-then = Publicarla a esa hora
post-it = Publicarla
change-it = Cambiarla
waiting-to-be-posted = En espera de publicarse
cancel-it = Cancelarla
is-it-an-incident = ¿Es un incidente?
alarm-proposes-it = Lo propone una alarma. Los clientes no ven nada hasta que usted lo acepte.
incident-title-hint = Lo leen los clientes: indique lo que ven, no lo que se averió.
accept-and-tell = Aceptarlo e informar a los clientes
it-is-none = No lo es
why-not = Por qué no
dismiss-the-proposal = Descartar la propuesta
tell-customers = Informar a los clientes
told-followers = Se avisó a { $n } de { $all } seguidores.
told-followers-but = Se avisó a { $n } de { $all } seguidores; con { $failed } no fue posible.
why-not-reached = Por qué no se pudo avisar a todos
official-word = Su comunicado sobre todo el incidente
post-official-comment = Publicar el comunicado oficial
the-window = El horario
move-it = Cambiarlo
own-clock = La hora local de cada sitio
move-and-tell = Cambiarlo y avisar a los seguidores
incident-report = Informe del incidente
report-is-drafted = El borrador se hace con lo registrado abajo; la causa, lo que salió bien y los seguimientos los escribe usted. Otra persona lo aprueba.
read-write-publish = Leerlo, escribirlo y publicarlo
restore-the-sites = Restablecer los sitios
see-the-campaign = Ver la campaña
waves =
    { $n ->
        [one] { $n } oleada
       *[other] { $n } oleadas
    }
proposed-campaign = Propuesta: { $action } en { $sites }, en { $waves } por zona horaria. Cada sitio se comprueba con un inicio de sesión de prueba.
proposed-campaign-takes = Propuesta: { $action } en { $sites }, en { $waves } por zona horaria, en unos { $takes }. Cada sitio se comprueba con un inicio de sesión de prueba.
start-this-campaign = Iniciar esta campaña
sites-of-incident-caption = Sitios de este incidente por zona horaria
nothing-yet = Todavía nada.
follow-up-overdue = vencido
all-to-be-done = Todo lo pendiente
add-a-follow-up = Agregar un seguimiento
what-will-be-done = Qué se hará
follow-up-hint = Los clientes lo leen junto al informe.
who-sees-to-it = Quién se encarga
follow-up-by = Fecha límite
add-it = Agregarlo
give-the-day = Indique el día en que debe estar hecho.
the-case = El caso
released-before = Publicado poco antes
case-release = { $product } { $version } en { $sites }
reports-counted =
    { $n ->
        [one] { $n } reporte
       *[other] { $n } reportes
    }
posted-the = { $who } publicó el
official-comment-lower = comunicado oficial
correct-it = Corregirla
text-as-it-stands = El texto como debe quedar
why = Por qué
correction-hint = Los clientes lo leen, y también lo que decía antes.
correct-the-update = Corregir la actualización
what-happened = Qué sucedió
timeline-caption = El registro de lo sucedido, lo más reciente primero
when-head = Cuándo
what-head = Qué
by-head = Quién
