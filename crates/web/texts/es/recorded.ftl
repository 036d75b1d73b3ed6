### Lo que se registra en inglés y se muestra después: por qué fallaron sitios, campañas y mensajes, qué se dijo a la guardia.

campaign-paused-by = { $who } la pausó
campaign-halted-itself = se detuvo sola: { $said-why }
campaign-halted = { $n } de { $n-all } sitios fallaron en la oleada { $said-wave } ({ $said-release }), se tolera el { $percent } %; el último dijo: { $said-last }
part-wave-canaries = de prueba
part-wave-reported = con reportes
part-release = versión { $said-versions }
part-product = producto { $said-products }
campaign-aborted-by = { $who } interrumpió la campaña: { $said-action }.
part-action-clear-cache = vaciar la caché
part-action-refresh = recargar
part-action-activate = activar la versión { $version }
probe-works = el inicio de sesión funciona, en { $seconds } s
probe-fails = el inicio de sesión falla: { $code }
probe-no-answer = sin respuesta: { $said-why }
no-such-site = no existe ese sitio
probe-no-product = su producto no se conoce
probe-not-running = las pruebas no tienen sesión de prueba: el inicio de sesión no está en marcha aquí
probe-no-session = no hay sesión de prueba: { $said-why }
probe-no-url = su dirección, o la del proveedor, no es una URL
timed-out = se agotó el tiempo
no-connection = no se pudo conectar
connection-broke = se interrumpió la conexión
job-not-ready = no está listo: { $said-why }
job-no-secret = el producto no tiene un webhook_secret para firmar
job-webhook-answered = webhook: respondió { $status }
job-webhook = webhook: { $said-why }
job-agent = agente: { $said-why }
job-replaced = una acción más reciente ocupó el lugar de esta
job-no-agent = ningún agente respondió por este sitio
agent-not-serving = este agente no atiende { $site }
agent-not-its-site = no es un sitio de este agente
agent-no-hook = este agente no tiene configurado cómo activar versiones: no puede cambiar el código del sitio
told-no-announcement = el anuncio ya no existe
told-no-incident = el incidente ya no existe
told-stopped = el servidor se detuvo antes de enviarlo
told-not-for = el incidente ya no es para este seguidor
told-not-in-memory = la publicación aún no está en la memoria
told-not-now = el mensaje no se puede escribir ahora
told-no-mail-now = el correo no se puede escribir ahora
told-answered = el destinatario respondió { $status }
told-no-address = la dirección no es válida
page-update-due = { $title }: se prometió una actualización para el { $due }
page-update-late = { $title }: se prometió una actualización para el { $due } y está retrasada
page-update-unanswered = { $title }: se prometió una actualización para el { $due }, está retrasada y nadie ha respondido
page-report-due = { $title }: se prometió el informe del incidente para el { $due }
page-report-late = { $title }: se prometió el informe del incidente para el { $due } y está retrasado
page-report-unanswered = { $title }: se prometió el informe del incidente para el { $due }, está retrasado y nadie ha respondido
page-work-over = { $title }: terminó el horario del mantenimiento programado y nadie ha dicho cómo resultó
page-not-posted = { $title }: la actualización que { $who } escribió para el { $at } no se publicó: { $said-why }
page-wider = { $said-title } afecta a más sitios que antes: { $said-alarm }
page-proposed = Se reportó un problema de inicio de sesión en { $said-scope }: { $said-alarm }
part-title = Problema de inicio de sesión reportado en { $said-scope }
alarm = { $said-what } en { $said-within }, cuando { $said-usual } ({ $said-node }). Mejor explicación: { $said-explained }
part-alarm-report = 1 sitio envió reportes
part-alarm-reports = { $n } sitios enviaron reportes
part-alarm-failures =
    { $n ->
        [one] { $n } inicio de sesión falló
       *[other] { $n } inicios de sesión fallaron
    }
part-alarm-silence =
    solo { $n ->
        [one] hubo { $n } inicio de sesión
       *[other] hubo { $n } inicios de sesión
    }
part-alarm-minute = un minuto
part-alarm-minutes = { $n } minutos
part-usual-none = lo habitual es casi ninguno
part-usual-most = lo habitual es { $expected } como máximo
part-usual-least = lo habitual es { $expected } como mínimo
part-node-fleet = toda la flota
part-node-product-in = producto { $product } en { $zone }
part-node-zone = sitios en { $zone }
part-node-term = reportes de { $said-term }
part-term-sign-in = inicio de sesión
part-term-errors = errores
part-term-loading = páginas que no cargan
part-term-payments = pagos
part-explained-nothing = nada en particular
part-explained-ties = { $said-first } (o igual de bien: { $said-rest })
part-explained-zone = zona { $said-zones }
part-explained-code = código de error { $said-codes }
part-explained-product-and = producto { $said-products }, { $said-rest }
part-explained-release-and = versión { $said-versions }, { $said-rest }
part-explained-zone-and = zona { $said-zones }, { $said-rest }
part-or = { $one } o { $said-other }
probe-connect = la dirección de conexión (connect) es incorrecta
probe-canary-taken = la dirección de la cuenta de prueba ya está en uso
rollout-refused = sitios que la rechazaron: { $n }
rollout-refused-by = sitios que la rechazaron: { $n }; { $site }: { $reason }
rollout-canaries = sitios de prueba donde el inicio de sesión funcionaba y ahora falla: { $n }
rollout-replaced = sustituida por la versión { $version }
page-rollout-halted = Se detuvo la distribución de { $document }, versión { $version }, y sus sitios leen otra vez la versión anterior: { $said-why }
part-rollout-waits-silent = agentes: no se ha sabido de ninguno últimamente
part-rollout-waits-acks = agentes de sitios que aún no la tienen: { $n }
part-rollout-waits-canaries = sitios de prueba que aún no han iniciado sesión: { $n }
part-rollout-waits-time = el final del tiempo en que se notaría un fallo
page-rollout-waits = La distribución de { $document }, versión { $version }, lleva una hora parada. Espera: { $said-what }
page-refused = { $site } rechazó { $document }, versión { $version }, que reciben todos los sitios: { $reason }
page-root-expires = La raíz de la configuración vale { $n } días más y se firma en otro lugar. Prepare la siguiente con «lamplighter keys root draft», fírmela allí y publíquela: después los agentes no aceptan configuración
page-root-unsigned = La raíz de la configuración vale { $n } días más, y este servidor no pudo firmar la siguiente. Su registro dice por qué: después los agentes no aceptan configuración
page-metadata-unsigned = La configuración firmada vale { $n } días más, y este servidor no pudo firmarla de nuevo. Su registro dice por qué: después los agentes no aceptan configuración
enrolment-any = para cualquier sitio
enrolment-product = para sitios de { $product }
enrolment-sites = para { $n } sitios
enrolment-sites-product = para { $n } sitios de { $product }
