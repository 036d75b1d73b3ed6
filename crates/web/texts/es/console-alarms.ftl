### Las alarmas: qué dijo la estadística, dónde, y qué lo explica.

alarms-lead = De los últimos 90 días, las más recientes primero. Cada una indica qué tan rara es una falsa.
alarms-none = No se dio ninguna.
alarms-caption = Alarmas, las más recientes primero
alarm-raised = Se dio
alarm-seen = Qué se observó
alarm-where = Dónde
alarm-explained = Mejor explicación
alarm-began = Comenzó hacia
alarm-false-once = Falsa, como máximo una vez en
alarm-days = { $days } días
alarm-promise = como máximo una falsa alarma en { $days } días
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
explained-code = código de error { $list }
