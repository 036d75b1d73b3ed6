### Lo que reportan los clientes, como lo lee el personal.

reports-lead = Lo que dicen los clientes, lo más reciente primero; donde hay un aviso, antes que los demás.
reports-site = Nombre de host de un sitio
reports-of-one = De un sitio: anytown.gov
reports-show = Mostrar
reports-no-site = No existe el sitio { $site }.
reports-look = Buscarlo en la flota
reports-none = No hay ninguno.
report-ran = usaba { $what }
report-by =
    { $channel ->
        [web] desde el formulario
        [api] desde la API
        [support] desde soporte
       *[other] desde { $channel }
    }
report-in-banner = ahí hay un aviso
report-answer-to = Responder a { $contact }
reports-older = Anteriores
