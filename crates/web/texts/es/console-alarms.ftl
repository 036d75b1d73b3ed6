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
