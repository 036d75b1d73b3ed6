### El marco de la consola: sus secciones y páginas, su buscador, palabras que comparten sus páginas.

# Las palabras de toda la consola, siempre las mismas:
#   alarm = alarma; audience = audiencia; audit = auditoría; banner = aviso; campaign = campaña;
#   config = configuración; drill = simulacro; fleet = flota; follow-up = seguimiento;
#   follower = seguidor; incident = incidente; incident report = informe del incidente; lamp = luz;
#   on call = de guardia; people = personas; planned work = mantenimiento programado, como lo leen
#   los clientes; release = versión; report (de un cliente) = reporte; rollout = despliegue;
#   site = sitio; template = plantilla; to restore = restablecer; token = token; update = actualización;
#   wave = oleada.

nav-lamps = Luces
nav-incidents = Incidentes
nav-planned-work = Mantenimiento programado
nav-alarms = Alarmas
nav-reports = Reportes
nav-follow-ups = Seguimientos
nav-customers = Clientes
nav-banners = Avisos
nav-templates = Plantillas
nav-comments = Comentarios
nav-followers = Seguidores
nav-fleet = Flota
nav-sites = Sitios
nav-campaigns = Campañas
nav-delivery = Entrega
nav-releases = Versiones
nav-config = Configuración
nav-settings = Ajustes
nav-on-call = De guardia
nav-calendars = Calendarios
nav-sign-in = Inicio de sesión
nav-people = Personas
nav-audit = Auditoría
nav-api = API
nav-design = Diseño
nav-section = Sección
public-status = Estado público
find-everywhere = En todo
find-label = Buscar una página, un sitio, un incidente
find = Buscar
find-found = Resultados
find-what = Escriba palabras de una página, un sitio, un incidente, una campaña o una versión.
find-named = Lo que contiene «{ $q }» en su nombre.
find-nothing = Nada contiene estas palabras en su nombre.
find-pages = Páginas
no-such-incident = No existe ese incidente.
give-day-and-time = indique un día y una hora
none-yet-campaign = Todavía ninguna.
none-yet-report = Todavía ninguno.
none-yet-update = Todavía ninguna.
n-of-total = { $n } de { $total }
no-sites = ningún sitio
