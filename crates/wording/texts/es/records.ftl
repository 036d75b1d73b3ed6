### Lo registrado, en palabras: qué sitios, alarmas, campañas, qué sucedió.

sites-all = todos los sitios
sites-of-products = sitios de { $products }
sites-in = { $scope } en { $zones }
sites-running = { $scope } con la versión { $releases }
alarm-reports =
    { $n ->
        [one] { $n } sitio envió reportes
       *[other] { $n } sitios enviaron reportes
    }
alarm-failures =
    { $n ->
        [one] { $n } inicio de sesión falló
       *[other] { $n } inicios de sesión fallaron
    }
alarm-silence =
    { $n ->
        [one] solo hubo { $n } inicio de sesión
       *[other] solo hubo { $n } inicios de sesión
    }
alarm-within-minute = un minuto
alarm-within = { $n } minutos
alarm-usual-none = lo habitual es casi ninguno
alarm-usual-most = lo habitual es { $expected } como máximo
alarm-usual-least = lo habitual es { $expected } como mínimo
alarm-words = { $what } en { $within }, cuando { $usual }
alarm-sentence = { $words } ({ $where }). Mejor explicación: { $explained }.
node-fleet = toda la flota
node-product = producto { $product }
node-zone = sitios en { $zone }
node-product-zone = producto { $product } en { $zone }
node-term = reportes de { $term }
term-sign-in = inicio de sesión
term-error = errores
term-loading = páginas que no cargan
term-payment = pagos
explained-nothing = nada en particular
explained-ties = { $first } (o igual de bien: { $rest })
explained-product = producto { $list }
explained-release = versión { $list }
explained-zone = zona { $list }
either = o
explained-code = código de error { $list }
campaign-action-clear-cache = vaciar la caché
campaign-action-refresh = recargar
campaign-action-activate = activar la versión { $version }
fact-stage =
    { $stage ->
        [proposed] propuesto
        [investigating] en investigación
        [identified] causa identificada
        [monitoring] en observación
        [completed] resuelto
        [dismissed] descartado
        [scheduled] programado
        [in_progress] en curso
        [verifying] en verificación
        [cancelled] cancelado
       *[other] { $stage }
    }
fact-activated =
    La versión { $version } de { $product } se activó en { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }.
fact-first-report = Un cliente reportó { $site }, el primero del incidente.
fact-alarm = La detección dio una alarma: { $words }.
fact-proposed = La alarma propuso este incidente.
fact-paged = Se llamó a las personas de guardia.
fact-acknowledged = { $by } respondió a la llamada.
fact-widened = La alarma amplió el incidente: desde ahora trata de { $scope }.
fact-opened = { $by } abrió el incidente.
fact-added = { $by } agregó el incidente después de que terminó.
fact-added-from = { $by } agregó el incidente después de que terminó, desde { $source }.
fact-planned = { $by } programó el mantenimiento.
fact-moved = { $by } cambió el horario del mantenimiento.
fact-reminded = Se recordó el mantenimiento a los seguidores.
fact-accepted = { $by } aceptó el incidente.
fact-for-everybody = { $by } permitió que todas las personas leyeran el incidente.
fact-for-affected = { $by } permitió que solo las organizaciones afectadas leyeran el incidente.
fact-dismissed = { $by } descartó la propuesta: { $reason }
fact-posted = { $by } publicó «{ $template }» ({ $stage }).
fact-posted-update = { $by } publicó una actualización ({ $stage }).
fact-corrected = { $by } corrigió una publicación: { $reason }
fact-official = { $by } publicó el comunicado oficial.
fact-campaign =
    Comenzó una campaña: { $action } en { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }.
fact-campaign-at =
    La campaña había comprobado { $done } de { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }; { $failed } con fallas.
fact-campaign-paused = La campaña quedó en pausa: { $reason }.
fact-campaign-resumed = La campaña continuó.
fact-campaign-ended =
    La campaña terminó: { $done ->
        [one] { $done } sitio comprobado
       *[other] { $done } sitios comprobados
    }, { $failed } con fallas.
fact-sites-counted =
    De { $n ->
        [one] { $n } sitio del incidente
       *[other] { $n } sitios del incidente
    }, { $failing } con fallas y { $restored } restablecidos.
fact-sign-ins-counted =
    De { $n ->
        [one] { $n } inicio de sesión
       *[other] { $n } inicios de sesión
    }, { $failures } con fallas.
fact-watch-ended =
    Terminó el período de observación; { $n ->
        [one] { $n } sitio con fallas
       *[other] { $n } sitios con fallas
    }.
fact-completed = { $by } dio el incidente por resuelto.

## Quién actúa por sí mismo.

who-customer = un cliente
who-campaigns = las campañas
who-detection = la detección
who-schedule = la programación
who-watch = la observación
