### Incidentes, mantenimiento programado e informes.

how-far = Cómo avanza
added-afterwards-at = Agregado después,
official-comment = Comunicado oficial
read-the-incident-report = Leer el informe del incidente
updates = Actualizaciones
first-update = Se está redactando la primera actualización.
sites-it-concerns = Sitios afectados
incident-sites-caption = Sitios de este incidente por zona horaria, de oeste a este
comments = Comentarios
write-a-comment = Escribir un comentario
all-and-write = Ver { $comments } y escribir uno
about-this-incident = Sobre este incidente
began = Comenzó
impact = Alcance
what-is-said = Lo que se informa
when-on-clocks = Cuándo, en la hora local de los sitios
when-caption = El horario en cada zona, de oeste a este, en hora local
sites-head = Sitios
from = Desde
until = Hasta
about-this-work = Sobre este mantenimiento
calendar = Calendario
all-as-icalendar = Todo el mantenimiento programado en iCalendar
what-follows = Seguimientos
due-by = a más tardar el { $day }
back-to = Volver al incidente: { $title }
as-pdf = En PDF
posted-by = Publicado por { $who },
corrected = Corregido
it-said = decía lo siguiente. { $who } lo cambió:
stage-proposed = Propuesto
stage-investigating = En investigación
stage-identified = Causa identificada
stage-monitoring = En observación
stage-completed = Resuelto
stage-dismissed = Descartado
stage-scheduled = Programado
stage-in-progress = En curso
stage-verifying = En verificación
stage-cancelled = Cancelado
impact-none = Sin efecto
impact-minor = Pocos sitios
impact-major = Muchos sitios
impact-critical = La mitad de los sitios o más
over-since = Terminó el { $when }.
over-concerned =
    Terminó el { $when }. Afectó a { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }.
promise-report = El informe del incidente se publicará aquí a más tardar el { $when }.
promise-update = La próxima actualización se publicará aquí a más tardar el { $when }.
promise-counted = { $when } (en un plazo de { $length }, según el calendario { $calendar })
promise-late = { $promise } Está retrasado; le pedimos disculpas.
window = de { $from } a { $until }
window-local = de { $from } a { $until }, hora local de cada sitio
work-in-progress = Se está realizando ahora en { $sites }: { $when }.
work-verifying = Se realizó en { $sites } y estamos verificando que todo funcione.
work-completed = Terminó. Abarcó { $sites }: { $when }.
work-cancelled = Se canceló. Estaba programado para { $sites }: { $when }.
work-planned = Programado para { $sites }: { $when }.
follow-up-done = Hecho
follow-up-dropped = No se hizo: { $reason }
added-on = Agregado después, el { $day }.
feed-about = { $title }: lo que se informa, una entrada por actualización

### Las palabras de un informe que nadie escribió.

report-of = Informe del incidente:
report-records = Registros
report-page = Página { $n } de { $count }
