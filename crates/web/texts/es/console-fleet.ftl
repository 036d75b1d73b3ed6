### Los sitios, una página a la vez.

fleet-title = Flota
fleet-showing = se muestran { $range }
fleet-range = { $from } a { $to }
fleet-words = Palabras del nombre de host, la organización o el lugar
fleet-words-example = Nombre de host, organización o lugar
fleet-zone = Zona horaria
fleet-all-zones = Todas las zonas horarias
fleet-state = Estado
fleet-any-state = Cualquier estado
fleet-show = Mostrar
fleet-none = Ningún sitio coincide.
fleet-sites = Sitios
fleet-site = Sitio
fleet-sign-in = Inicio de sesión
fleet-organization = Organización
fleet-runs = Ejecuta
fleet-county = Condado
