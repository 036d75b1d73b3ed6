### La página de estado y las listas de incidentes.

as-of = Actualizado:
look-again = Volver a consultar
what-happens-next = Qué sigue
is-your-site-affected = ¿Está afectado su sitio?
find-placeholder = anytown.gov, o su ciudad
look-up-your-site = Buscar su sitio
now = Ahora
since = desde
by-time-zone = Por zona horaria
by-time-zone-caption = Sitios de cada zona horaria, de oeste a este
time-zone = Zona horaria
by-product = Por producto
by-product-caption = Sitios de cada producto
product = Producto
past-incidents = Incidentes anteriores
none = Ninguno.
added-afterwards = Agregado después
read-the-report = Leer el informe
report-on = sobre { $title }
to = a
all-past-incidents = Todos los incidentes anteriores
follow-colon = Reciba avisos:
by-e-mail = por correo electrónico
or = o
each-update-an-entry = una entrada por actualización.
incidents = Incidentes
incidents-of = Incidentes de { $name }
planned-work = Mantenimiento programado
banner-for = para { $area }
shares = Proporciones
said-about-them = Lo que se informa
its-sites = Sus { $sites }
pages-of-the-list = Páginas de la lista
previous = Anterior
next = Siguiente
follow-them = Reciba avisos:
headline-failing =
    El inicio de sesión falla en { $n } de { $total ->
        [one] { $total } sitio
       *[other] { $total } sitios
    }.
headline-restoring =
    Se está restableciendo el inicio de sesión en { $n } de { $total ->
        [one] { $total } sitio
       *[other] { $total } sitios
    }.
headline-reported =
    Se reportan problemas de inicio de sesión en { $n } de { $total ->
        [one] { $total } sitio
       *[other] { $total } sitios
    }.
headline-well =
    El inicio de sesión funciona en { $n } de { $total ->
        [one] { $total } sitio
       *[other] { $total } sitios
    }.
headline-unknown = No se conoce ninguna falla del inicio de sesión.
lead-restoring =
    { $n ->
        [one] { $n } se está restableciendo
       *[other] { $n } se están restableciendo
    }
lead-restored =
    { $n ->
        [one] { $n } se restableció y verificó
       *[other] { $n } se restablecieron y verificaron
    }
lead-reported =
    { $n ->
        [one] { $n } más tiene reportes
       *[other] { $n } más tienen reportes
    }
lead-none-checked =
    Conocemos { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }; aún no se ha verificado ninguno.
lead-rest-unchecked =
    Está comprobado que funciona en { $n } de { $total ->
        [one] { $total } sitio
       *[other] { $total } sitios
    }; los demás aún no se han verificado.
lead-all-checked = Cada sitio se verificó con un inicio de sesión de prueba o por sus propios visitantes.
lead-on-it = Estamos trabajando en ello. Abajo está lo que sabemos.
not-well = { $n } con problemas
next-all-in = Los demás siguen por zona horaria, de oeste a este. Al ritmo actual, todos quedarán restablecidos en { $left }.
next-look = Estamos revisando los reportes y publicaremos aquí lo que encontremos.
next-post = Publicamos aquí lo que encontramos y restablecemos los sitios de oeste a este.
head-failing = Con fallas
head-restoring = En restablecimiento
head-reported = Con reportes
head-works = Funcionan
head-unknown = Sin verificar
page-status = Estado
banner-info = Información
banner-warning = Atención
banner-critical = Importante

### La primera página, antes de que haya sitios.

welcome = Le damos la bienvenida
first-not-imported = No se importó nada
first-no-lamps = Aún no hay faroles.
first-mend = Un archivo se importa completo o no se importa. Corrija estas líneas y envíelo de nuevo.
first-lead = Lamplighter vigila el inicio de sesión en un conjunto de sitios. Indíquele qué sitios hay, o vea un simulacro.
first-lines = Líneas por corregir
first-lines-caption = Las primeras { $n } líneas con errores; el encabezado es la línea 1
first-line = Línea
first-wrong = Qué está mal
first-import = Importe sus sitios
first-file = Un archivo CSV, una línea por sitio
first-columns = Columnas:
first-optional = y, si las tiene,
first-and = y
first-bytes = Máximo 32 MiB.
first-send = Importar
first-sign-in = Inicie sesión en la consola
first-or-command = para enviar un archivo CSV, o use la línea de comandos.
first-command = Desde la línea de comandos:
first-drill = O vea de nuevo el 11 de julio de 2023
first-drill-lead = El simulacro recrea un incidente real con los componentes reales: las 4:00 p. m., una versión nueva, y el inicio de sesión falla en todos los sitios.
