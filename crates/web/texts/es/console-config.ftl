### Los documentos que configuran los servicios compartidos.

config-title = Configuración
config-lead =
    Conjunto firmado { $version }, en poder de { $n ->
        [one] { $n } agente
       *[other] { $n } agentes
    }. Un sitio solo recibe lo que acepta el código que ejecuta.
config-none = Aún no se ha publicado nada. Publique el primer documento con
config-documents = Documentos
config-document = Documento
config-newest = Más reciente
config-accepts = Acepta
config-lane = Turno
config-kept = Versiones guardadas
config-bytes = Tamaño en bytes
config-lane-first = primero
config-lane-other = después
config-shown = Versión { $version }, para el código { $accepts }.
config-not-published = Sin publicar.
config-who = Quién recibe cuál
config-no-site = Ningún sitio ejecuta este producto todavía.
config-code = Código { $release }
config-no-version = ninguna
config-version-of = versión { $version }
config-versions = Versiones
config-versions-caption = Versiones, de la más reciente a la más antigua
config-version = Versión
config-next = La próxima versión
config-honour = Código que puede cumplirla
config-honour-hint = Por ejemplo ^5, o >=5.1, <6. Se rechaza si una versión activa o preparada quedara sin documento.
config-settings = Ajustes, en JSON
config-publish = Publicarla
config-no-document = No existe ese documento, o no existe esa versión.
config-accepts-rule = las versiones que acepta se escriben como ^5 o >=5.1, <6
config-way = La versión { $version } está en camino
config-wave-canaries =
    { $n ->
        [one] 1 sitio de prueba
       *[other] { $n } sitios de prueba
    }
config-wave-1 = 1 % de los sitios
config-wave-10 = 10 % de los sitios
config-wave-all = Todos los sitios
config-way-held = En poder de { $held } de los { $sites } sitios que la reciben.
config-way-since = Esta etapa comenzó
config-way-goes-on = Sigue por sí sola cuando todos los agentes la tienen y los sitios de prueba inician sesión; lo que un sitio rechaza se retira.
config-why = Motivo
config-halt = Detenerla y retirarla
config-hasten = Darla ya a todos los sitios
config-difference = De la versión { $from } a la versión { $to }
config-same = Las dos dicen lo mismo.
config-state = Estado
config-reading = Sitios que la leen
config-holding = Sitios que la tienen
config-published = Publicada
config-compare = frente a la { $version }
config-older = Versiones anteriores
config-repeats = repite la versión { $version }
config-state-refused =
    { $n ->
        [one] rechazada por 1 sitio
       *[other] rechazada por { $n } sitios
    }
config-state-halted = detenida
config-state-on-its-way = en camino
config-state-over = sustituida
config-state-waits = espera a que se prepare el código que la admite
config-state-read = en uso
config-back = Volver atrás
config-back-hint = Lo que decía la versión anterior pasa a ser una versión nueva, para todos los sitios a la vez.
config-back-to = A la versión
config-go-back = Volver a ella
config-schema = JSON Schema
config-schema-label = El JSON Schema que los ajustes deben cumplir
config-schema-hint = Vale también para las próximas versiones. Si se deja vacío, todo vale.
config-at-once = A todos los sitios a la vez
config-at-once-hint = Sin sitios de prueba ni etapas; diga el motivo. La primera versión, y la que aún no lee ningún sitio, no necesitan etapas.
config-way-waits = Espera: { $what }.
config-layers = Capas
config-layers-lead = Lo que algunos sitios tienen distinto: se fusionan en el orden zona horaria, estado, condado, grupo, sitio.
config-layers-more =
    { $n ->
        [one] Y 1 capa más para un solo sitio.
       *[other] Y { $n } capas más, cada una para un solo sitio.
    }
config-layer = Capa
config-layer-sites = Sitios en ella
config-layer-new = Publicar una capa
config-layer-hint = zone:America/Chicago, state:CA, county:CA/Kern, group:NOMBRE o site:SITIO
config-patch = Lo que cambia, en JSON
config-patch-hint = Un parche de fusión (RFC 7396): los miembros que cambian, y null para los que desaparecen. Un objeto vacío termina una capa.
groups-title = Grupos de sitios
groups-lead = Las capas de configuración pueden ser para un grupo.
groups-none = Aún no hay ningún grupo.
groups-group = Grupo
groups-sites = Sitios
groups-new = Un grupo nuevo
groups-change = Cambiar { $name }
groups-name = Nombre
groups-name-hint = Letras de la a a la z, cifras y guiones, por ejemplo pioneros.
groups-its-sites = Sus sitios
groups-sites-hint = Nombres de host, uno por línea. Sin ninguno, el grupo deja de existir.
groups-save = Guardarlo
