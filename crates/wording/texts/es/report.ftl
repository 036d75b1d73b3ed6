### El informe del incidente, hasta donde los registros pueden escribirlo.

report-title = Informe del incidente:
report-times = Las horas son las de
report-impact = Alcance
report-detection = Detección
report-response = Respuesta
report-cause = Causa
report-well = Qué funcionó bien
report-follow-ups = Seguimientos
report-nothing = No se registró nada.
report-record = Registro { $id }, { $at }: { $line }

## Lo que escribe una persona: va después de una marca y antes de un punto.

report-write-cause = qué falló, y por qué no se vio antes de activar la versión
report-write-well = qué ayudó, y debería conservarse
report-write-follow-ups = qué va a cambiar, quién se encarga, y para cuándo

## Lo que dicen los registros.

report-affected =
    El inicio de sesión se vio afectado en { $scope }: { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }.
report-sign-ins =
    Entre el { $from } y el { $until } { $failures ->
        [one] falló { $failures } de { $n ->
            [one] { $n } inicio de sesión
           *[other] { $n } inicios de sesión
        }
       *[other] fallaron { $failures } de { $n ->
            [one] { $n } inicio de sesión
           *[other] { $n } inicios de sesión
        }
    }.
report-restored = Quedó restablecido en todas partes { $after } después de comenzar, el { $at }.
report-rollout =
    El { $at } ya había comenzado el despliegue de { $release }; llegó a { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    } antes de que se propusiera el incidente.
report-first = El { $at }, el primer cliente reportó un error al iniciar sesión.
report-alarm = El { $at }, la detección dio una alarma: { $words }.
report-alarm-after = El { $at }, la detección dio una alarma: { $words }, { $after } después del primer reporte.
report-opened = El { $at }, { $by } abrió el incidente.
report-added = El { $at }, { $by } agregó el incidente, después de que terminó.
report-planned = El { $at }, { $by } anunció el mantenimiento.
report-moved = El { $at }, { $by } cambió el horario del mantenimiento.
report-accepted = El { $at }, { $by } aceptó el incidente.
report-acknowledged = El { $at }, { $by } respondió a la llamada.
report-told = El { $at }, { $by } informó a los clientes: { $template }.
report-posted = El { $at }, { $by } publicó una actualización para los clientes.
report-campaign =
    El { $at } comenzó una campaña ({ $action }) en { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }, al ritmo que sus servidores podían soportar.
report-campaign-paused = El { $at }, la campaña quedó en pausa: { $reason }.
report-campaign-resumed = El { $at }, la campaña continuó.
report-campaign-ended =
    El { $at } terminó la campaña: un inicio de sesión de prueba dio resultado en { $done ->
        [one] { $done } sitio
       *[other] { $done } sitios
    }, y todavía no en { $failed }.
report-watch-ended =
    El { $at } terminó el período de observación; { $n ->
        [one] { $n } sitio con fallas
       *[other] { $n } sitios con fallas
    }.
report-completed = El { $at }, el incidente se dio por resuelto.
report-noted = El { $at }: { $words }
report-follow-up = { $text } { $owner }, a más tardar el { $due }.
report-follow-up-done = { $text } { $owner }, a más tardar el { $due } (hecho).
report-follow-up-dropped = { $text } { $owner }, a más tardar el { $due } (descartado).
