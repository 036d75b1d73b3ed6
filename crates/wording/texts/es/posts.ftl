### Lo que se dice donde ninguna persona escribe.

## Las plantillas incluidas. Lo que aquí lleva un signo de dólar es allí un espacio.

template-team = Nuestros ingenieros
template-products = sitio
template-no-change-name = Sin cambios
template-no-change = { $team } siguen trabajando para resolver este problema lo antes posible. Se agregará una actualización a esta publicación cuando esté disponible[[, en un plazo de { $within }]].
template-timeline-name = Plazo estimado
template-timeline = { $team } han identificado el problema[[ y esperan tener lista una solución { $estimate }]].
template-fix-name = Solución aplicada
template-fix = { $team } han aplicado una solución y han restablecido el servicio en su { $products }. El informe del incidente se publicará aquí en un plazo de { $within }.
template-gap-team = Equipo
template-gap-next-update = Próxima actualización
template-gap-estimate = Plazo estimado
template-gap-products = Productos
template-gap-report-within = Plazo del informe

## Publicaciones y títulos que hacen el tiempo o una alarma.

title-proposed = Problema de inicio de sesión reportado en { $scope }
post-watch-is-over = El período de observación terminó y el inicio de sesión funciona en todos los sitios afectados. Este incidente está resuelto.
post-work-has-begun = El mantenimiento programado ha comenzado.
post-work-is-done = El mantenimiento programado ha terminado.

## Llamadas a las personas de guardia.

page-wider = { $title } afecta a más sitios que antes: { $alarm }
page-promised-update = una actualización
page-promised-report = el informe del incidente
page-promise-soon = { $title }: se prometió { $what } a más tardar el { $due }
page-promise-late = { $title }: se prometió { $what } a más tardar el { $due }, y el plazo venció
page-promise-unanswered = { $title }: se prometió { $what } a más tardar el { $due }, el plazo venció y nadie ha respondido
page-overrun = { $title }: el horario del mantenimiento programado terminó, y nadie ha dicho cómo resultó
page-was-over-before = Este incidente terminó antes de que llegara el momento.
page-not-posted = { $title }: la actualización que { $who } escribió para el { $at } no se publicó: { $reason }

## Por qué una campaña está detenida. El registro lo dice después de dos puntos.

campaign-paused-by = lo decidió { $who }
campaign-halted-itself = se detuvo sola: { $reason }
campaign-halted-because =
    { $failed ->
        [one] falló { $failed } de { $n ->
            [one] { $n } sitio
           *[other] { $n } sitios
        }
       *[other] fallaron { $failed } de { $n ->
            [one] { $n } sitio
           *[other] { $n } sitios
        }
    } en la oleada { $wave } ({ $what }), se tolera el { $tolerated } %; lo último que se obtuvo: { $last }
campaign-release = versión { $version }
campaign-aborted-by = { $who } interrumpió la campaña: { $action }.
wave-canaries = de prueba
wave-reported = con reportes
page-rollout-halted = Se detuvo la distribución de { $document }, versión { $version }, y sus sitios leen otra vez la versión anterior: { $why }
rollout-refused = sitios que la rechazaron: { $n }
rollout-refused-first = { $what }; { $site }: { $reason }
rollout-canaries-fail = sitios de prueba donde el inicio de sesión funcionaba y ahora falla: { $n }
rollout-waits-silent = agentes: no se ha sabido de ninguno últimamente
rollout-waits-acks = agentes de sitios que aún no la tienen: { $n }
rollout-waits-canaries = sitios de prueba que aún no han iniciado sesión: { $n }
rollout-waits-time = el final del tiempo en que se notaría un fallo
page-rollout-waits = La distribución de { $document }, versión { $version }, lleva una hora parada. Espera: { $what }
page-refused = { $site } rechazó { $document }, versión { $version }, que reciben todos los sitios: { $reason }
page-was-refused = Fue rechazada; la auditoría dice por qué.
page-root-expires = La raíz de la configuración vale { $days } días más y se firma en otro lugar. Prepare la siguiente con «lamplighter keys root draft», fírmela allí y publíquela: después los agentes no aceptan configuración
page-root-unsigned = La raíz de la configuración vale { $days } días más, y este servidor no pudo firmar la siguiente. Su registro dice por qué: después los agentes no aceptan configuración
page-metadata-unsigned = La configuración firmada vale { $days } días más, y este servidor no pudo firmarla de nuevo. Su registro dice por qué: después los agentes no aceptan configuración
