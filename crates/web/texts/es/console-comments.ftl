### Lo que decide el personal sobre los comentarios.

moderation-title = Comentarios
moderation-lead = Lo que escriben los clientes bajo los incidentes. Si tres lectores reportan un comentario, queda retenido hasta que usted lo revise; también si alguien nuevo pone un enlace.
moderation-which = Qué comentarios
moderation-shown = Visibles
moderation-held = Esperan su revisión
moderation-hidden = Ocultos
moderation-none = No hay ninguno.
moderation-found =
    { $votes ->
        [one] A { $votes } persona le resultó útil
       *[other] A { $votes } personas les resultó útil
    }; { $n ->
        [one] { $n } reporte
       *[other] { $n } reportes
    }.
moderation-decided = Decidió { $who }.
moderation-may-not = Su autor ya no puede escribir.
moderation-why = Motivo
moderation-show = Mostrarlo
moderation-hold = Retenerlo
moderation-hide = Ocultarlo
moderation-unban = Permitir que su autor vuelva a escribir
moderation-ban = Bloquear a su autor
moderation-older = Anteriores
moderation-earlier = un incidente anterior
