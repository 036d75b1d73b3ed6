### Cuándo trabaja el equipo.

calendars-title = Calendarios
calendars-lead = Cuándo trabaja usted: las promesas en horas y días hábiles se cuentan con el calendario predeterminado, salvo que indiquen otro.
calendars-hours = De { $opens } a { $closes } de lunes a viernes en { $zone }
calendars-without-federal = { $hours }, sin los días feriados federales de EE. UU.
calendars-of-its-own =
    { $hours }; { $n ->
        [one] { $n } día feriado propio
       *[other] { $n } días feriados propios
    }.
calendars-day = { $weekday }, { $day } { $month } { $year }
calendars-import = Importar días feriados
calendars-into = en { $name }
calendars-file = Un archivo iCalendar
calendars-file-hint = Abra el archivo .ics en un editor de texto y péguelo aquí. Se toman los eventos de día completo.
calendars-import-them = Importarlos
calendars-remove = Eliminar
calendars-save = Agregar uno o cambiar su horario
calendars-name = Nombre
calendars-name-hint = «default» para el que cuenta; cualquier otro nombre para otro equipo.
calendars-zone = Zona horaria
calendars-opens = Abre
calendars-closes = Cierra
calendars-federal = Los días feriados federales de EE. UU. son libres
calendars-save-it = Guardar el calendario
calendars-imported =
    { $n ->
        [one] { $n } día es libre desde ahora.
       *[other] { $n } días son libres desde ahora.
    }
calendars-left-out = Se omitió { $name }: { $reason }.
