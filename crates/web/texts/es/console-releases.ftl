### Lo que ejecutan los sitios de cada producto.

releases-title = Versiones
releases-lead = Un sitio ejecuta una versión solo cuando su agente tiene configuración verificada para ella.
releases-caption = Versiones de { $product }, de la más reciente a la más antigua
releases-release = Versión
releases-state = Estado
releases-running = Sitios que la ejecutan
releases-share = Proporción
releases-ready = Listos para ella
releases-next = Siguiente paso
releases-ready-of = { $ready } de { $sites }
releases-who-not = Cuáles no, y por qué
releases-roll-out = Desplegarla
releases-retire = Retirar
releases-stage = Preparar una versión
releases-version = Número de versión
releases-stage-it = Prepararla
releases-stage-hint = Su configuración debe publicarse primero. Los agentes obtienen lo que necesita; ningún sitio la ejecuta todavía.
releases-no-product = Aún no hay ningún producto.
releases-import = Importe una flota
releases-import-first = primero.
releases-state-imported = importada
releases-state-staged = preparada
releases-state-live = activa
releases-state-retired = retirada
