### La lista de incidentes, y los formularios que abren uno o agregan uno que ya terminó.

incidents-total =
    { $n ->
        [one] { $n } incidente
       *[other] { $n } incidentes
    }, los más recientes primero.
incidents-caption = Incidentes, los más recientes primero
incidents-which = Qué incidentes
incidents-all = Todos
incidents-open = Abiertos
incidents-proposed = Propuestos
incidents-past = Anteriores
incidents-none = No hay ninguno.
incidents-add-past = Agregar uno que ya terminó
incident-head = Incidente
state-head = Estado
not-well-head = Con problemas
promised-head = Prometido
open-an-incident = Abrir un incidente
open-lead = Los clientes lo ven de inmediato, y sus sitios cuentan como sitios con fallas hasta que algo demuestre lo contrario.
open-title-such-as = El inicio de sesión falla en algunos sitios
open-the-incident = Abrir el incidente
title-label = Título
all-products = Todos los productos
zone-of-sites = Zona horaria de los sitios
all-zones = Todas las zonas horarias
impact-by-share = Según la proporción de sitios afectados
past-heading = Agregar un incidente que ya terminó
past-lead = Aparece en el historial con estas horas, marcado «Agregado después». No se avisa a ningún seguidor. Un historial completo se carga desde un archivo:
past-title-such-as = El inicio de sesión falló en algunos sitios
past-add = Agregarlo al historial
choose-one = Elija uno
began-in-zone = Comenzó, hora de { $zone }
was-over-in-zone = Terminó, hora de { $zone }
was-over = Terminó
what-customers-read = Lo que leen los clientes
choose-an-impact = elija uno
field-problem = { $field }: { $problem }
