### Campañas: su lista, el plan de una y una en marcha.

campaigns-title = Campañas
campaigns-lead = Una acción sobre muchos sitios, al ritmo que soporta su origen. De la más reciente a la más antigua.
campaigns-plan = Planificar una campaña
campaigns-none = Aún no ha habido ninguna.
campaigns-caption = Campañas, de la más reciente a la más antigua
campaigns-campaign = Campaña
campaigns-state = Estado
campaigns-created = Creada
campaigns-took = Duración
campaign-state-planned = planificada
campaign-state-running = en curso
campaign-state-paused = en pausa
campaign-state-halted = detenida
campaign-state-finished = terminada
campaign-state-aborted = interrumpida
campaign-named = { $action }: { $selection }
campaign-on-sites =
    { $action } en { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }
campaign-all-of = todos los sitios de { $product }
campaign-sites-of = sitios de { $product }
campaign-hosts-of =
    { $n ->
        [one] { $n } sitio de { $product }
       *[other] { $n } sitios de { $product }
    }
campaign-in = { $sites } en { $places }
campaign-running = { $sites } con la versión { $version }
campaign-reported = { $sites }, con reportes
campaign-wave-canaries = sitios de prueba
campaign-wave-reported = con reportes
campaign-plan-lead = Vea primero a qué afectaría; nada ocurre antes de iniciarla.
campaign-plan-says =
    { $sites ->
        [one] { $sites } sitio
       *[other] { $sites } sitios
    } de { $organizations ->
        [one] { $organizations } organización
       *[other] { $organizations } organizaciones
    }, al servicio de { $people } personas. Primero { $canaries ->
        [one] va { $canaries } sitio de prueba
       *[other] van { $canaries } sitios de prueba
    }; los demás siguen solo si se comprueba que funcionan.
campaign-plan-takes = Al último ritmo medido tarda { $takes }.
campaign-plan-create = Crear esta campaña
campaign-what-is-done = Qué se hace
campaign-refresh = Recargar la configuración
campaign-clear-cache = Vaciar la caché de la configuración
campaign-activate = Activar una versión
campaign-release = Versión
campaign-release-hint = Solo para activar una, por ejemplo 5.2.0.
campaign-product = Producto
campaign-which-sites = En qué sitios
campaign-which-sites-hint = Cumplen todas las condiciones indicadas aquí. Sin condiciones, indique que se trata de todos.
campaign-all-sites = Todos los sitios del producto
campaign-zone = Zona horaria
campaign-any = Cualquiera
campaign-states = Estados
campaign-states-hint = Dos letras cada uno, por ejemplo CA, OR.
campaign-running-release = Versión que ejecutan
campaign-within-a-day = Con reportes en el último día
campaign-hosts = Nombres de host
campaign-hosts-hint = Uno por línea.
campaign-rate = Sitios por minuto
campaign-rate-hint = Vacío: según lo que el propio origen indica que soporta.
campaign-look = Ver el plan
campaign-began = comenzó
campaign-planned = planificada
campaign-ended = terminó
campaign-incident = El incidente al que responde
campaign-live = En vivo
campaign-pace = Ritmo: { $pace }. Un sitio cuenta como comprobado cuando un inicio de sesión de prueba en él tiene éxito.
campaign-pace-adaptive = Según lo que el propio origen indica que soporta
campaign-pace-rate = { $rate } por segundo, fijo
campaign-pace-at-a-time =
    { $n ->
        [one] { $n } sitio a la vez
       *[other] { $n } sitios a la vez
    }
campaign-course = Evolución
campaign-course-figures = Las cifras de la evolución
campaign-course-caption = Sitios comprobados en cada intervalo
campaign-until = Hasta
campaign-proved-in-it = Comprobados en él
campaign-proved-by-then = Comprobados hasta ahí
campaign-course-label = La evolución de la campaña; la frase de abajo dice lo mismo
campaign-course-says =
    { $done } de { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    } se comprobaron entre el { $from } y las { $until }, a lo sumo { $most } por minuto.
campaign-course-origin = Su origen estuvo ocupado al { $mean } de su capacidad, a lo sumo al { $most }.
campaign-course-proved = Sitios comprobados, { $done } de { $total }
campaign-course-rate = Comprobados por minuto, a lo sumo { $most }
campaign-course-busy = Origen ocupado, { $share } al final
campaign-course-unknown = no se sabe
campaign-waves = Oleadas
campaign-waves-caption = Oleadas en su orden
campaign-wave = Oleada
campaign-sites = Sitios
campaign-proved = Comprobados
campaign-under-way = En curso
campaign-given-up = Abandonados
campaign-shares = Proporciones
campaign-given-up-caption = Sitios abandonados, con el último motivo
campaign-site = Sitio
campaign-why = Motivo
campaign-figure-progress = Avance
campaign-figure-proved = { $done } de { $total } comprobados
campaign-figure-took = Duración
campaign-figure-left = Falta
campaign-figure-left-unknown = aún no se sabe
campaign-figure-pace = Ritmo actual
campaign-figure-rate = { $rate } sitios/min
campaign-figure-busy = Origen ocupado
campaign-figure-p95 = p95 del origen
campaign-figure-promise = { $p95 } s de { $promise } s prometidos
campaign-halted = Se detuvo sola en la oleada { $wave } el { $at }: { $reason }
campaign-start = Iniciar
campaign-pause = Pausar
campaign-resume = Reanudar
campaign-abort = Interrumpir
campaign-no-command = No existe esa orden.
campaign-none-left = No queda ningún sitio de este incidente por restablecer.
