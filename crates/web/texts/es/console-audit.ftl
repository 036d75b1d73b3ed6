### Quién hizo qué.

audit-title = Auditoría
audit-lead = Quién hizo qué, de lo más reciente a lo más antiguo.
audit-none = Aún no se ha hecho nada.
audit-caption = Registros de la auditoría, del más reciente al más antiguo
audit-when = Cuándo
audit-who = Quién
audit-did = Acción
audit-to = Sobre qué
audit-detail = Detalle
audit-older = Anteriores
