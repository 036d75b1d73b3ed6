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
config-accepts-rule = las versiones que acepta se escriben como ^5 o >=5.1, <6: { $problem }
