### El marco de todas las páginas.

skip = Ir al contenido
nav-main = Principal
foot-times = Cada hora indica su zona horaria.
report-a-problem = Reportar un problema
foot-api = API
foot-staff = Para el equipo
zone-label = Mostrar las horas en
zone-show = Mostrar

### La descripción de la API.

api-for-programs = Para programas:
api-description = esta descripción en OpenAPI 3.1
api-in-english = Está en inglés.
