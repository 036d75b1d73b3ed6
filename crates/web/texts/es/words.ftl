### Cifras, horas y estados: palabras que comparten muchas páginas.

weekdays = dom lun mar mié jue vie sáb
months = enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
months-short = ene feb mar abr may jun jul ago sep oct nov dic
half-am = a. m.
half-pm = p. m.
clock-time = { $clock } { $half } { $zone }
clock-wall = { $clock } { $half }
moment = { $weekday }, { $day } { $month }, { $time }
moment-of-year = { $weekday }, { $day } { $month } { $year }, { $time }
day = { $day } de { $month } de { $year }
day-short = { $day } { $month } { $year }
month-of-year = { $month } de { $year }
sites =
    { $n ->
        [one] { $n } sitio
       *[other] { $n } sitios
    }
comments-counted =
    { $n ->
        [one] { $n } comentario
       *[other] { $n } comentarios
    }
left-minute-or-two = uno o dos minutos
left-few-minutes = unos minutos
left-minutes = unos { $n } minutos
left-hour = alrededor de una hora
left-hours = unas { $n } horas
left-half-a-day = más de medio día
state-well = funciona
state-restored = restablecido
state-restoring = en restablecimiento
state-reported = con reportes
state-failing = con fallas
state-unknown = sin verificar
zone-hawaii = Hawái
zone-alaska = Alaska
zone-pacific = Pacífico
zone-arizona = Arizona
zone-mountain = Montaña
zone-central = Centro
zone-eastern = Este
zone-atlantic = Atlántico
